"""Metrics of a refocused image against the ground truth: the paper's five, and error/rms.

``MAE``, ``MSE`` and ``RMSE`` depend on the unit of the images. :func:`image_metrics` therefore
divides both images by the intensity scale of the stack first (the paper's normalization), so that
the results compare with the paper's and between stacks of different brightness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.metrics import mean_squared_error, structural_similarity

from deepz_zoo.records.accuracy import ImageMetrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

SSIM_SIGMA_PX = 1.5
"""Width of the Gaussian window of SSIM (Wang et al. 2004, the paper's reference 55)."""
SSIM_K1 = 0.01
SSIM_K2 = 0.03


def mae(image: NDArray[np.generic], ground_truth: NDArray[np.generic]) -> float:
    """Return the mean absolute error, Eq. (11) of the paper, in the unit of the images."""
    image, ground_truth = _pair(image, ground_truth)
    return float(np.mean(np.abs(image - ground_truth)))


def mse(image: NDArray[np.generic], ground_truth: NDArray[np.generic]) -> float:
    """Return the mean square error, Eq. (10) of the paper, in the squared unit of the images."""
    image, ground_truth = _pair(image, ground_truth)
    return float(mean_squared_error(image, ground_truth))


def rmse(image: NDArray[np.generic], ground_truth: NDArray[np.generic]) -> float:
    """Return the square root of :func:`mse`."""
    return float(np.sqrt(mse(image, ground_truth)))


def error_over_rms(
    image: NDArray[np.generic], ground_truth: NDArray[np.generic], background: float
) -> float:
    """Return the error relative to the signal: rms(image − G) / rms(G − background).

    G is the ground truth. Nothing is fitted and nothing is subtracted from the numerator: a wrong
    brightness or a wrong background of ``image`` counts as error. A constant image at
    ``background`` has exactly 1.

    Parameters
    ----------
    image, ground_truth : ndarray, shape (ny, nx)
        Image and ground truth in the same unit.
    background : float
        Background level of the ground truth in its own unit; in the benchmark, the mean of its
        pixels under the triangle threshold (``intensity_scale(ground_truth).background``).

    Raises
    ------
    ValueError
        If the ground truth equals its background everywhere, so that there is no signal.
    """
    image, ground_truth = _pair(image, ground_truth)
    signal = float(np.sqrt(np.mean((ground_truth - background) ** 2)))
    if signal == 0:
        raise ValueError("error/rms: the ground truth holds nothing above its background")
    return rmse(image, ground_truth) / signal


def correlation(image: NDArray[np.generic], ground_truth: NDArray[np.generic]) -> float:
    """Return Pearson's correlation over all pixels, Eq. (12) of the paper.

    It is undefined when one of the images is constant; 0 is returned then, since a constant image
    says nothing about the other one.
    """
    image, ground_truth = _pair(image, ground_truth)
    if np.ptp(image) == 0 or np.ptp(ground_truth) == 0:
        return 0.0
    return float(np.corrcoef(image.ravel(), ground_truth.ravel())[0, 1])


def ssim(
    image: NDArray[np.generic], ground_truth: NDArray[np.generic], data_range: float = 1.0
) -> float:
    """Return the structural similarity, Eq. (13) of the paper, averaged over the image.

    The means, variances and the covariance of Eq. (13) are taken in a Gaussian window of
    σ = 1.5 px, and C₁ = (0.01 L)², C₂ = (0.03 L)², as in Wang et al. 2004.

    Parameters
    ----------
    image, ground_truth : ndarray, shape (ny, nx)
        Image and ground truth in the same unit, at least 11 px in each direction.
    data_range : float
        L, the intensity range; 1 for images in the paper's normalization.
    """
    image, ground_truth = _pair(image, ground_truth)
    return float(
        structural_similarity(
            image,
            ground_truth,
            data_range=data_range,
            gaussian_weights=True,
            sigma=SSIM_SIGMA_PX,
            use_sample_covariance=False,
            K1=SSIM_K1,
            K2=SSIM_K2,
        )
    )


def image_metrics(
    image: NDArray[np.generic],
    ground_truth: NDArray[np.generic],
    *,
    scale: float,
    background: float,
) -> ImageMetrics:
    """Return all metrics of one image in camera units.

    Parameters
    ----------
    image, ground_truth : ndarray, shape (ny, nx)
        Image to compare and ground truth, in camera units.
    scale : float
        Camera units that count as 1: the intensity scale of the whole stack, so that faint planes
        of a stack are not amplified.
    background : float
        Background of ``ground_truth`` in camera units. It is subtracted from both images, which
        affects ``error_over_rms`` and ``ssim`` only.
    """
    if scale <= 0:
        raise ValueError(f"the intensity scale must be positive, got {scale:g}")
    image, ground_truth = _pair(image, ground_truth)
    normalized = (image - background) / scale
    target = (ground_truth - background) / scale
    square = mse(normalized, target)
    return ImageMetrics(
        correlation=correlation(image, ground_truth),
        error_over_rms=error_over_rms(normalized, target, 0.0),
        ssim=ssim(normalized, target),
        mae=mae(normalized, target),
        mse=square,
        rmse=float(np.sqrt(square)),
    )


def _pair(
    image: NDArray[np.generic], ground_truth: NDArray[np.generic]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both images as float64, which unsigned camera counts need before subtraction."""
    if image.shape != ground_truth.shape:
        raise ValueError(
            f"expected two images of one shape, got {image.shape} and {ground_truth.shape}"
        )
    return image.astype(np.float64), ground_truth.astype(np.float64)
