"""A model as what is measured needs it: a function of an image and of where to refocus it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepz_zoo.cli.option_names import warn
from deepz_zoo.cli.refocus.recipe import ONLY, Models
from deepz_zoo.progress import Progress, no_progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from deepz_zoo.dpm import Surface
    from deepz_zoo.images import Image
    from deepz_zoo.images.sampling import Mismatch
    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.refocus import ImageNormalization


@dataclass(eq=False)
class Refocusing:
    """Refocuses single images by one model, as the options of `refocus` say.

    Attributes
    ----------
    models
        The model, by the name `ONLY`.
    mismatch, clip, normalization, tile_px
        As of `refocus`.
    progress
        Called for each plane.
    """

    models: Models
    mismatch: Mismatch
    clip: bool
    normalization: ImageNormalization | None
    tile_px: int | None
    progress: Progress = no_progress
    _warned: set[str] = field(default_factory=set)

    @property
    def manifest(self) -> Manifest:
        """What is known of the model, which is loaded for it."""
        return self.models.load(ONLY)[1]

    def __call__(self, image: Image[Any], target: Surface | Sequence[float]) -> NDArray[np.float32]:
        """Return an image (axes yx) refocused onto a surface or planes, shape (n, y, x)."""
        import numpy as np

        from deepz_zoo.memory import refuse_too_large
        from deepz_zoo.refocus import plan_refocus, with_normalization

        plan = plan_refocus(image, self.manifest, target, mismatch=self.mismatch, clip=self.clip)
        for line in plan.warnings:
            if line not in self._warned:
                self._warned.add(line)
                warn(f"{line}.")
        count = len(plan.targets)
        refuse_too_large(
            count * image.data.size * np.dtype(np.float32).itemsize, f"what is refocused ({plan})"
        )
        model, _ = self.models.run(ONLY, plan.pixels)
        if self.normalization is not None:
            model = with_normalization(model, self.normalization, image.data)
        planes = np.empty((count, *image.data.shape), np.float32)
        for number, plane in enumerate(plan.run(model, tile_px=self.tile_px)):
            planes[number] = plane
            self.progress("Refocusing", number + 1, count)
        return planes
