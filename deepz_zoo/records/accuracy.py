"""The accuracy of one model as data: what was measured, on what, with which definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

from deepz_zoo.files import Record
from deepz_zoo.optics import ImagingSystem

Noise = Literal["low", "realistic"]
ComparedMethod = Literal["model", "other", "blank", "input", "richardson_lucy"]
MetricName = Literal["correlation", "error_over_rms", "ssim", "mae", "mse", "rmse"]

BENCHMARK_VERSION = 2
"""Raised whenever a definition changes, so that only results of one definition are compared."""

NOISES: tuple[Noise, ...] = get_args(Noise)
COMPARED_METHODS: tuple[ComparedMethod, ...] = get_args(ComparedMethod)
METRIC_NAMES: tuple[MetricName, ...] = get_args(MetricName)

MEAN = "mean"
"""Name of the rows that average over specimens, each specimen with the same weight."""


class ImageMetrics(Record):
    """How near images come to the ground truth.

    Attributes
    ----------
    correlation
        Pearson's correlation over all pixels (0 for a constant image).
    error_over_rms
        rms(image − ground truth) / rms(ground truth − B) in camera units, where B is the background
        of the ground truth: the mean of its pixels under the triangle threshold. Exactly 1 for a
        blank image at B.
    ssim
        Structural similarity: Gaussian window σ 1.5 px, K₁ 0.01, K₂ 0.03, L = 1 on images with B
        subtracted and divided by the intensity scale of the ground-truth stack.
    mae, mse, rmse
        Errors of the same normalized images (1 = intensity scale of the stack).
    """

    correlation: float
    error_over_rms: float
    ssim: float
    mae: float
    mse: float
    rmse: float

    @classmethod
    def mean_of(cls, metrics: Sequence[ImageMetrics]) -> ImageMetrics:
        """Return the mean of each metric, to five digits.

        Raises
        ------
        ValueError
            If there is nothing to average.
        """
        if not metrics:
            raise ValueError("a mean needs at least one image")
        means = {
            name: math.fsum(getattr(image, name) for image in metrics) / len(metrics)
            for name in ImageMetrics.model_fields
        }
        return ImageMetrics(**{name: five_digits(mean) for name, mean in means.items()})


class ImageRow(ImageMetrics):
    """Mean metrics of one method over the images of one noise, specimen and distance.

    Attributes
    ----------
    noise
        Noise of the input images. The ground truth is always free of noise.
    specimen
        Name of the specimen, or ``"mean"`` for the mean over the specimens.
    dz_um
        Refocusing distance z_target − z_input, with its sign.
    method
        What made the image that is compared.
    images
        Number of images behind the means.
    """

    noise: Noise
    specimen: str
    dz_um: float
    method: ComparedMethod
    images: int


class Ratio(Record):
    """Distribution over beads of a refocused value divided by that of the ground truth."""

    median: float
    mean: float
    q25: float
    q75: float


class BeadMetrics(Record):
    """Beads of an image compared with the same beads in the ground truth.

    Attributes
    ----------
    beads
        Number of beads measured.
    diverged
        How many of them have no width, since a Gaussian fit of the image (or of the ground truth)
        diverged; they count for peak and flux.
    peak, flux
        Ratios of the highest pixel and of the sum over the crop, each above the local background.
    fwhm
        Ratio of the lateral FWHM; None when every fit diverged.
    true_fwhm_um
        Median lateral FWHM of the beads in the ground truth.
    """

    beads: int
    diverged: int
    peak: Ratio
    fwhm: Ratio | None
    flux: Ratio
    true_fwhm_um: float | None


class BeadRow(BeadMetrics):
    """Isolated beads brought to focus: metrics of one method, noise and distance.

    Attributes
    ----------
    dz_um
        Distance over which the beads were refocused: z of the bead's plane − z of the input.
    """

    noise: Noise
    dz_um: float
    method: ComparedMethod


class BenchmarkSettings(Record):
    """What the benchmark was run with.

    Attributes
    ----------
    distances_um
        Refocusing distances of the images, without sign; each but 0 is measured in both directions.
    bead_distance_um
        Distance of the input planes of the bead measurements from the bead's plane.
    inputs_per_distance
        Input planes drawn from every stack for each signed distance.
    bead_stacks
        Stacks of beads that the microscope of each seed takes for the bead metrics.
    bead_isolation_um
        Lateral distance to the nearest other bead, at any depth, that an isolated bead has.
    bead_min_peak
        Smallest peak of a bead in the ground truth, as a fraction of the stack's intensity scale.
    bead_crop_px
        Side of the square that flux and width are measured on.
    richardson_lucy_iterations
        0 when the baseline was left out.
    """

    shape_px: tuple[int, int] = (256, 256)
    distances_um: tuple[float, ...] = (0.0, 2.0, 5.0, 10.0)
    inputs_per_distance: int = 2
    bead_distance_um: float = 5.0
    bead_stacks: int = 4
    bead_isolation_um: float = 10.0
    bead_min_peak: float = 0.05
    bead_crop_px: int = 30
    richardson_lucy_iterations: int = 10


class Accuracy(Record):
    """Accuracy of a model on held-out simulated stacks, as its user gets it.

    Everything is measured through the graph wrapper: raw camera image and DPM in µm in, camera
    units out, with the intensity scale taken from the single input image. The ground truth is the
    noise-free plane of the same stack.

    Attributes
    ----------
    system
        What was simulated; None in older records, for that of the model's manifest.
    other
        Name of the model behind the method ``"other"``; None where there was none.

    Examples
    --------
    >>> accuracy.correlation(dz=5, noise="low")  # doctest: +SKIP
    0.871
    """

    benchmark_version: int
    code_version: str
    system_name: str
    seeds: tuple[int, ...]
    specimens: tuple[str, ...]
    settings: BenchmarkSettings
    images: tuple[ImageRow, ...]
    beads: tuple[BeadRow, ...]
    system: ImagingSystem | None = None
    other: str | None = None

    def value(
        self,
        metric: MetricName,
        *,
        dz: float,
        noise: Noise = "low",
        specimen: str = MEAN,
        method: ComparedMethod = "model",
    ) -> float:
        """Return a metric at the distance ``|dz|``, the mean of both directions.

        Parameters
        ----------
        metric
            One of ``correlation``, ``error_over_rms``, ``ssim``, ``mae``, ``mse``, ``rmse``.
        dz
            Refocusing distance in µm; its sign is ignored (``images`` holds the signed rows).
        noise, specimen, method
            Which rows; by default the model's mean over the specimens with low noise.

        Raises
        ------
        KeyError
            If nothing like it was measured; the message says what was.
        """
        rows = [
            row
            for row in self.images
            if (row.noise, row.specimen, row.method) == (noise, specimen, method)
            and math.isclose(abs(row.dz_um), abs(dz), abs_tol=1e-6)
        ]
        if not rows:
            measured = sorted({abs(row.dz_um) for row in self.images})
            raise KeyError(
                f"no {metric} for noise={noise}, specimen={specimen}, method={method}, "
                f"|dz|={abs(dz):g} µm; measured distances: {measured} µm"
            )
        return math.fsum(getattr(row, metric) for row in rows) / len(rows)

    def correlation(
        self, *, dz: float, noise: Noise = "low", method: ComparedMethod = "model"
    ) -> float:
        """Return the mean correlation at ``|dz|``; see :meth:`value`."""
        return self.value("correlation", dz=dz, noise=noise, method=method)

    def error_over_rms(
        self, *, dz: float, noise: Noise = "low", method: ComparedMethod = "model"
    ) -> float:
        """Return the mean error/rms at ``|dz|``; see :meth:`value`."""
        return self.value("error_over_rms", dz=dz, noise=noise, method=method)

    def ssim(self, *, dz: float, noise: Noise = "low", method: ComparedMethod = "model") -> float:
        """Return the mean structural similarity at ``|dz|``; see :meth:`value`."""
        return self.value("ssim", dz=dz, noise=noise, method=method)

    def bead_rows(
        self, *, noise: Noise = "low", method: ComparedMethod = "model"
    ) -> tuple[BeadRow, ...]:
        """Return the bead metrics of a method, one row for each direction."""
        return tuple(row for row in self.beads if (row.noise, row.method) == (noise, method))

    @property
    def noises(self) -> tuple[Noise, ...]:
        """The kinds of noise that were measured, low first."""
        measured = {row.noise for row in self.images}
        return tuple(noise for noise in NOISES if noise in measured)

    @property
    def methods(self) -> tuple[ComparedMethod, ...]:
        """The methods that were measured, the model first."""
        measured = {row.method for row in self.images}
        return tuple(method for method in COMPARED_METHODS if method in measured)

    @property
    def distances_um(self) -> tuple[float, ...]:
        """The distances |Δz| that were measured, ascending."""
        return tuple(sorted({abs(row.dz_um) for row in self.images}))


def five_digits(value: float) -> float:
    """Round to five significant digits: more would be noise in a file."""
    return float(f"{value:.5g}")
