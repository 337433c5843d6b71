"""Fluorescent specimens: what the paper imaged, as light in a volume.

Every specimen is a function of a volume and a random generator that returns emitters. The brightest
structures carry light of order 1; the exposure is chosen later, by the camera.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from deepz_zoo.simulate.volume import Volume

BEAD_RADIUS_UM = 0.15


@dataclass(frozen=True)
class Emitters:
    """Balls of fluorescence.

    Attributes
    ----------
    positions_um
        Centres as (z, y, x), shape (n, 3), in µm.
    light
        Relative light of each, shape (n,).
    radius_um
        Radius of each, shape (n,).
    """

    positions_um: torch.Tensor
    light: torch.Tensor
    radius_um: torch.Tensor


def draw_specimen(kind: str, volume: Volume, generator: torch.Generator) -> Emitters:
    """Draw a specimen of one of the kinds in `SPECIMENS`."""
    return _KINDS[kind](volume, generator)


class _Random:
    """Short names for the draws that the specimens need, all from one generator."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        device = self.generator.device
        return low + (high - low) * torch.rand(shape, generator=self.generator, device=device)

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=self.generator, device=self.generator.device)

    def number(self, low: float, high: float) -> float:
        return self.uniform(low, high).item()

    def count(self, low: int, high: int) -> int:
        """Draw an integer, uniform in its logarithm."""
        return round(math.exp(self.number(math.log(low), math.log(high))))

    def choice(self, probability: float) -> bool:
        return self.number(0, 1) < probability

    def lognormal(self, sigma: float, n: int) -> torch.Tensor:
        return torch.exp(sigma * self.normal(n))


def _surface_z(random: _Random, volume: Volume, yx_um: torch.Tensor) -> torch.Tensor:
    """Heights of a random flat, tilted or cylindrical surface at positions (n, 2)."""
    height, width = volume.size_um
    centered = yx_um - torch.tensor([height / 2, width / 2], device=yx_um.device)
    angle = random.number(0, 2 * math.pi)
    along = centered[:, 0] * math.sin(angle) + centered[:, 1] * math.cos(angle)
    half = min(height, width) / 2
    span = volume.half_depth_um / 2
    offset = random.number(-0.4, 0.4) * span
    tilt = random.number(-1, 1) * span * along / half if random.choice(0.6) else 0.0 * along
    bend = random.number(-1, 1) * span * (along / half) ** 2 if random.choice(0.3) else 0.0
    return offset + tilt + bend


def _spread_out(random: _Random, volume: Volume, n: int, distance_um: float) -> torch.Tensor:
    """Positions (y, x) of at most `n` points that keep a distance from each other."""
    size = torch.tensor(volume.size_um)
    kept: list[torch.Tensor] = []
    for candidate in (random.uniform(0, 1, 20 * n, 2).cpu() * size).unbind():
        if len(kept) == n:
            break
        gap = [(candidate - other).abs() for other in kept]
        if all(torch.linalg.norm(torch.minimum(g, size - g)) >= distance_um for g in gap):
            kept.append(candidate)
    return torch.stack(kept).to(random.generator.device)


