"""How far a refocused image is from the true one: the five criteria of the paper, and error/rms.

``MAE``, ``MSE`` and ``RMSE`` depend on the unit of the images. :func:`image_scores` therefore
divides both images by the intensity scale of the stack first (the paper's normalization), so that
its figures compare with the paper's and between stacks of different brightness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from skimage.metrics import mean_squared_error, structural_similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

SSIM_SIGMA_PX = 1.5
"""Width of the Gaussian window of SSIM (Wang et al. 2004, the paper's reference 55)."""
SSIM_K1 = 0.01
SSIM_K2 = 0.03


def mae(image: NDArray[np.generic], truth: NDArray[np.generic]) -> float:
    """Return the mean absolute error, Eq. (11) of the paper, in the unit of the images."""
    image, truth = _pair(image, truth)
    return float(np.mean(np.abs(image - truth)))


def mse(image: NDArray[np.generic], truth: NDArray[np.generic]) -> float:
    """Return the mean square error, Eq. (10) of the paper, in the squared unit of the images."""
    image, truth = _pair(image, truth)
    return float(mean_squared_error(image, truth))


def rmse(image: NDArray[np.generic], truth: NDArray[np.generic]) -> float:
    """Return the square root of :func:`mse`."""
    return float(np.sqrt(mse(image, truth)))


def error_over_rms(
    image: NDArray[np.generic], truth: NDArray[np.generic], truth_background: float
) -> float:
    """Return the error as a share of the signal: rms(image − truth) / rms(truth − background).

    Nothing is fitted and nothing is subtracted from the numerator: a wrong brightness or a wrong
    background of ``image`` counts as error. A constant image at ``truth_background`` scores
    exactly 1.

    Parameters
    ----------
    image, truth : ndarray, shape (ny, nx)
        Two images in the same unit.
    truth_background : float
        Background level of ``truth`` in its own unit: the mean of its pixels under the triangle
        threshold (``intensity_scale(truth).background``) in the benchmark.

    Raises
    ------
    ValueError
        If ``truth`` equals its background everywhere, so that there is no signal to compare with.
    """
    image, truth = _pair(image, truth)
    signal = float(np.sqrt(np.mean((truth - truth_background) ** 2)))
    if signal == 0:
        raise ValueError("error/rms: the true image holds nothing above its background")
    return rmse(image, truth) / signal


def correlation(image: NDArray[np.generic], truth: NDArray[np.generic]) -> float:
    """Return Pearson's correlation over all pixels, Eq. (12) of the paper.

    Pearson's coefficient is undefined when one of the images is constant; 0 is returned then,
    since a constant image says nothing about the other one.
    """
    image, truth = _pair(image, truth)
    if np.ptp(image) == 0 or np.ptp(truth) == 0:
        return 0.0
    return float(np.corrcoef(image.ravel(), truth.ravel())[0, 1])


def ssim(image: NDArray[np.generic], truth: NDArray[np.generic], data_range: float = 1.0) -> float:
    """Return the structural similarity, Eq. (13) of the paper, averaged over the image.

    The means, variances and the covariance of Eq. (13) are taken in a Gaussian window of
    σ = 1.5 px, and C₁ = (0.01 L)², C₂ = (0.03 L)², as in Wang et al. 2004.

    Parameters
    ----------
    image, truth : ndarray, shape (ny, nx)
        Two images in the same unit, at least 11 px in each direction.
    data_range : float
        L, the intensity range; 1 for images in the paper's normalization.
    """
    image, truth = _pair(image, truth)
    return float(
        structural_similarity(
            image,
            truth,
            data_range=data_range,
            gaussian_weights=True,
            sigma=SSIM_SIGMA_PX,
            use_sample_covariance=False,
            K1=SSIM_K1,
            K2=SSIM_K2,
        )
    )


@dataclass(frozen=True)
class ImageScores:
    """All criteria for one image against the true one.

    Attributes
    ----------
    correlation : float
        Pearson's correlation over all pixels.
    error_over_rms : float
        rms(image − truth) / rms(truth − background of the truth).
    ssim : float
        Structural similarity on normalized images (L = 1).
    mae, mse, rmse : float
        Errors of the normalized images (1 = intensity scale of the stack).
    """

    correlation: float
    error_over_rms: float
    ssim: float
    mae: float
    mse: float
    rmse: float


def image_scores(
    image: NDArray[np.generic],
    truth: NDArray[np.generic],
    *,
    scale: float,
    truth_background: float,
) -> ImageScores:
    """Return all criteria for one image in camera units.

    Parameters
    ----------
    image, truth : ndarray, shape (ny, nx)
        Image to judge and true image, in camera units.
    scale : float
        Camera units that count as 1: the intensity scale of the whole stack, so that faint planes
        of a stack are not blown up.
    truth_background : float
        Background of ``truth`` in camera units; it enters ``error_over_rms`` only. The same
        background would cancel in every other criterion but SSIM, for which it is subtracted
        from both images.
    """
    if scale <= 0:
        raise ValueError(f"the intensity scale must be positive, got {scale:g}")
    image, truth = _pair(image, truth)
    normalized = (image - truth_background) / scale
    target = (truth - truth_background) / scale
    square = mse(normalized, target)
    return ImageScores(
        correlation=correlation(image, truth),
        error_over_rms=error_over_rms(normalized, target, 0.0),
        ssim=ssim(normalized, target),
        mae=mae(normalized, target),
        mse=square,
        rmse=float(np.sqrt(square)),
    )


def _pair(
    image: NDArray[np.generic], truth: NDArray[np.generic]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both images as float64, which unsigned camera counts need before subtraction."""
    if image.shape != truth.shape:
        raise ValueError(f"images of one shape are needed, got {image.shape} and {truth.shape}")
    return image.astype(np.float64), truth.astype(np.float64)
