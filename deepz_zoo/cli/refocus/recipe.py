"""One image after another by the same options: models are loaded once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from deepz_zoo.cli.refocus.open_images import OpenImages
from deepz_zoo.progress import no_progress

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np

    from deepz_zoo.cli.options import EngineOptions
    from deepz_zoo.dpm import Surface
    from deepz_zoo.engines.choice import Choice
    from deepz_zoo.images import Image
    from deepz_zoo.images.sampling import Mismatch
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.progress import Progress
    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.refocus import ChannelPlan, ImageNormalization, RefocusPlan
    from deepz_zoo.refocus.distributed import Cluster
    from deepz_zoo.refocus.files import Job
    from deepz_zoo.refocus.output import PlacedRows
    from deepz_zoo.refocus.track import FoundTrack, Track

ONLY = ""
"""The name of the model where all channels have one."""


@dataclass(eq=False)
class Models:
    """The models that the options name, each loaded once and run by one engine.

    Attributes
    ----------
    names
        What names a model, and weights to use in place of its own, by channel; or for `ONLY`.
    engine_options
        What the user wants to run them.
    images
        For how many images.
    """

    names: Mapping[str, tuple[str | None, str | None]]
    engine_options: EngineOptions
    images: int
    _loaded: dict[str, tuple[DeepZModel, Manifest]] = field(default_factory=dict)
    _running: dict[str, tuple[DeepZModel, Choice]] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        """Copy what names the models, which another process loads anew."""
        return self.__dict__ | {"_loaded": {}, "_running": {}}

    def load(self, channel: str) -> tuple[DeepZModel, Manifest]:
        """Return the model for a channel, and what is known of it."""
        from deepz_zoo.models import load_model

        if channel not in self._loaded:
            name, weights = self.names[channel]
            self._loaded[channel] = load_model(name, weights=weights)
        return self._loaded[channel]

    def run(self, channel: str, pixels: float) -> tuple[DeepZModel, Choice]:
        """Return the model as an engine runs it, for images of so many pixels, and the engine."""
        from deepz_zoo.engines.with_engine import run_as_chosen

        if channel not in self._running:
            model, manifest = self.load(channel)
            engine = self.engine_options.choose(model, manifest, pixels=pixels * self.images)
            self._running[channel] = run_as_chosen(model, engine), engine
        return self._running[channel]


@dataclass(frozen=True)
class Recipe:
    """What is done with each image, as the options of the command say.

    A `target` of None means each frame at its sharpest.
    """

    models: Models
    target: Sequence[float] | Surface | Track | None
    written_target: str
    axes: str | None
    input_channel: str | None
    plane: int | None
    pixel_size_um: float | None
    mismatch: Mismatch
    clip: bool
    style: Literal["ome", "imagej"]
    zarr_version: Literal["0.4", "0.5"]
    keep_type: bool
    normalization: ImageNormalization | None
    tile_px: int | None
    pass_others: bool
    maps: Sequence[str]
    overwrite: bool
    _open: OpenImages = field(default_factory=OpenImages)

    def check(self) -> None:
        """Check what does not depend on the image.

        Raises
        ------
        DeepZError
            If a model cannot be loaded or was not trained for the distances, or there is no map.
        """
        import numpy as np

        from deepz_zoo.dpm import check_range
        from deepz_zoo.files import check_readable

        for name in self.maps:
            check_readable(name, "distances")
        for channel in self.models.names:
            _, manifest = self.models.load(channel)
            if isinstance(self.target, Sequence):
                distances = np.asarray(self.target, dtype=np.float64)
                check_range(distances, manifest.system.z_range_um, clip=self.clip)

    def check_output(self, job: Job) -> None:
        """Check that the output may be written; see `refuse_refocused`."""
        from deepz_zoo.files import refuse_output
        from deepz_zoo.refocus import refuse_refocused

        inputs = [job.image, *map(Path, self.maps)]
        refuse_refocused(job.output, inputs=inputs, overwrite=self.overwrite)
        if self.target is None:
            for path in _track_files(job.output):
                refuse_output(path, overwrite=self.overwrite, inputs=inputs)

    def refocus(
        self,
        job: Job,
        warn: Callable[[str], None],
        progress: Progress,
        cluster: Cluster | None = None,
    ) -> str:
        """Refocus one image, on a cluster if there is one, and return what was done in a line.

        Raises
        ------
        DeepZError
            If the image cannot be read or is not as the options or the models need it.
        """
        from deepz_zoo.files import undone_if_failed
        from deepz_zoo.images import open_image
        from deepz_zoo.refocus import write_refocused

        tracks = _track_files(job.output) if self.target is None else ()
        with open_image(job.image, axes=self.axes, position=job.position) as image:
            channels, engines = self._plan(image, warn, progress)
            job.output.parent.mkdir(exist_ok=True)
            self.check_output(job)
            with undone_if_failed(tracks):
                if self.target is None:
                    self._write_track(job.output, channels[0].plan.track)
                write_refocused(
                    job.output,
                    channels,
                    dtype=self._dtype(image),
                    style=self.style,
                    zarr_version=self.zarr_version,
                    description=self._description(job, channels[0].plan, engines),
                    tile_px=self.tile_px,
                    elsewhere=None if cluster is None else partial(cluster.write, self, job),
                    progress=progress,
                )
        several = f"{len(channels)} channels, " if len(channels) > 1 else ""
        return f"{job.output}: {several}{channels[0].plan}"

    def refocus_frame(self, job: Job, number: int) -> Iterator[PlacedRows]:
        """Yield one frame of an image, which stays open for the next one; see `refocused_frame`."""
        from deepz_zoo.images import open_image
        from deepz_zoo.refocus.output import refocused_frame

        def opened() -> AbstractContextManager[Image[Any]]:
            return open_image(job.image, axes=self.axes, position=job.position)

        def planned(image: Image[Any]) -> tuple[Sequence[ChannelPlan], np.dtype[Any]]:
            # What there is to warn of was said where the images were chosen.
            return self._plan(image, lambda line: None, no_progress)[0], self._dtype(image)

        channels, dtype = self._open.get(job, opened, planned)
        return refocused_frame(channels, number, dtype, tile_px=self.tile_px)

    def _dtype(self, image: Image[Any]) -> np.dtype[Any]:
        """Return the type of the output."""
        import numpy as np

        like_plugin = self.normalization not in (None, "paper")
        return image.data.dtype if self.keep_type or like_plugin else np.dtype(np.float32)

    def _plan(
        self, image: Image[Any], warn: Callable[[str], None], progress: Progress
    ) -> tuple[list[ChannelPlan], dict[str, Choice]]:
        """Return what becomes of each channel, and what runs the models."""
        from deepz_zoo.images.select import channel_count
        from deepz_zoo.refocus import ChannelPlan, with_normalization

        chosen = self._channels(image)
        plans = {
            channel: self._plan_channel(frames, channel, warn, progress)
            for frames, channel in chosen
            if channel is not None
        }
        count = 1 if ONLY in plans else channel_count(image)
        if len(chosen) < count:
            warn(f"{count - len(chosen)} of {count} channels have no model and are left out")
        any_plan, engines = next(iter(plans.values())), {}
        channels = []
        for frames, channel in chosen:
            if channel is None:
                channels.append(ChannelPlan(replace(any_plan, frames=frames), None))
                continue
            model, engines[channel] = self.models.run(channel, plans[channel].pixels)
            if self.normalization is not None:
                model = with_normalization(model, self.normalization, frames.data)
            channels.append(ChannelPlan(plans[channel], model))
        return channels, engines

    def _channels(self, image: Image[Any]) -> list[tuple[Image[Any], str | None]]:
        """Return the channels of the output with the names of their models."""
        from deepz_zoo.images.select import select_frames
        from deepz_zoo.refocus import choose_channels

        if ONLY in self.models.names:
            frames = select_frames(image, input_channel=self.input_channel, plane=self.plane)
            return [(frames, ONLY)]
        wanted = {channel: channel for channel in self.models.names}
        return choose_channels(image, wanted, keep_others=self.pass_others, plane=self.plane)

    def _plan_channel(
        self,
        frames: Image[Any],
        channel: str,
        warn: Callable[[str], None],
        progress: Progress,
    ) -> RefocusPlan:
        target = self._find_track(frames, channel, progress) if self.target is None else self.target
        plan = self._plan_target(frames, channel, target)
        for line in plan.warnings:
            warn(line if channel == ONLY else f"channel {channel}: {line}")
        return plan

    def _plan_target(
        self, frames: Image[Any], channel: str, target: Sequence[float] | Surface | Track
    ) -> RefocusPlan:
        from deepz_zoo.refocus import plan_refocus

        return plan_refocus(
            frames,
            self.models.load(channel)[1],
            target,
            pixel_size_um=self.pixel_size_um,
            mismatch=self.mismatch,
            clip=self.clip,
        )

    def _find_track(self, frames: Image[Any], channel: str, progress: Progress) -> FoundTrack:
        """Refocus every frame over the whole range, and return where it was sharpest."""
        from deepz_zoo.refocus.autofocus import distances_to_try, find_track

        system = self.models.load(channel)[1].system
        plan = self._plan_target(frames, channel, distances_to_try(system))
        model, _ = self.models.run(channel, plan.pixels)
        return find_track(plan, model, tile_px=self.tile_px, progress=progress)

    def _write_track(self, output: Path, track: Any) -> None:
        from deepz_zoo.refocus.track import plot_track, write_track

        table, plot = _track_files(output)
        write_track(table, track, overwrite=self.overwrite)
        plot_track(plot, track, overwrite=self.overwrite)

    def _description(self, job: Job, plan: RefocusPlan, engines: Mapping[str, Choice]) -> str:
        """Return what the file says of its origin."""
        from deepz_zoo import __version__

        manifests = {channel: self.models.load(channel)[1] for channel in engines}
        named = [
            manifest.name if channel == ONLY else f"{manifest.name} for channel {channel}"
            for channel, manifest in manifests.items()
        ]
        hashes = ", ".join(manifest.sha256[:12] for manifest in manifests.values())
        ran = ", ".join(dict.fromkeys(map(str, engines.values())))
        provenance = dict.fromkeys(manifest.provenance for manifest in manifests.values())
        name = str(job).removeprefix(f"{job.image.parent}{os.sep}")
        return (
            f"{name} refocused by Deep-Z with {' and '.join(named)} "
            f"({self.written_target}): {plan}; deepz-zoo {__version__}, {ran}, "
            f"weights {hashes}. {' '.join(provenance)}"
        )


def _track_files(output: Path) -> tuple[Path, Path]:
    """Return the table and the plot of a track, beside the output."""
    name = output.stem.removesuffix(".ome")
    return output.with_name(f"{name}_track.csv"), output.with_name(f"{name}_track.png")