def beads(volume: Volume, generator: torch.Generator) -> Emitters:
    """Isolated beads of 300 nm on a flat, tilted or curved surface, or scattered in depth."""
    random = _Random(generator)
    area = volume.size_um[0] * volume.size_um[1]
    most = max(2, round(area / 300))
    yx = _spread_out(random, volume, random.count(max(1, most // 8), most), 8.0)
    n = len(yx)
    if random.choice(0.5):
        z = _surface_z(random, volume, yx)
    else:
        z = random.uniform(-0.6, 0.6, n) * volume.half_depth_um
    return Emitters(
        torch.cat([z[:, None], yx], dim=1),
        random.lognormal(0.25, n),
        torch.full((n,), BEAD_RADIUS_UM, device=yx.device),
    )


def scattered_beads(
    volume: Volume, count: int, half_depth_um: float, generator: torch.Generator
) -> Emitters:
    """Beads of 300 nm anywhere in a layer, near to each other or not: a specimen of one density.

    Unlike the specimens in `SPECIMENS` it is told its number of beads; nothing is trained on it.

    Parameters
    ----------
    volume
        The grid; the beads lie anywhere in its field of view.
    count
        Number of beads.
    half_depth_um
        The beads lie from -half_depth_um to +half_depth_um.
    generator
        Source of positions and brightness.
    """
    random = _Random(generator)
    size = torch.tensor([2 * half_depth_um, *volume.size_um], device=generator.device)
    positions = random.uniform(0, 1, count, 3) * size
    positions[:, 0] -= half_depth_um
    radius = torch.full((count,), BEAD_RADIUS_UM, device=generator.device)
    return Emitters(positions, random.lognormal(0.25, count), radius)


def clusters(volume: Volume, generator: torch.Generator) -> Emitters:
    """Clumps of beads, with single ones between them."""
    random = _Random(generator)
    area = volume.size_um[0] * volume.size_um[1]
    n_clumps = random.count(2, max(3, round(area / 400)))
    per_clump = random.count(2, 16)
    device = generator.device
    size = torch.tensor(volume.size_um, device=device)
    centers = random.uniform(0, 1, n_clumps, 2) * size
    z = _surface_z(random, volume, centers)
    spread = random.number(0.4, 2.5)
    flatness = random.number(0.0, 0.7)
    offset = random.normal(n_clumps, per_clump, 3) * spread
    offset[..., 0] *= flatness
    member = torch.cat([z[:, None], centers], dim=1)[:, None] + offset
    positions = member.reshape(-1, 3)
    # Clumps differ in size: keep a different share of the members of each.
    share = random.uniform(0.2, 1.0, n_clumps, 1).expand(-1, per_clump).reshape(-1)
    positions = positions[random.uniform(0, 1, len(positions)) < share]
    n = max(1, len(positions))
    positions = positions[:n] if len(positions) else member[:1, 0]
    return Emitters(
        positions,
        random.lognormal(0.3, n),
        torch.full((n,), BEAD_RADIUS_UM, device=device),
    )


def nuclei(volume: Volume, generator: torch.Generator) -> Emitters:
    """Nuclei of 1 to 3 µm in the body of a worm, over dim autofluorescence."""
    random = _Random(generator)
    height, width = volume.size_um
    device = generator.device
    body_radius = random.number(8.0, 22.0)
    # The body: a gently bent line through the field of view.
    t = torch.linspace(-0.75, 0.75, 400, device=device)
    angle = random.number(0, math.pi)
    bend = random.number(-0.5, 0.5)
    wave = random.number(0.0, 0.15) * torch.sin(2 * math.pi * (t * random.number(0.5, 1.5)))
    length = math.hypot(height, width)
    u, v = t * length, (bend * t**2 + wave) * length
    center = random.uniform(0.3, 0.7, 2) * torch.tensor([height, width], device=device)
    line_y = center[0] + u * math.sin(angle) + v * math.cos(angle)
    line_x = center[1] + u * math.cos(angle) - v * math.sin(angle)
    line_z = random.number(-4, 4) + random.number(-4, 4) * t
    line = torch.stack([line_z, line_y, line_x], dim=1)

    def in_body(n: int, fill: float) -> torch.Tensor:
        where = (random.uniform(0, 1, n) * (len(t) - 1)).long()
        across = random.normal(n, 3)
        across = across / torch.linalg.vector_norm(across, dim=1, keepdim=True)
        reach = body_radius * fill * torch.sqrt(random.uniform(0, 1, n, 1))
        position: torch.Tensor = line[where] + across * reach
        return position

    # Neurons gather in ganglia as well as along the cord.
    n_single, n_ganglia = random.count(10, 60), random.count(1, 4)
    ganglia = in_body(n_ganglia, 0.6)
    per_ganglion = random.count(4, 20)
    crowd = ganglia[:, None] + random.normal(n_ganglia, per_ganglion, 3) * random.number(3.0, 7.0)
    cells = torch.cat([in_body(n_single, 0.85), crowd.reshape(-1, 3)])
    radius = random.uniform(0.5, 1.5, len(cells))
    light = random.lognormal(0.5, len(cells)) * (radius / 1.0) ** 2
    haze = in_body(600, 1.0)
    haze_light = torch.full((600,), random.number(0.0, 0.5) * light.sum().item() / 600)
    return Emitters(
        torch.cat([cells, haze]),
        torch.cat([light, haze_light.to(device)]),
        torch.cat([radius, torch.full((600,), 3.0, device=device)]),
    )


def filaments(volume: Volume, generator: torch.Generator) -> Emitters:
    """Thin curved fibres in a layer that follows a tilted or bent surface, as F-actin."""
    random = _Random(generator)
    height, width = volume.size_um
    device = generator.device
    n_fibers = random.count(6, 50)
    points = 260
    # A persistent random walk: the direction drifts slowly along the fibre.
    step_um = volume.pixel_size_um * 0.8
    main = random.number(0, 2 * math.pi)
    spread = random.number(0.2, math.pi)
    heading = main + spread * random.normal(n_fibers, 1)
    drift = random.normal(n_fibers, points) * math.sqrt(step_um / random.number(10.0, 80.0))
    direction = heading + torch.cumsum(drift, dim=1)
    start = random.uniform(0, 1, n_fibers, 1, 2) * torch.tensor([height, width], device=device)
    walk = torch.cumsum(
        torch.stack([torch.sin(direction), torch.cos(direction)], dim=2) * step_um, dim=1
    )
    yx = start + walk
    base = _surface_z(
        random, volume, (yx % torch.tensor([height, width], device=device)).view(-1, 2)
    )
    thickness = random.number(0.5, 5.0)
    level = random.normal(n_fibers, 1) * thickness / 2
    slope = (
        random.normal(n_fibers, 1)
        * 0.05
        * torch.linspace(0, points * step_um, points)[None].to(device)
    )
    z = base.view(n_fibers, points) + level + slope * min(1.0, thickness / 3)
    length = random.uniform(0.2, 1.0, n_fibers, 1) * points
    on = (torch.arange(points, device=device)[None] < length).float()
    light = on * random.lognormal(0.5, n_fibers)[:, None]
    keep = on.flatten() > 0
    positions = torch.cat([z.reshape(-1, 1), yx.reshape(-1, 2)], dim=1)[keep]
    radius = torch.full((len(positions),), random.number(0.1, 0.4), device=device)
    return Emitters(positions, light.flatten()[keep], radius)


def texture(volume: Volume, generator: torch.Generator) -> Emitters:
    """Dense short tubules in flat cells, as mitochondria."""
    random = _Random(generator)
    height, width = volume.size_um
    device = generator.device
    size = torch.tensor([height, width], device=device)
    n_cells = random.count(1, 5)
    n_tubules, points = random.count(30, 400), 12
    cell = (random.uniform(0, 1, n_tubules) * n_cells).long().clamp(max=n_cells - 1)
    centers = random.uniform(0, 1, n_cells, 2) * size
    extent = random.uniform(8.0, 25.0, n_cells)
    start = centers[cell] + random.normal(n_tubules, 2) * extent[cell, None] * 0.6
    angle = random.uniform(0, 2 * math.pi, n_tubules, 1) + torch.cumsum(
        0.35 * random.normal(n_tubules, points), dim=1
    )
    step = random.uniform(0.15, 0.4, n_tubules, 1, 1)
    walk = torch.cumsum(torch.stack([torch.sin(angle), torch.cos(angle)], dim=2) * step, dim=1)
    yx = start[:, None] + walk
    base = _surface_z(random, volume, (start % size))
    level = random.normal(n_tubules) * random.number(0.3, 1.5)
    z = (base + level)[:, None].expand(-1, points)
    positions = torch.cat([z.reshape(-1, 1), yx.reshape(-1, 2)], dim=1)
    light = random.lognormal(0.4, n_tubules)[:, None].expand(-1, points).reshape(-1)
    radius = torch.full((len(positions),), random.number(0.25, 0.5), device=device)
    return Emitters(positions, light, radius)


_KINDS: dict[str, Callable[[Volume, torch.Generator], Emitters]] = {
    "beads": beads,
    "clusters": clusters,
    "nuclei": nuclei,
    "filaments": filaments,
    "texture": texture,
}
SPECIMENS = tuple(_KINDS)
