from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import normalize_stack
from deepz_zoo.preprocess.focus.curve import axial_zero_um, focus_curve


def through_focus(best: float, planes: int = 11) -> tuple[np.ndarray, np.ndarray]:
    """Return a stack whose structures are in focus at plane `best`, and its projection."""
    rng = np.random.default_rng(0)
    sharp = np.zeros((48, 56))
    sharp[rng.integers(4, 44, 40), rng.integers(4, 52, 40)] = 1
    blurs = [0.8 + 0.35 * abs(z - best) for z in range(planes)]
    stack = np.array([100 + 4000 * gaussian_filter(sharp, blur) for blur in blurs])
    return stack.round().astype(np.uint16), stack.max(axis=0).round().astype(np.uint16)


def test_the_curve_is_the_structural_similarity_of_equation_13() -> None:
    """By the sums that the equation is made of, over Gaussian windows of Wang et al. 2004."""
    stack, edf = through_focus(5)

    def mean(image: np.ndarray) -> np.ndarray:
        return gaussian_filter(image, 1.5, truncate=3.5, mode="reflect")

    b = normalize_stack(edf[None], edf)[0].astype(float)
    for plane, found in zip(stack, focus_curve(stack, edf), strict=True):
        a = normalize_stack(plane[None], edf)[0].astype(float)
        mean_a, mean_b = mean(a), mean(b)
        var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
        covariance = mean(a * b) - mean_a * mean_b
        ssim = (2 * mean_a * mean_b + 0.01**2) * (2 * covariance + 0.03**2)
        ssim /= (mean_a**2 + mean_b**2 + 0.01**2) * (var_a + var_b + 0.03**2)
        assert found == pytest.approx(ssim[5:-5, 5:-5].mean(), abs=1e-4)


@pytest.mark.parametrize("best", [4.0, 5.3, 6.5])
def test_the_zero_lies_where_the_stack_is_in_focus(best: float) -> None:
    curve = focus_curve(*through_focus(best))
    z_um = 0.2 * np.arange(11) - 7
    assert axial_zero_um(curve, z_um) == pytest.approx(0.2 * best - 7, abs=0.1)


def test_unit_and_offset_of_the_camera_do_not_matter() -> None:
    stack, edf = through_focus(4)
    np.testing.assert_allclose(focus_curve(stack + 1000, edf + 1000), focus_curve(stack, edf))


def test_the_four_highest_values_alone_decide() -> None:
    z_um = np.arange(9.0)
    curve = 1 - 0.03 * (z_um - 3.6) ** 2
    assert axial_zero_um(curve, z_um) == pytest.approx(3.6)
    far = curve.copy()
    far[[0, 1, 7, 8]] = [0.1, 0.3, 0.2, 0.0]  # the rest of the curve need not be a parabola
    assert axial_zero_um(far, z_um) == pytest.approx(3.6)


def test_a_ragged_top_takes_the_next_values_too() -> None:
    """The curve of a real nucleus, whose four highest values lie on one flank."""
    z_um = np.arange(15, 25.0)
    curve = np.array([0.816, 0.836, 0.858, 0.841, 0.851, 0.873, 0.84, 0.83, 0.80, 0.78])
    curvature, *_ = np.polyfit([17, 18, 19, 20], curve[2:6], 2)
    assert curvature > 0
    assert axial_zero_um(curve, z_um) == pytest.approx(19.2, abs=0.5)


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ([0.5, 0.6, 0.7], "4 planes or more"),
        ([0.1, 0.2, 0.5, 0.9, 1.7, 3.0], "no single peak"),
        (1 - 0.02 * (np.arange(5) - 6.0) ** 2, "outside the stack's 0 to 4 µm"),
    ],
)
def test_curves_without_a_peak(curve, message: str) -> None:
    with pytest.raises(DeepZError) as caught:
        axial_zero_um(np.array(curve), np.arange(len(curve)))
    assert message in str(caught.value)


def test_images_that_are_too_small_or_of_other_sizes() -> None:
    with pytest.raises(DeepZError, match="needs 11 px or more per side"):
        focus_curve(np.ones((3, 8, 20)), np.ones((8, 20)))
    with pytest.raises(DeepZError, match="same rows and columns"):
        focus_curve(np.ones((3, 20, 20)), np.ones((20, 24)))
