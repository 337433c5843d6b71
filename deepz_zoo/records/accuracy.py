"""The accuracy of one model as data: what was measured, on what, with which definitions."""

from __future__ import annotations

import math
from typing import Literal, get_args

from deepz_zoo.files import Record

Noise = Literal["low", "realistic"]
Method = Literal["model", "other", "blank", "input", "richardson_lucy"]
ImageMetric = Literal["correlation", "error_over_rms", "ssim", "mae", "mse", "rmse"]

NOISES: tuple[Noise, ...] = get_args(Noise)
METHODS: tuple[Method, ...] = get_args(Method)
IMAGE_METRICS: tuple[ImageMetric, ...] = get_args(ImageMetric)

MEAN = "mean"
"""Name of the rows that average over specimens, each specimen with the same weight."""

METHOD_LABELS: dict[Method, str] = {
    "model": "model",
    "other": "other model",
    "blank": "blank image",
    "input": "input as it is",
    "richardson_lucy": "Richardson–Lucy",
}


class ImageFigures(Record):
    """How near the images of one method come to the true ones, on average.

    Attributes
    ----------
    correlation
        Pearson's correlation over all pixels (0 for a constant image).
    error_over_rms
        rms(image − truth) / rms(truth − B) in camera units, where B is the background of the true
        plane: the mean of its pixels under the triangle threshold. Exactly 1 for a blank image
        at B.
    ssim
        Structural similarity: Gaussian window σ 1.5 px, K₁ 0.01, K₂ 0.03, L = 1 on images with B
        subtracted and divided by the intensity scale of the true stack.
    mae, mse, rmse
        Errors of the same normalized images.
    """

    correlation: float
    error_over_rms: float
    ssim: float
    mae: float
    mse: float
    rmse: float


class ImageRow(ImageFigures):
    """Mean figures of one method over the images of one noise, specimen and distance.

    Attributes
    ----------
    noise
        Noise of the input images. The truth is always free of noise.
    specimen
        Name of the specimen, or ``"mean"`` for the mean over the specimens.
    dz_um
        Refocusing distance z_target − z_input, with its sign.
    method
        What made the image that is judged.
    images
        Number of images behind the means.
    """

    noise: Noise
    specimen: str
    dz_um: float
    method: Method
    images: int


class Ratio(Record):
    """Distribution over beads of a refocused value divided by the true one."""

    median: float
    mean: float
    q25: float
    q75: float


class BeadFigures(Record):
    """What the beads of an image measure against the same beads in the true image.

    Attributes
    ----------
    beads
        Number of beads measured.
    diverged
        How many of them have no width, since a Gaussian fit of the image (or of the truth)
        diverged; they count for peak and flux.
    peak, flux
        Ratios of the highest pixel and of the sum over the crop, each above the local background.
    fwhm
        Ratio of the lateral FWHM; None when every fit diverged.
    true_fwhm_um
        Median lateral FWHM of the beads in the true images.
    """

    beads: int
    diverged: int
    peak: Ratio
    fwhm: Ratio | None
    flux: Ratio
    true_fwhm_um: float | None


class BeadRow(BeadFigures):
    """Isolated beads brought to focus: figures of one method, noise and distance.

    Attributes
    ----------
    dz_um
        Distance over which the beads were refocused: z of the bead's plane − z of the input.
    """

    noise: Noise
    dz_um: float
    method: Method


