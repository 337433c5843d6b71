"""Videos of an active worm: two channels in turn at one position of the stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import Record
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.simulate.activity import Activity, draw_activity
from deepz_zoo.simulate.camera import Camera, Exposure
from deepz_zoo.simulate.focal_plane import FocalPlane
from deepz_zoo.simulate.motion import Motion, draw_motion
from deepz_zoo.simulate.specimens import Body, Emitters, Random
from deepz_zoo.simulate.stack import Noise, specimen_volume
from deepz_zoo.simulate.volume import Volume, draw_emitters

CHANNELS = ("nuclei", "activity")
PAIRS_PER_SECOND = 3.6  # as in the paper

_CELLS_TO_TRY = 40
_MIN_DISTANCE_UM = 4.0  # between nuclei; depth counts by half
_MARGIN_UM = 12.0  # from the edges of the field of view, where motion would take them out of it
_DEPTH = 0.8  # of the model's range: deeper nuclei are out of its reach
_HAZE = {"nuclei": 0.3, "activity": 0.6}  # autofluorescence over the light of all nuclei


class VideoSettings(Record):
    """What a video was made with.

    Attributes
    ----------
    system, activity_system
        Names of the imaging systems of nuclei and activity.
    seed
        Of everything that is drawn.
    frames
        Pairs of frames.
    shape
        Rows and columns.
    noise
        As in `simulate_stack`.
    bleaching
        Fraction of the light that is lost over the video.
    """

    system: str
    activity_system: str
    seed: int
    frames: int
    shape: tuple[int, int]
    noise: Noise
    bleaching: float


@dataclass(frozen=True, eq=False)
class WormVideo:
    """A worm, what its neurons do, how it moves and how it is seen.

    Attributes
    ----------
    settings
        What it was made with.
    systems
        Imaging system of each of `CHANNELS`.
    volume
        Grid of the specimen.
    nuclei
        The nuclei at rest, which is where they are in the first frame of the nuclei.
    haze
        Dim autofluorescence of the body.
    expression
        Brightness at rest in the channel of the activity over that in the channel of the nuclei,
        shape (neurons,).
    activity
        What the neurons do.
    motion
        At each exposure: activity and nuclei take turns, activity first.
    planes, exposures
        Microscope and exposure of each channel.
    """

    settings: VideoSettings
    systems: dict[str, ImagingSystem]
    volume: Volume
    nuclei: Emitters
    haze: Emitters
    expression: NDArray[np.float64]
    activity: Activity
    motion: Motion
    planes: dict[str, FocalPlane]
    exposures: dict[str, Exposure]

    def frames(self) -> Iterator[dict[str, NDArray[np.uint16]]]:
        """Yield what the camera records of each pair of frames, by channel, shape (ny, nx)."""
        generator = torch.Generator().manual_seed(self.settings.seed)
        for frame in range(self.settings.frames):
            yield {
                name: self._record(self._light(name, frame), name, generator)
                for name in ("activity", "nuclei")
            }

    def exposure_number(self, channel: str, frame: int) -> int:
        """Return when a frame is exposed: activity and nuclei take turns, activity first."""
        return 2 * frame + (channel == "nuclei")

    def _light(self, channel: str, frame: int) -> torch.Tensor:
        """Return the relative light of a frame, shape (ny, nx)."""
        time, nuclei = self.exposure_number(channel, frame), self.nuclei
        light = nuclei.light
        if channel == "activity":
            bright = self.expression * (1 + self.activity.change[:, frame])
            light = light * torch.from_numpy(bright).float()
        positions = nuclei.positions_um.clone()
        positions[:, 1:] = torch.from_numpy(
            self.motion.apply(positions[:, 1:].double().numpy(), time)
        ).float()
        cells = draw_emitters(self.volume, positions, light, nuclei.radius_um)
        lost = self.settings.bleaching * time / (2 * self.settings.frames)
        seen = self.planes[channel].image(cells) + self._haze_at(channel, time)
        return (1 - lost) * seen

    def _haze_at(self, channel: str, time: int) -> torch.Tensor:
        """Return the light of the autofluorescence: so blurred that its image can be moved."""
        pixel_um = self.volume.pixel_size_um
        back = np.linalg.inv(self.motion.matrix[time])
        center = self.motion.center_um / pixel_um
        offset = center - back @ (center + self.motion.shift_um[time] / pixel_um)
        moved = affine_transform(self._hazes[channel], back, offset, order=1, mode="grid-wrap")
        return torch.from_numpy(moved)

    @cached_property
    def _hazes(self) -> dict[str, NDArray[np.float32]]:
        """The light of the autofluorescence at rest in each channel."""
        haze, total = self.haze, self.nuclei.light.sum()
        drawn = draw_emitters(self.volume, haze.positions_um, haze.light, haze.radius_um)
        return {
            name: (_HAZE[name] * total * self.planes[name].image(drawn)).numpy()
            for name in CHANNELS
        }

    @cached_property
    def _brightest(self) -> dict[str, float]:
        """The light that gives the peak of an exposure: that of the first frame."""
        return {name: float(self._light(name, 0).max()) for name in CHANNELS}

    def _record(
        self, light: torch.Tensor, channel: str, generator: torch.Generator
    ) -> NDArray[np.uint16]:
        electrons = self.exposures[channel].electrons(light, self._brightest[channel])
        return Camera().expose(electrons, generator).numpy().astype(np.uint16)


def simulate_worm(
    system: ImagingSystem,
    activity_system: ImagingSystem,
    *,
    seed: int,
    frames: int,
    shape: tuple[int, int],
    noise: Noise = "realistic",
    bleaching: float = 0.2,
) -> WormVideo:
    """Draw a worm and all that happens to it; its frames are made when they are asked for.

    Parameters
    ----------
    system, activity_system
        Of the channels of nuclei and of activity, with pixels of one size.
    seed
        The same seed gives the same video.
    frames
        Pairs of frames, at least two.
    shape
        Rows and columns, even, at least 96.
    noise
        As in `simulate_stack`.
    bleaching
        Fraction of the light that is lost over the video.

    Raises
    ------
    DeepZError
        If the shape, the number of frames or the systems are others than that.
    """
    if min(shape) < 96 or shape[0] % 2 or shape[1] % 2:
        raise DeepZError(
            f"a worm in {shape[0]}×{shape[1]} px; expected even sides of 96 or more (`size`)"
        )
    if frames < 2:
        raise DeepZError("a video of one frame; expected `frames` of 2 or more")
    if activity_system.pixel_size_um != system.pixel_size_um:
        raise DeepZError(f"{system.name} and {activity_system.name} have pixels of other sizes")
    systems = {"nuclei": system, "activity": activity_system}
    volume = specimen_volume(system, shape)
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    random = Random(generator)
    nuclei, haze = _draw_worm(random, volume, _DEPTH * system.z_range_um)
    count = len(nuclei.light)
    return WormVideo(
        settings=VideoSettings(
            system=system.name,
            activity_system=activity_system.name,
            seed=seed,
            frames=frames,
            shape=shape,
            noise=noise,
            bleaching=bleaching,
        ),
        systems=systems,
        volume=volume,
        nuclei=nuclei,
        haze=haze,
        expression=rng.lognormal(0.0, 0.3, count),
        activity=draw_activity(count, frames, rng),
        motion=draw_motion(2 * frames, 1, volume.size_um, rng),
        planes={
            name: FocalPlane(volume, PsfParameters.draw(each, torch.Generator().manual_seed(seed)))
            for name, each in systems.items()
        },
        exposures={name: Exposure.draw(noise, generator) for name in CHANNELS},
    )


def _draw_worm(random: Random, volume: Volume, depth_um: float) -> tuple[Emitters, Emitters]:
    """Draw nuclei that keep a distance from each other and from the edges, and a body's haze."""
    body = Body(random, volume)
    drawn = torch.cat([body.cells(60) for _ in range(_CELLS_TO_TRY)])
    size = torch.tensor(volume.size_um)
    inside = ((drawn[:, 1:] > _MARGIN_UM) & (drawn[:, 1:] < size - _MARGIN_UM)).all(dim=1)
    scale = torch.tensor([0.5, 1.0, 1.0])
    kept: list[torch.Tensor] = []
    most = max(12, min(80, int(volume.size_um[0] * volume.size_um[1] / 150)))
    for place in drawn[inside & (drawn[:, 0].abs() < depth_um)].unbind():
        if all(((place - other) * scale).norm() >= _MIN_DISTANCE_UM for other in kept):
            kept.append(place)
        if len(kept) == most:
            break
    if not kept:
        raise DeepZError("this seed draws a worm beside the field of view; take another `seed`")
    radius = random.uniform(0.8, 1.4, len(kept))
    light = random.lognormal(0.3, len(kept)) * radius**2
    return Emitters(torch.stack(kept), light, radius), body.haze(1.0)
