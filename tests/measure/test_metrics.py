"""The criteria of Eqs. (10) to (13) against numpy, scipy, scikit-image and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr
from skimage.metrics import normalized_root_mse
from torchmetrics.functional.image import structural_similarity_index_measure

from deepz_zoo.measure.metrics import (
    correlation,
    error_over_rms,
    image_metrics,
    mae,
    mse,
    rmse,
    ssim,
)


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    truth = random.gamma(1.0, 0.3, (48, 40))
    return truth + random.normal(0, 0.2, truth.shape), truth


def test_errors_agree_with_their_definitions(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, truth = pair
    assert mae(image, truth) == pytest.approx(np.linalg.norm((image - truth).ravel(), 1) / 1920)
    assert mse(image, truth) == pytest.approx(np.linalg.norm(image - truth) ** 2 / 1920)
    assert rmse(image, truth) == pytest.approx(np.linalg.norm(image - truth) / np.sqrt(1920))


def test_correlation_agrees_with_scipy(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, truth = pair
    expected = pearsonr(image.ravel(), truth.ravel()).statistic
    assert correlation(image, truth) == pytest.approx(expected)


def test_ssim_agrees_with_torchmetrics(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, truth = pair
    _, similarity = structural_similarity_index_measure(
        torch.from_numpy(image)[None, None],
        torch.from_numpy(truth)[None, None],
        sigma=1.5,
        data_range=1.0,
        return_full_image=True,
    )
    # Windows that leave the image count in torchmetrics and not in scikit-image.
    inside = similarity[..., 5:-5, 5:-5].mean()
    assert ssim(image, truth) == pytest.approx(float(inside), abs=1e-6)


def test_error_over_rms_is_scikit_image_s_normalized_error_once_the_background_is_gone(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    image, truth = pair
    expected = normalized_root_mse(truth, image, normalization="euclidean")
    assert error_over_rms(image, truth, 0.0) == pytest.approx(expected)
    assert error_over_rms(image + 100, truth + 100, 100.0) == pytest.approx(expected)


def test_a_blank_image_at_the_background_has_error_one(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    _, truth = pair
    assert error_over_rms(np.full_like(truth, 0.25), truth, 0.25) == pytest.approx(1, abs=1e-12)


def test_camera_counts_do_not_wrap_around() -> None:
    image = np.array([[1, 5], [3, 7]], dtype=np.uint16)
    truth = np.array([[5, 1], [7, 3]], dtype=np.uint16)
    assert mae(image, truth) == 4
    assert mse(image, truth) == 16


def test_the_correlation_with_a_constant_image_is_zero(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    assert correlation(np.full((48, 40), 7.0), pair[1]) == 0


def test_a_ground_truth_without_signal_has_no_relative_error() -> None:
    with pytest.raises(ValueError, match="nothing above its background"):
        error_over_rms(np.ones((4, 4)), np.full((4, 4), 3.0), 3.0)


def test_images_of_different_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3, 4\) and \(4, 3\)"):
        mae(np.zeros((3, 4)), np.zeros((4, 3)))


@given(gain=st.floats(0.01, 1000), offset=st.floats(-1000, 1000))
def test_metrics_do_not_depend_on_gain_and_offset_of_the_camera(gain: float, offset: float) -> None:
    random = np.random.default_rng(0)
    truth = random.gamma(1.0, 0.3, (24, 24))
    image = truth + random.normal(0, 0.1, truth.shape)
    plain = image_metrics(image, truth, scale=1.0, background=0.1)
    camera = image_metrics(
        image * gain + offset,
        truth * gain + offset,
        scale=gain,
        background=0.1 * gain + offset,
    )
    for name, value in vars(plain).items():
        assert getattr(camera, name) == pytest.approx(value, rel=1e-6), name


def test_a_perfect_image_has_perfect_metrics(pair: tuple[np.ndarray, np.ndarray]) -> None:
    metrics = image_metrics(pair[1], pair[1], scale=1.0, background=0.0)
    assert metrics.correlation == pytest.approx(1)
    assert metrics.ssim == pytest.approx(1)
    assert metrics.error_over_rms == metrics.mae == metrics.mse == metrics.rmse == 0
