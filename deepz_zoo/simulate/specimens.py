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
_AREA_UM2 = 500 * 500 / 461  # of a bead in Fig. 1b of the paper


@dataclass(frozen=True)
class Emitters:
    """Balls of fluorescence.

    Attributes
    ----------
    positions_um
        Centers as (z, y, x), shape (n, 3), in µm.
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


class Random:
    """Short names for the draws that the specimens need, all from one generator."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Draw evenly from a range."""
        device = self.generator.device
        return low + (high - low) * torch.rand(shape, generator=self.generator, device=device)

    def normal(self, *shape: int) -> torch.Tensor:
        """Draw from a normal distribution of variance 1."""
        return torch.randn(shape, generator=self.generator, device=self.generator.device)

    def number(self, low: float, high: float) -> float:
        """Draw one number evenly from a range."""
        return self.uniform(low, high).item()

    def count(self, low: int, high: int) -> int:
        """Draw an integer, uniform in its logarithm."""
        return round(math.exp(self.number(math.log(low), math.log(high))))

    def choice(self, probability: float) -> bool:
        """Draw yes with a probability."""
        return self.number(0, 1) < probability

    def lognormal(self, sigma: float, n: int) -> torch.Tensor:
        """Draw `n` factors whose logarithms have the standard deviation `sigma`."""
        return torch.exp(sigma * self.normal(n))


def _surface_z(random: Random, volume: Volume, yx_um: torch.Tensor) -> torch.Tensor:
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


def _spread_out(random: Random, volume: Volume, n: int, distance_um: float) -> torch.Tensor:
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
    random = Random(generator)
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


def beads_on(volume: Volume, z_um: torch.Tensor, generator: torch.Generator) -> Emitters:
    """Isolated beads of 300 nm on a surface, as densely as on the paper's slides (Fig. 1b).

    Unlike in the `SPECIMENS`, the surface is given; nothing is trained on it.

    Parameters
    ----------
    volume
        The grid.
    z_um
        Height of the surface at each pixel in µm, shape (ny, nx).
    generator
        Source of positions and brightness.
    """
    random = Random(generator)
    height, width = volume.size_um
    yx = _spread_out(random, volume, max(1, round(height * width / _AREA_UM2)), 8.0)
    rows, columns = (yx / volume.pixel_size_um).long().unbind(dim=1)
    z = z_um.to(yx.device)[rows, columns]
    return Emitters(
        torch.cat([z[:, None], yx], dim=1),
        random.lognormal(0.25, len(yx)),
        torch.full((len(yx),), BEAD_RADIUS_UM, device=yx.device),
    )


def scattered_beads(
    volume: Volume, count: int, half_depth_um: float, generator: torch.Generator
) -> Emitters:
    """Beads of 300 nm anywhere in a layer, near to each other or not: a specimen of one density.

    Unlike in the `SPECIMENS`, the number of beads is given; nothing is trained on it.

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
    random = Random(generator)
    size = torch.tensor([2 * half_depth_um, *volume.size_um], device=generator.device)
    positions = random.uniform(0, 1, count, 3) * size
    positions[:, 0] -= half_depth_um
    radius = torch.full((count,), BEAD_RADIUS_UM, device=generator.device)
    return Emitters(positions, random.lognormal(0.25, count), radius)


def clusters(volume: Volume, generator: torch.Generator) -> Emitters:
    """Clumps of beads, with single ones between them."""
    random = Random(generator)
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
    # Clumps differ in size: keep a different fraction of the members of each.
    fraction = random.uniform(0.2, 1.0, n_clumps, 1).expand(-1, per_clump).reshape(-1)
    positions = positions[random.uniform(0, 1, len(positions)) < fraction]
    n = max(1, len(positions))
    positions = positions[:n] if len(positions) else member[:1, 0]
    return Emitters(
        positions,
        random.lognormal(0.3, n),
        torch.full((n,), BEAD_RADIUS_UM, device=device),
    )


class Body:
    """The body of a worm: a gently bent line through the field of view, and what is around it.

    Attributes
    ----------
    line_um
        Points (z, y, x) of the line, in order, shape (400, 3).
    """

    def __init__(self, random: Random, volume: Volume) -> None:
        self._random = random
        height, width = volume.size_um
        device = random.generator.device
        self._radius_um = random.number(8.0, 22.0)
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
        self.line_um = torch.stack([line_z, line_y, line_x], dim=1)

    def places(self, n: int, fill: float) -> torch.Tensor:
        """Draw points (z, y, x) inside, up to a fraction of the body's radius from its line."""
        random = self._random
        where = (random.uniform(0, 1, n) * (len(self.line_um) - 1)).long()
        across = random.normal(n, 3)
        across = across / torch.linalg.vector_norm(across, dim=1, keepdim=True)
        distance = self._radius_um * fill * torch.sqrt(random.uniform(0, 1, n, 1))
        position: torch.Tensor = self.line_um[where] + across * distance
        return position

    def cells(self, most_single: int) -> torch.Tensor:
        """Draw the centers of neurons: they gather in ganglia as well as along the cord."""
        random = self._random
        n_single, n_ganglia = random.count(10, most_single), random.count(1, 4)
        ganglia = self.places(n_ganglia, 0.6)
        per_ganglion = random.count(4, 20)
        offsets = random.normal(n_ganglia, per_ganglion, 3) * random.number(3.0, 7.0)
        crowd = ganglia[:, None] + offsets
        return torch.cat([self.places(n_single, 0.85), crowd.reshape(-1, 3)])

    def haze(self, light: float) -> Emitters:
        """Return dim autofluorescence of the whole body, of a random fraction of some light."""
        places = self.places(600, 1.0)
        each = self._random.number(0.0, 0.5) * light / 600
        device = places.device
        return Emitters(
            places,
            torch.full((600,), each, device=device),
            torch.full((600,), 3.0, device=device),
        )


