"""The channels of a refocused image: each by a model of its own, or as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.select import (
    channel_count,
    channel_index,
    check_axes_named,
    select_frames,
    take_channel,
)
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.refocus.planes import Rows

if TYPE_CHECKING:
    from deepz_zoo.images import Image
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.refocus.plan import RefocusPlan

Choice = TypeVar("Choice")


def choose_channels(
    image: Image[Any],
    chosen: Mapping[str, Choice],
    *,
    keep_others: bool = False,
    plane: int | None = None,
) -> list[tuple[Image[Any], Choice | None]]:
    """Return the channels that will be in the output, in the order of the image.

    Parameters
    ----------
    image
        With a channel axis, or without one as an image of one channel.
    chosen
        What is chosen for a channel, such as its model, by the channel's name or number from 1.
    keep_others
        Whether channels for which nothing is chosen are there too, with None.
    plane
        As in `select_frames`.

    Raises
    ------
    DeepZError
        If there is no such channel, or two names are those of one channel.
    """
    check_axes_named(image)
    by_index: dict[int, Choice] = {}
    for name, choice in chosen.items():
        index = channel_index(image, name)
        if index in by_index:
            raise DeepZError(f"two models for channel {name!r} of the image; expected one")
        by_index[index] = choice
    wanted = range(channel_count(image)) if keep_others else sorted(by_index)
    return [
        (select_frames(take_channel(image, index), plane=plane), by_index.get(index))
        for index in wanted
    ]


@dataclass(frozen=True, eq=False)
class ChannelPlan:
    """One channel of the output.

    Attributes
    ----------
    plan
        What is refocused onto what.
    model
        The model that does it; None passes the frames through, once for each target.
    """

    plan: RefocusPlan
    model: DeepZModel | None

    def rows(
        self, frame: int, *, tile_px: int | None = None, progress: Progress = no_progress
    ) -> Iterator[Rows]:
        """Yield the planes of one frame, counted from 0, as `RefocusPlan.run_frame` does."""
        if self.model is not None:
            yield from self.plan.run_frame(self.model, frame, tile_px=tile_px, progress=progress)
            return
        plane = self.plan.frames.plane(frame)
        for target in range(len(self.plan.targets)):
            yield Rows(target, 0, plane.astype(np.float32))
