"""Whether the accuracy that is stated of a model is what one measures again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepz_zoo.errors import CheckFailed, DeepZError
from deepz_zoo.evaluation.benchmark import BENCHMARK_VERSION, Progress, evaluate
from deepz_zoo.records.accuracy import IMAGE_METRICS, Accuracy

if TYPE_CHECKING:
    from torch import nn

    from deepz_zoo.optics import ImagingSystem

TOLERANCE = 0.02
"""Largest relative difference of a figure."""
_SMALLEST = 1e-3  # differences below this are no matter whatever they are relative to

Figures = dict[str, float]


def repeat_benchmark(
    model: nn.Module, system: ImagingSystem, stated: Accuracy, progress: Progress | None = None
) -> Accuracy:
    """Measure a model as its stated accuracy was measured.

    Raises
    ------
    DeepZError
        If that was an older version of the benchmark.
    """
    if stated.benchmark_version != BENCHMARK_VERSION:
        raise DeepZError(
            f"the accuracy of {system.name} is of benchmark version {stated.benchmark_version}, "
            f"here is version {BENCHMARK_VERSION}; use the deepz-zoo {stated.code_version} that "
            "measured it"
        )
    return evaluate(
        model,
        system,
        seeds=stated.seeds,
        specimens=stated.specimens,
        noise="both" if len(stated.noises) > 1 else stated.noises[0],
        settings=stated.settings,
        progress=progress,
    )


def check_agreement(stated: Accuracy, measured: Accuracy) -> float:
    """Compare every figure on images and beads.

    Returns
    -------
    float
        The largest relative difference.

    Raises
    ------
    CheckFailed
        If a figure is missing or differs by more than `TOLERANCE`; the message names the worst.
    """
    there, here = dict(_figures(stated)), dict(_figures(measured))
    if missing := sorted(there.keys() ^ here.keys()):
        raise CheckFailed(f"only one of the two has {missing[0]} ({len(missing)} such figures)")
    differences = {name: _difference(there[name], here[name]) for name in there}
    worst = max(differences, key=lambda name: differences[name])
    failed = sum(difference > TOLERANCE for difference in differences.values())
    if failed:
        raise CheckFailed(
            f"{failed} of {len(differences)} figures differ by more than {TOLERANCE:.0%}; most "
            f"{worst}: {there[worst]:.4g} is stated, {here[worst]:.4g} was measured"
        )
    return differences[worst]


def _figures(accuracy: Accuracy) -> Iterator[tuple[str, float]]:
    for image in accuracy.images:
        place = f"{image.noise} noise, {image.specimen}, Δz {image.dz_um:+g} µm, {image.method}"
        for metric in IMAGE_METRICS:
            yield f"{metric} ({place})", getattr(image, metric)
    for bead in accuracy.beads:
        place = f"beads, {bead.noise} noise, Δz {bead.dz_um:+g} µm, {bead.method}"
        for name in ("peak", "fwhm", "flux"):
            ratio = getattr(bead, name)
            yield f"{name} ({place})", math.nan if ratio is None else ratio.median


def _difference(stated: float, measured: float) -> float:
    if math.isnan(stated) and math.isnan(measured):
        return 0.0
    difference = abs(measured - stated)
    if difference <= _SMALLEST:
        return 0.0
    # A figure that only one of the two has is infinitely far off.
    relative = difference / max(abs(stated), 1e-9)
    return math.inf if math.isnan(relative) else relative
