"""Richardson-Lucy refocusing with point-spread functions that psfmodels makes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import shift
from scipy.signal import fftconvolve

from deepz_zoo.evaluation.deconvolution import refocus_richardson_lucy

psfmodels = pytest.importorskip("psfmodels")

BACKGROUND = 100.0


@pytest.fixture(scope="module")
def psf() -> dict[int, np.ndarray]:
    """Return slices at -3, 0 and 3 µm from the focus of a lens with a thin coverslip."""
    z = np.arange(-8.0, 8.01, 0.25)
    planes = psfmodels.make_psf(
        z, nx=63, dxy=0.325, NA=0.8, ni0=1.0, ni=1.0, ns=1.0, wvl=0.6, tg=150, tg0=170,
        model="scalar",
    )  # fmt: skip
    focus = int(planes.max(axis=(1, 2)).argmax())
    return {distance: planes[focus + 4 * distance] for distance in (-3, 0, 3)}


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    image = np.zeros((80, 76))
    image[[20, 50, 42], [30, 22, 55]] = 1e5
    return image


def imaged(points: np.ndarray, psf: np.ndarray) -> np.ndarray:
    return fftconvolve(points, psf / psf.sum(), mode="same") + BACKGROUND


@pytest.mark.parametrize("defocus", [-3, 3])
def test_the_right_slice_brings_beads_to_focus_and_the_mirrored_one_does_not(
    psf: dict[int, np.ndarray], points: np.ndarray, defocus: int
) -> None:
    ground_truth, blurred = imaged(points, psf[0]), imaged(points, psf[defocus])
    right, wrong = (
        refocus_richardson_lucy(
            blurred, psf[sign * defocus], psf[0], background=BACKGROUND, iterations=50
        )
        for sign in (1, -1)
    )

    def match(image: np.ndarray) -> float:
        return float(np.corrcoef(image.ravel(), ground_truth.ravel())[0, 1])

    assert match(right) > match(blurred) + 0.15
    assert match(right) > match(wrong) + 0.3
    y, x = map(int, np.unravel_index(right.argmax(), right.shape))
    assert (y, x) in {(20, 30), (50, 22), (42, 55)}


def test_light_is_kept(psf: dict[int, np.ndarray], points: np.ndarray) -> None:
    blurred = imaged(points, psf[3])
    image = refocus_richardson_lucy(blurred, psf[3], psf[0], background=BACKGROUND)
    assert image.shape == points.shape
    assert (image - BACKGROUND).sum() == pytest.approx((blurred - BACKGROUND).sum(), rel=0.05)


def test_the_image_stays_where_it_is(psf: dict[int, np.ndarray], points: np.ndarray) -> None:
    moved = shift(points, (5, -3), order=0)
    one, other = (
        refocus_richardson_lucy(imaged(p, psf[3]), psf[3], psf[0], background=BACKGROUND)
        for p in (points, moved)
    )
    assert np.allclose(one[10:-20, 20:-10], other[15:-15, 17:-13], rtol=0.02, atol=20)


def test_an_empty_image_stays_empty(psf: dict[int, np.ndarray]) -> None:
    empty = np.full((40, 40), 90.0)
    image = refocus_richardson_lucy(empty, psf[3], psf[0], background=BACKGROUND)
    assert np.all(image == BACKGROUND)


def test_a_slice_without_light_is_refused(psf: dict[int, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="light"):
        refocus_richardson_lucy(np.ones((40, 40)), 0 * psf[3], psf[0], background=0)
