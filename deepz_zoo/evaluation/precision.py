"""What it costs a model that its network computes with fewer digits.

The same inputs are refocused in float32 and in another precision, by torch, which computes in each
on any processor, if slowly. So the difference of the correlations is of the precision alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deepz_zoo import __version__
from deepz_zoo.engines.with_engine import with_engine
from deepz_zoo.evaluation.benchmark import SEEDS, default_settings, evaluate
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.accuracy import (
    BENCHMARK_VERSION,
    MEAN,
    Accuracy,
    BenchmarkSettings,
    ComparedMethod,
)
from deepz_zoo.records.precision import REDUCED_PRECISIONS, PrecisionCost, ReducedPrecision

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.optics import ImagingSystem


def measure_precisions(
    model: DeepZModel,
    system: ImagingSystem,
    *,
    precisions: Sequence[ReducedPrecision] = REDUCED_PRECISIONS,
    seeds: Sequence[int] = SEEDS,
    settings: BenchmarkSettings | None = None,
    progress: Progress = no_progress,
) -> tuple[PrecisionCost, ...]:
    """Measure what each precision costs a model, on the low-noise images of the benchmark.

    Parameters
    ----------
    model
        In float32, on the CPU.
    system
        The microscope to simulate.
    precisions
        What to measure.
    seeds, settings
        Of the benchmark; the standard ones by default. Deconvolution and beads are left out.
    progress
        Told of each stack.

    Raises
    ------
    DeepZError
        As `evaluate` does.
    """
    settings = (settings or default_settings(system)).model_copy(
        update={"richardson_lucy_iterations": 0, "bead_stacks": 1}
    )
    return tuple(
        _cost(
            precision,
            evaluate(
                model,
                system,
                seeds=seeds,
                noise="low",
                settings=settings,
                other=(precision, with_engine(model, "torch", precision, device="cpu")),
                progress=progress,
            ),
        )
        for precision in precisions
    )


def _cost(precision: ReducedPrecision, accuracy: Accuracy) -> PrecisionCost:
    """Return the cost at the distance where it is highest; the other method has fewer digits."""

    def mean(metric: str, dz: float, method: ComparedMethod) -> float:
        value: float = getattr(accuracy, metric)(dz=dz, method=method)
        return value

    losses = {
        dz: mean("correlation", dz, "model") - mean("correlation", dz, "other")
        for dz in accuracy.distances_um
    }
    gains = [
        mean("error_over_rms", dz, "other") - mean("error_over_rms", dz, "model")
        for dz in accuracy.distances_um
    ]
    worst = max(losses, key=lambda dz: losses[dz])
    images = sum(
        row.images for row in accuracy.images if (row.specimen, row.method) == (MEAN, "model")
    )
    return PrecisionCost(
        precision=precision,
        correlation_loss=round(losses[worst], 5),
        dz_um=worst,
        error_over_rms_gain=round(max(gains), 5),
        images=images,
        benchmark_version=BENCHMARK_VERSION,
        code_version=__version__,
    )
