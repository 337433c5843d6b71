"""Models as a video needs them: virtual stacks of the frames of both its channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepz_zoo.cli.option_names import warn
from deepz_zoo.cli.refocus.recipe import Models

if TYPE_CHECKING:
    from deepz_zoo.images import Image
    from deepz_zoo.images.sampling import Mismatch
    from deepz_zoo.measure.neurons import RefocusedStacks
    from deepz_zoo.measure.neurons.stacks import ChannelName
    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.refocus import ImageNormalization


@dataclass(frozen=True)
class VirtualStacks:
    """Makes virtual stacks of registered frames, as the options say.

    Attributes
    ----------
    models
        That of the channel ``nuclei``, and that of ``activity`` if it has its own.
    z
        Distances, or None for those of the model of the nuclei.
    mismatch, clip, normalization, tile_px
        As of `refocus`.
    """

    models: Models
    z: str | None
    mismatch: Mismatch
    clip: bool
    normalization: ImageNormalization | None
    tile_px: int | None

    def check(self) -> None:
        """Check the distances, that the models can be loaded and were trained for them."""
        import numpy as np

        from deepz_zoo.dpm import check_range
        from deepz_zoo.measure.neurons.stacks import step_um

        step_um(self._distances())
        for channel in self.models.names:
            manifest = self.models.load(channel)[1]
            distances = np.asarray(self._distances(), dtype=np.float64)
            check_range(distances, manifest.system.z_range_um, clip=self.clip)

    def __call__(self, frames: Image[Any], channel: ChannelName) -> RefocusedStacks:
        """Return the virtual stacks of a channel; what is doubtful about it is said."""
        from deepz_zoo.measure.neurons import RefocusedStacks
        from deepz_zoo.records.neurons import UsedModel
        from deepz_zoo.refocus import plan_refocus, with_normalization

        name = channel if channel in self.models.names else "nuclei"
        manifest = self.models.load(name)[1]
        plan = plan_refocus(
            frames, manifest, self._distances(), mismatch=self.mismatch, clip=self.clip
        )
        for line in plan.warnings:
            warn(f"{channel}: {line}.")
        model, engine = self.models.run(name, plan.pixels)
        if self.normalization is not None:
            model = with_normalization(model, self.normalization, frames.data)
        used = UsedModel(name=manifest.name, weights=manifest.sha256, engine=str(engine))
        return RefocusedStacks(plan, model, used, self.tile_px)

    def _distances(self) -> Sequence[float]:
        """Return the distances that are asked for, or all of the model of the nuclei."""
        from deepz_zoo.refocus import parse_depths

        if self.z is not None:
            return parse_depths(self.z)
        manifest: Manifest = self.models.load("nuclei")[1]
        system = manifest.system
        steps = round(system.z_range_um / system.z_step_um)
        return [round(step * system.z_step_um, 6) for step in range(-steps, steps + 1)]
