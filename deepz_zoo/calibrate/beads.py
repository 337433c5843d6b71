"""Beads that an instrument can be fitted to: found in stacks and in images, and sieved.

Kept are beads without a near neighbor, inside of the image, neither saturated nor hot pixels, and
in a stack those that pass their focus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.feature import blob_log, peak_local_max

from deepz_zoo.calibrate.model import BeadModel
from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities.noise import noise_level
from deepz_zoo.measure.beads import isolated
from deepz_zoo.measure.beads.saturation import PLATEAU, saturation_level

MAX_BEADS = 16
"""No more are fitted: the errors fall slowly with their number, and the time grows."""
PLANES_PER_BEAD = 7
MIN_PLANES = 5
MIN_SIGNAL_TO_NOISE = 15.0
"""Of the brightest pixel of a bead."""
_NEIGHBORS = 0.75  # of the crop's side: nearer beads shine into the crop
_DIMMER_NEIGHBORS = 0.05  # of the brightest beads' peak: dimmer ones do no harm
_MIN_SIDE_DEPTHS = 1.0  # depths of field that a stack must hold on either side of a focus
_PLATEAU_PX = 6
_HOT, _HOT_SIGNAL = 10.0, 20.0
_BINS = 6


@dataclass(frozen=True, eq=False)
class BeadImages:
    """Crops around one bead.

    Attributes
    ----------
    pixels
        Grey levels, shape (n, side, side); the bead lies near pixel ``side // 2``.
    valid
        Which pixels count, same shape: not the hot ones.
    z_um
        Position of the stage at each crop, in µm from where the bead is expected in focus, shape
        (n,).
    y_px, x_px
        The pixel of the image at the crop's ``side // 2``.
    level
        Background in grey levels.
    read_variance
        Variance of the background in squared grey levels.
    """

    pixels: NDArray[np.float32]
    valid: NDArray[np.bool_]
    z_um: NDArray[np.float64]
    y_px: int
    x_px: int
    level: float
    read_variance: float

    @property
    def light(self) -> float:
        """Grey levels of one plane above the background, about."""
        return float(np.clip((self.pixels - self.level).sum(axis=(1, 2)).max(), 1.0, None))

    @property
    def signal_to_noise(self) -> float:
        """The brightest pixel above the background over the noise of that."""
        brightest = float(np.where(self.valid, self.pixels, self.level).max())
        return (brightest - self.level) / float(np.sqrt(self.read_variance))


@dataclass
class FoundBeads:
    """Beads of one or more images, and how many were left out for what."""

    beads: list[BeadImages] = field(default_factory=list)
    spots: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def leave_out(self, reason: str, count: int = 1) -> None:
        """Count beads that cannot be used."""
        if count:
            self.left_out[reason] = self.left_out.get(reason, 0) + count

    def add(self, other: FoundBeads) -> None:
        """Add the beads of another image."""
        self.beads += other.beads
        self.spots += other.spots
        for reason, count in other.left_out.items():
            self.leave_out(reason, count)

    def chosen(self, names: str, model: BeadModel) -> list[BeadImages]:
        """Return at most `MAX_BEADS` of the beads.

        Raises
        ------
        DeepZError
            If there is none. `names` are those of the images.
        """
        if not self.spots:
            raise DeepZError(
                f"no beads in {names}; expected bright spots on a dark background, at least "
                f"{MIN_SIGNAL_TO_NOISE:g} times above its noise"
            )
        if not self.beads:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
            worst = max(self.left_out, key=self.left_out.__getitem__)
            apart_um = _NEIGHBORS * model.crop_px * model.pixel_size_um
            raise DeepZError(
                f"no usable bead among {self.spots} in {names} ({reasons}); "
                + REMEDIES[worst].format(apart_um=apart_um, depth_um=model.farthest_um)
            )
        return self.beads[:MAX_BEADS]


NEIGHBOR = "with a near neighbor or at an edge"
SATURATED = "saturated"
OUT_OF_FOCUS = "that never pass focus"
DIM = "too dim"
REMEDIES = {
    NEIGHBOR: "dilute the beads until they are {apart_um:.0f} µm apart",
    SATURATED: "expose less: the brightest pixel must stay below the camera's limit",
    OUT_OF_FOCUS: "acquire planes on both sides of the focus, by up to {depth_um:.2g} µm",
    DIM: "expose longer, or use brighter beads",
}


def beads_of_stack(stack: NDArray[np.generic], z_step_um: float, model: BeadModel) -> FoundBeads:
    """Find beads in a z-stack (nz, ny, nx) of increasing stage z, the brightest first.

    Raises
    ------
    DeepZError
        If the stack has too few planes around the focus.
    """
    depth_of_field = model.system.depth_of_field_um
    if len(stack) < MIN_PLANES:
        raise DeepZError(
            f"a stack of {len(stack)} planes; expected at least {MIN_PLANES}, from "
            f"{-2 * depth_of_field:.1f} to {2 * depth_of_field:+.1f} µm around the focus or farther"
        )
    images = stack.astype(np.float32)
    level, noise = float(np.median(images)), _noise(images[len(images) // 2])
    hot = _hot(images, level, noise)
    smooth = gaussian_filter(np.where(hot, level, images), (0, 1, 1))
    brightest = smooth.max(axis=0)
    spots = _spots(brightest, level, noise)
    found = FoundBeads(spots=len(spots))
    kept = isolated(
        spots,
        brightest.shape,
        min_distance=_NEIGHBORS * model.crop_px,
        margin=model.crop_px / 2 + 1,
    )
    found.leave_out(NEIGHBOR, len(spots) - len(kept))
    side = _MIN_SIDE_DEPTHS * depth_of_field
    for y, x in spots[kept].astype(int):
        at_bead = smooth[:, y - 2 : y + 3, x - 2 : x + 3].max(axis=(1, 2))
        focus = int(at_bead.argmax())
        z_um = (np.arange(len(images)) - focus) * z_step_um
        if z_um[0] > -side or z_um[-1] < side:
            found.leave_out(OUT_OF_FOCUS)
            continue
        near = np.flatnonzero(np.abs(z_um) <= model.farthest_um + 1e-6)
        if len(near) < MIN_PLANES:
            raise DeepZError(
                f"a z step of {z_step_um:g} µm leaves {len(near)} planes within "
                f"{model.farthest_um:.2g} µm of the focus; expected at least {MIN_PLANES}"
            )
        count = min(PLANES_PER_BEAD, len(near))
        planes = near[np.unique(np.linspace(0, len(near) - 1, count).round().astype(int))]
        _keep(
            found,
            images[planes],
            hot[planes],
            z_um[planes],
            (y, x),
            noise,
            saturation_level(stack),
            model,
        )
    found.beads.sort(key=lambda bead: -bead.signal_to_noise)
    return found


def beads_of_image(
    image: NDArray[np.generic], distance_um: NDArray[np.floating], model: BeadModel
) -> FoundBeads:
    """Find beads in one image (ny, nx) of a surface at known distances, of the same shape.

    A positive distance is that of a surface at a higher stage z, as in a DPM; where it is in focus
    need not be known. The beads come from all distances by turns.
    """
    pixels = image.astype(np.float32)
    level, noise = float(np.median(pixels)), _noise(pixels)
    hot = _hot(pixels[None], level, noise)
    # A disk of radius R answers most to a Laplacian of Gaussian of R/√2.
    widest = model.crop_px / 2 / np.sqrt(2)
    spots = blob_log(
        (np.where(hot[0], level, pixels) - level) / noise,
        min_sigma=1.5,
        max_sigma=widest,
        num_sigma=7,
        threshold=3.0,
        overlap=0.2,
    )[:, :2]
    found = FoundBeads(spots=len(spots))
    kept = isolated(
        spots,
        pixels.shape,
        min_distance=_NEIGHBORS * model.crop_px,
        margin=model.crop_px / 2 + 1,
    )
    found.leave_out(NEIGHBOR, len(spots) - len(kept))
    for y, x in spots[kept].astype(int):
        z_um = np.array([-float(distance_um[y, x])])
        _keep(found, pixels[None], hot, z_um, (y, x), noise, saturation_level(image), model)
    found.beads = list(_by_turns(found.beads))
    return found


def _noise(image: NDArray[np.float32]) -> float:
    """Return the noise of an image, at least that of rounding to grey levels."""
    return max(noise_level(image), 0.3)


def _spots(brightest: NDArray[np.float32], level: float, noise: float) -> NDArray[np.float64]:
    """Return the local maxima of an image of all planes, shape (n, 2)."""
    top = np.percentile(brightest, 99.9) - level
    threshold = level + max(MIN_SIGNAL_TO_NOISE * noise / 3, _DIMMER_NEIGHBORS * top)
    spots = peak_local_max(brightest, min_distance=4, threshold_abs=threshold, exclude_border=False)
    return np.asarray(spots, dtype=np.float64).reshape(-1, 2)


def _keep(
    found: FoundBeads,
    images: NDArray[np.float32],
    hot: NDArray[np.bool_],
    z_um: NDArray[np.float64],
    place: tuple[int, int],
    noise: float,
    limit: float,
    model: BeadModel,
) -> None:
    """Cut a bead out of its planes (n, ny, nx) and keep it, if it can be used."""
    half = model.crop_px // 2
    y, x = place
    crop = np.s_[:, y - half : y + half, x - half : x + half]
    crops, valid = images[crop], ~hot[crop]
    frame = np.ones(crops.shape[1:], dtype=bool)
    frame[2:-2, 2:-2] = False
    level = float(np.median(crops[:, frame]))
    bead = BeadImages(crops, valid, z_um, y, x, level, noise**2)
    if _is_saturated(crops[valid], limit):
        found.leave_out(SATURATED)
    elif bead.signal_to_noise < (MIN_SIGNAL_TO_NOISE if len(z_um) > 1 else MIN_SIGNAL_TO_NOISE / 3):
        found.leave_out(DIM)
    else:
        found.beads.append(bead)


def _hot(images: NDArray[np.float32], level: float, noise: float) -> NDArray[np.bool_]:
    """Return the pixels (n, ny, nx) that stand alone: no image of a bead is as narrow."""
    hot = np.zeros(images.shape, dtype=bool)
    n, y, x = np.nonzero(images > level + _HOT_SIGNAL * noise)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = [(dy, dx) for dy in range(3) for dx in range(3) if (dy, dx) != (1, 1)]
    neighbors = np.max([padded[n, y + dy, x + dx] for dy, dx in around], axis=0, initial=level)
    alone = images[n, y, x] - level > _HOT * np.maximum(neighbors - level, noise)
    hot[n[alone], y[alone], x[alone]] = True
    return hot


def _is_saturated(crops: NDArray[np.float32], limit: float) -> bool:
    """Tell whether pixels are at the limit of their type, or many share the highest value."""
    brightest = crops.max()
    return bool(brightest >= limit or (crops >= PLATEAU * brightest).sum() >= _PLATEAU_PX)


def _by_turns(beads: list[BeadImages]) -> Iterator[BeadImages]:
    """Yield beads from all distances by turns, the brightest of each first."""
    z_um = np.array([bead.z_um[0] for bead in beads])
    edges = np.linspace(z_um.min(), z_um.max() + 1e-6, _BINS + 1) if len(beads) else np.zeros(1)
    bins: list[list[BeadImages]] = [[] for _ in range(_BINS)]
    for bead in sorted(beads, key=lambda bead: -bead.signal_to_noise):
        bins[int(np.searchsorted(edges, bead.z_um[0], side="right")) - 1].append(bead)
    while any(bins):
        for waiting in bins:
            if waiting:
                yield waiting.pop(0)
