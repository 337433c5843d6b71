"""Whether the accuracy that a manifest states is measured again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepz_zoo.errors import CheckFailed, DeepZError
from deepz_zoo.evaluation.benchmark import evaluate
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.accuracy import BENCHMARK_VERSION, METRIC_NAMES, Accuracy

if TYPE_CHECKING:
    from torch import nn

    from deepz_zoo.records.manifest import Manifest

TOLERANCE = 0.02
"""Largest relative difference of a metric."""
_MIN_DIFFERENCE = 1e-3  # smaller ones count as none, whatever they are relative to


def repeat_benchmark(
    model: nn.Module, manifest: Manifest, progress: Progress = no_progress
) -> Accuracy:
    """Measure a model as the accuracy in its manifest was measured.

    Raises
    ------
    DeepZError
        If the manifest states none, or that of an older version of the benchmark.
    """
    stated = manifest.accuracy
    if stated is None:
        raise DeepZError(f"{manifest.name}: these weights state no accuracy to compare with")
    if stated.benchmark_version != BENCHMARK_VERSION:
        raise DeepZError(
            f"the accuracy of {manifest.name} is of benchmark version {stated.benchmark_version}, "
            f"here is version {BENCHMARK_VERSION}; use the deepz-zoo {stated.code_version} that "
            "measured it"
        )
    return evaluate(
        model,
        stated.system or manifest.system,
        seeds=stated.seeds,
        specimens=stated.specimens,
        noise="both" if len(stated.noises) > 1 else stated.noises[0],
        settings=stated.settings,
        progress=progress,
    )


def check_agreement(stated: Accuracy, measured: Accuracy) -> float:
    """Compare every metric of images and beads.

    Returns
    -------
    float
        The largest relative difference.

    Raises
    ------
    CheckFailed
        If a metric is missing or differs by more than `TOLERANCE`; the message names the worst.
    """
    there, here = dict(_metrics(stated)), dict(_metrics(measured))
    if missing := sorted(there.keys() ^ here.keys()):
        raise CheckFailed(f"only one of the two has {missing[0]} ({len(missing)} such metrics)")
    differences = {name: _difference(there[name], here[name]) for name in there}
    worst = max(differences, key=lambda name: differences[name])
    failed = sum(difference > TOLERANCE for difference in differences.values())
    if failed:
        raise CheckFailed(
            f"{failed} of {len(differences)} metrics differ by more than {TOLERANCE:.0%}; most "
            f"{worst}: {there[worst]:.4g} is stated, {here[worst]:.4g} was measured"
        )
    return differences[worst]


def _metrics(accuracy: Accuracy) -> Iterator[tuple[str, float]]:
    for image in accuracy.images:
        place = f"{image.noise} noise, {image.specimen}, Δz {image.dz_um:+g} µm, {image.method}"
        for metric in METRIC_NAMES:
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
    if difference <= _MIN_DIFFERENCE:
        return 0.0
    # A metric that only one of the two has differs infinitely.
    relative = difference / max(abs(stated), 1e-9)
    return math.inf if math.isnan(relative) else relative
