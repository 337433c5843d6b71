"""The planes of each frame: refocused, or the one that was acquired."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import even_step
from deepz_zoo.refocus.planes import whole_planes

if TYPE_CHECKING:
    from deepz_zoo.images import Image
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.neurons import UsedModel
    from deepz_zoo.refocus.plan import RefocusPlan

ChannelName = Literal["nuclei", "activity"]


class Stacks(Protocol):
    """The stack of each frame of one channel, made plane by plane when it is asked for."""

    @property
    def frames(self) -> int:
        """Their number."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows and columns of a stack."""

    @property
    def z_um(self) -> tuple[float, ...] | None:
        """Distance of each plane from that of the video, or None for the video's own."""

    @property
    def used(self) -> UsedModel | None:
        """The model that makes them, or None where none does."""

    def planes(self, frame: int) -> Iterator[NDArray[np.float32]]:
        """Yield the planes (y, x) of a frame, counted from 0."""


MakeStacks = Callable[["Image[Any]", ChannelName], Stacks]
"""Takes the registered frames of a channel (axes ``tyx``)."""


@dataclass(frozen=True, eq=False)
class RefocusedStacks:
    """The virtual stacks that a model makes of each frame.

    "Each input video frame was appended with DPMs representing propagation distances from -10 µm
    to 10 µm with 0.5 µm step size, and then tested through a Deep-Z network […], which generated a
    virtual axial image stack for each frame in the video."

    Attributes
    ----------
    plan
        Of registered frames, onto planes.
    model
        What refocuses.
    used
        How it is called, and what runs it.
    tile_px
        As in `refocus_image`.
    """

    plan: RefocusPlan
    model: DeepZModel
    used: UsedModel | None = None
    tile_px: int | None = None

    @property
    def frames(self) -> int:
        """Their number."""
        return self.plan.frames.plane_count

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows and columns of a stack."""
        return (len(self.plan.targets), *self.plan.sampling.image_shape)

    @property
    def z_um(self) -> tuple[float, ...] | None:
        """Distance of each plane from that of the video."""
        return self.plan.z_um

    def planes(self, frame: int) -> Iterator[NDArray[np.float32]]:
        """Yield the planes (y, x) of a frame, counted from 0."""
        rows = self.plan.run_frame(self.model, frame, tile_px=self.tile_px)
        return whole_planes(rows, self.plan.sampling.image_shape)


@dataclass(frozen=True, eq=False)
class InputPlane:
    """The frames as they were acquired, a stack of one plane each (Fig. S14b)."""

    video: Image[Any]

    @property
    def frames(self) -> int:
        """Their number."""
        return self.video.plane_count

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows and columns of a stack."""
        return (1, self.video.data.shape[-2], self.video.data.shape[-1])

    @property
    def z_um(self) -> None:
        """No distance: the plane is the video's own."""
        return None

    @property
    def used(self) -> None:
        """No model."""
        return None

    def planes(self, frame: int) -> Iterator[NDArray[np.float32]]:
        """Yield the frame."""
        yield np.asarray(self.video.plane(frame), dtype=np.float32)


def input_plane(video: Image[Any], channel: ChannelName) -> InputPlane:
    """Return the acquired plane in the place of virtual stacks, of either channel."""
    return InputPlane(video)


def step_um(z_um: Sequence[float] | None) -> float:
    """Return the distance between planes; 1 for a single one, where it does not matter.

    Raises
    ------
    DeepZError
        If the planes are not evenly spaced toward increasing stage z.
    """
    if z_um is None or len(z_um) == 1:
        return 1.0
    step = even_step(z_um)
    if step is None or step < 0:
        listed = ", ".join(f"{z:g}" for z in z_um[:5])
        raise DeepZError(
            f"virtual planes at {listed}{', …' if len(z_um) > 5 else ''} µm; expected increasing "
            "ones with equal steps, such as `z` of -10:10:0.5"
        )
    return step