def _together(*parts: Emitters) -> Emitters:
    return Emitters(
        torch.cat([part.positions_um for part in parts]),
        torch.cat([part.light for part in parts]),
        torch.cat([part.radius_um for part in parts]),
    )


def nuclei(volume: Volume, generator: torch.Generator) -> Emitters:
    """Nuclei of 1 to 3 µm in the body of a worm, over dim autofluorescence."""
    random = Random(generator)
    worm = Body(random, volume)
    cells = worm.cells(60)
    radius = random.uniform(0.5, 1.5, len(cells))
    light = random.lognormal(0.5, len(cells)) * (radius / 1.0) ** 2
    return _together(Emitters(cells, light, radius), worm.haze(light.sum().item()))


def neurons(volume: Volume, generator: torch.Generator) -> Emitters:
    """Neurons of a worm as GCaMP shows them: cell bodies of 2 to 5 µm, and thin neurites."""
    random = Random(generator)
    worm = Body(random, volume)
    cells = worm.cells(30)
    radius = random.uniform(1.0, 2.5, len(cells))
    light = random.lognormal(0.8, len(cells)) * radius**2  # activity differs more than size
    return _together(
        Emitters(cells, light, radius),
        _neurites(random, worm, volume),
        worm.haze(light.sum().item()),
    )


def _neurites(random: Random, worm: Body, volume: Volume) -> Emitters:
    """Fibers that run along the body beside each other, as in the nerve cord."""
    n_fibers = random.count(2, 12)
    line = worm.line_um
    # Points closer than the blur, or a fiber would look like a row of beads.
    gap_um = torch.linalg.vector_norm(line[1:] - line[:-1], dim=1).mean().item()
    points = math.ceil(len(line) * gap_um / (volume.pixel_size_um * 0.8))
    index = torch.linspace(0, len(line) - 1, points, device=line.device)
    below = index.long().clamp(max=len(line) - 2)
    weight = (index - below)[:, None]
    along = line[below] * (1 - weight) + line[below + 1] * weight
    aside = random.normal(n_fibers, 3) * random.number(1.0, 5.0)
    positions = (along[None] + aside[:, None]).reshape(-1, 3)
    brightness = random.lognormal(0.5, n_fibers) * random.number(0.01, 0.1)
    return Emitters(
        positions,
        brightness.repeat_interleave(points),
        torch.full((len(positions),), 0.2, device=line.device),
    )


def filaments(volume: Volume, generator: torch.Generator) -> Emitters:
    """Thin curved fibers in a layer that follows a tilted or bent surface, as F-actin."""
    random = Random(generator)
    height, width = volume.size_um
    device = generator.device
    n_fibers = random.count(6, 50)
    points = 260
    # A persistent random walk: the direction drifts slowly along the fiber.
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


def microtubules(volume: Volume, generator: torch.Generator) -> Emitters:
    """Long, hardly bent fibers that radiate through flat cells from a center near the nucleus."""
    random = Random(generator)
    device = generator.device
    size = torch.tensor(volume.size_um, device=device)
    n_fibers = random.count(25, 150)
    step_um = volume.pixel_size_um * 0.8
    points = round(0.9 * max(volume.size_um) / step_um)
    organizers = random.uniform(0, 1, random.count(1, 3), 2) * size
    belongs = (random.uniform(0, 1, n_fibers) * len(organizers)).long()
    start = organizers[belongs] + random.normal(n_fibers, 2) * random.number(0.5, 4.0)
    # Fixed cells bend them over some 10 µm, though the fibers by themselves are stiffer.
    heading = random.uniform(0, 2 * math.pi, n_fibers, 1)
    turns = random.normal(n_fibers, points) * math.sqrt(step_um / random.number(8.0, 40.0))
    direction = heading + torch.cumsum(turns, dim=1)
    steps = torch.stack([torch.sin(direction), torch.cos(direction)], dim=2) * step_um
    yx = start[:, None] + torch.cumsum(steps, dim=1)
    base = _surface_z(random, volume, (yx % size).reshape(-1, 2)).view(n_fibers, points)
    # The cell is thickest around its nucleus and flat at its rim.
    away = torch.linspace(0, 1, points, device=device)[None]
    level = random.normal(n_fibers, 1) * random.number(0.2, 1.0) * (1 - 0.7 * away)
    on = away < random.uniform(0.2, 1.0, n_fibers, 1)
    light = random.lognormal(0.3, n_fibers)[:, None].expand(-1, points)
    positions = torch.cat([(base + level)[:, :, None], yx], dim=2)[on]
    # 25 nm, and antibodies on both sides.
    return Emitters(positions, light[on], torch.full((len(positions),), 0.03, device=device))


def texture(volume: Volume, generator: torch.Generator) -> Emitters:
    """Dense short tubules in flat cells, as mitochondria."""
    random = Random(generator)
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
    "neurons": neurons,
    "filaments": filaments,
    "microtubules": microtubules,
    "texture": texture,
}
SPECIMENS = tuple(_KINDS)
