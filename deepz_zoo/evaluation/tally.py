"""Single measurements of the benchmark, and the rows of its report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from deepz_zoo.evaluation.aggregate import bead_metrics
from deepz_zoo.measure.beads import Bead
from deepz_zoo.records.accuracy import (
    MEAN,
    BeadRow,
    ComparedMethod,
    ImageMetrics,
    ImageRow,
    Noise,
)


class Tally:
    """Single measurements, sorted into the cells of the report."""

    def __init__(self) -> None:
        self.images: dict[tuple[Noise, str, float, ComparedMethod], list[ImageMetrics]] = (
            defaultdict(list)
        )
        self.measured: dict[tuple[Noise, float, ComparedMethod], list[Bead]] = defaultdict(list)
        self.true: dict[tuple[Noise, float, ComparedMethod], list[Bead]] = defaultdict(list)

    def image_rows(self) -> Iterator[ImageRow]:
        """Yield the means of each specimen, then those over the specimens."""
        means: dict[tuple[Noise, float, ComparedMethod], list[ImageRow]] = defaultdict(list)
        for (noise, specimen, dz, method), metrics in self.images.items():
            row = ImageRow(
                noise=noise,
                specimen=specimen,
                dz_um=dz,
                method=method,
                images=len(metrics),
                **dict(ImageMetrics.mean_of(metrics)),
            )
            means[noise, dz, method].append(row)
            yield row
        for (noise, dz, method), rows in means.items():
            yield ImageRow(
                noise=noise,
                specimen=MEAN,
                dz_um=dz,
                method=method,
                images=sum(row.images for row in rows),
                **dict(ImageMetrics.mean_of(rows)),
            )

    def bead_rows(self) -> Iterator[BeadRow]:
        """Yield the metrics of the beads."""
        for key, measured in self.measured.items():
            metrics = bead_metrics(measured, self.true[key])
            if metrics is not None:
                noise, dz, method = key
                yield BeadRow(noise=noise, dz_um=dz, method=method, **dict(metrics))
