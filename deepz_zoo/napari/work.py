"""What the widget asks for, and the work that is done for it in another thread."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepz_zoo.engines.choice import choose_engine
from deepz_zoo.engines.with_engine import run_as_chosen
from deepz_zoo.models import load_model
from deepz_zoo.napari.layers import LayerImage, as_layer
from deepz_zoo.refocus import plan_refocus

if TYPE_CHECKING:
    from deepz_zoo.dpm import Surface
    from deepz_zoo.images.sampling import Mismatch

_CONTRAST_PERCENTILES = (1, 99.9)


@dataclass(frozen=True)
class Wish:
    """Everything that a user has chosen.

    Attributes
    ----------
    model, weights
        A model of the zoo, or the path of a package or of weights, which comes first.
    source
        The image, and where it lies.
    target
        Distances in µm or a surface.
    mismatch, clip
        As in `plan_refocus`.
    engine
        As in `choose_engine`.
    name
        Of the layer to make.
    """

    model: str
    weights: Path | None
    source: LayerImage
    target: Sequence[float] | Surface
    mismatch: Mismatch
    clip: bool
    engine: Any
    name: str


@dataclass(frozen=True)
class Step:
    """How far the work is: a line for each thing to know, planes that are done, planes in all."""

    warnings: tuple[str, ...]
    done: int
    total: int


def refocus(wish: Wish) -> Generator[Step, None, dict[str, Any]]:
    """Refocus plane by plane; the caller may leave the generator between two of them.

    Yields
    ------
    Step
        Before the first plane, with the warnings, and after each plane.

    Returns
    -------
    dict
        The arguments with which napari adds the layer.
    """
    name = wish.model if wish.weights is None else None
    model, manifest = load_model(name, weights=wish.weights)
    plan = plan_refocus(
        wish.source.image, manifest, wish.target, mismatch=wish.mismatch, clip=wish.clip
    )
    data = np.empty(plan.shape, dtype=np.float32)
    layer = as_layer(data, plan, wish.source, f"{wish.name} {manifest.name}")
    planes = layer["data"].reshape(-1, *plan.shape[-2:])
    yield Step(plan.warnings, 0, len(planes))
    chosen = choose_engine(
        model.generator, wish.engine, costs=manifest.precisions, pixels=plan.pixels
    )
    for index, plane in enumerate(plan.run(run_as_chosen(model, chosen))):
        planes[index] = plane
        yield Step((), index + 1, len(planes))
    layer["metadata"] |= {"model": manifest.name, "provenance": manifest.provenance}
    black, white = np.percentile(planes, _CONTRAST_PERCENTILES)
    if white > black:  # else napari chooses
        layer["contrast_limits"] = (float(black), float(white))
    return layer