class BenchmarkSettings(Record):
    """What the benchmark was run with.

    Attributes
    ----------
    distances_um
        Refocusing distances of the images, without sign; every one but 0 is measured both ways.
    bead_distance_um
        Distance of the input planes of the bead measurements from the bead's plane.
    inputs_per_distance
        Input planes drawn from every stack for each signed distance.
    bead_stacks
        Stacks of beads that every seed's microscope takes for the bead figures.
    bead_isolation_um
        Lateral distance to the nearest other bead, at any depth, that an isolated bead has.
    bead_min_peak
        Smallest peak of a bead in its true plane, as a share of the stack's intensity scale.
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

    Every figure is measured through the graph wrapper: raw camera image and DPM in µm in, camera
    units out, with the intensity scale taken from the lone input image. The truth is the
    noise-free plane of the same stack.

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

    def value(
        self,
        metric: ImageMetric,
        *,
        dz: float,
        noise: Noise = "low",
        specimen: str = MEAN,
        method: Method = "model",
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

    def correlation(self, *, dz: float, noise: Noise = "low", method: Method = "model") -> float:
        """Return the mean correlation at ``|dz|``; see :meth:`value`."""
        return self.value("correlation", dz=dz, noise=noise, method=method)

    def error_over_rms(self, *, dz: float, noise: Noise = "low", method: Method = "model") -> float:
        """Return the mean error/rms at ``|dz|``; see :meth:`value`."""
        return self.value("error_over_rms", dz=dz, noise=noise, method=method)

    def ssim(self, *, dz: float, noise: Noise = "low", method: Method = "model") -> float:
        """Return the mean structural similarity at ``|dz|``; see :meth:`value`."""
        return self.value("ssim", dz=dz, noise=noise, method=method)

    def bead_rows(self, *, noise: Noise = "low", method: Method = "model") -> tuple[BeadRow, ...]:
        """Return the bead figures of a method, one row for each direction."""
        return tuple(row for row in self.beads if (row.noise, row.method) == (noise, method))

    @property
    def noises(self) -> tuple[Noise, ...]:
        """The kinds of noise that were measured, low first."""
        measured = {row.noise for row in self.images}
        return tuple(noise for noise in NOISES if noise in measured)

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods that were measured, the model first."""
        measured = {row.method for row in self.images}
        return tuple(method for method in METHODS if method in measured)

    @property
    def distances_um(self) -> tuple[float, ...]:
        """The distances |Δz| that were measured, ascending."""
        return tuple(sorted({abs(row.dz_um) for row in self.images}))

    def to_markdown(self) -> str:
        """Return the figures as Markdown tables: images first, then beads."""
        return "\n\n".join(
            [*(_image_table(self, noise) for noise in self.noises), _bead_table(self.beads)]
        ).rstrip()


def _image_table(accuracy: Accuracy, noise: Noise) -> str:
    lines = [
        f"Mean over specimens, {noise} noise in the input:",
        "",
        "| \\|Δz\\| µm | method | correlation | error/rms | SSIM | MAE | RMSE |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    metrics: tuple[ImageMetric, ...] = ("correlation", "error_over_rms", "ssim", "mae", "rmse")
    for dz in accuracy.distances_um:
        for method in accuracy.methods:
            figures = [
                accuracy.value(metric, dz=dz, noise=noise, method=method) for metric in metrics
            ]
            cells = " | ".join(
                f"{figure:.3f}" if metric not in ("mae", "rmse") else f"{figure:.4f}"
                for metric, figure in zip(metrics, figures, strict=True)
            )
            lines.append(f"| {dz:g} | {METHOD_LABELS[method]} | {cells} |")
    return "\n".join(lines)


def _bead_table(rows: tuple[BeadRow, ...]) -> str:
    if not rows:
        return ""
    lines = [
        "Isolated beads brought to focus, median of refocused / true (quartiles):",
        "",
        "| noise | Δz µm | method | beads | peak | FWHM | flux | fits diverged |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        ratios = " | ".join(ratio_text(ratio) for ratio in (row.peak, row.fwhm, row.flux))
        lines.append(
            f"| {row.noise} | {row.dz_um:+g} | {METHOD_LABELS[row.method]} | {row.beads} | "
            f"{ratios} | {row.diverged} |"
        )
    return "\n".join(lines)


def ratio_text(ratio: Ratio | None) -> str:
    """Return a ratio as ``median (first quartile–third quartile)``."""
    if ratio is None:
        return "–"
    return f"{ratio.median:.2f} ({ratio.q25:.2f}–{ratio.q75:.2f})"
