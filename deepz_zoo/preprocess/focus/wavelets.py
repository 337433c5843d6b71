"""Symmetric complex Daubechies wavelets and their transform of periodic images.

J.-M. Lina and M. Mayrand, "Complex Daubechies wavelets", Applied and Computational Harmonic
Analysis 2, 219 (1995). Unlike a real wavelet, their magnitude tells how much detail there is
whatever its exact position, so that the planes of a stack can be compared by it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Complex = NDArray[np.complex128]
Subband = tuple[slice, slice]

VANISHING_MOMENTS = 7
TAPS = 2 * VANISHING_MOMENTS


@cache
def low_pass() -> Complex:
    """Return the scaling filter H: 14 symmetric complex taps of sum √2.

    |H|² of every Daubechies filter with p vanishing moments is cos²ᵖ · P(sin²), where
    P(y) = Σ C(p−1+k, k) yᵏ, k < p. A filter is one way to divide the zeros of P; taking those
    with a positive imaginary part, each with its reciprocal in z, gives the symmetric one.
    """
    p = VANISHING_MOMENTS
    zeros = np.roots([comb(p - 1 + k, k) for k in reversed(range(p))])
    taps = np.ones(1, dtype=np.complex128)
    for _ in range(p):
        taps = np.convolve(taps, [1, 1])
    for y in zeros[zeros.imag > 0]:
        taps = np.convolve(taps, [1, 4 * y - 2, 1])
    return _read_only(taps * (np.sqrt(2) / taps.sum()))


@cache
def high_pass() -> Complex:
    """Return the wavelet filter G[k] = (−1)ᵏ conj(H[13−k])."""
    return _read_only((-1.0) ** np.arange(TAPS) * low_pass()[::-1].conj())


def _read_only(taps: Complex) -> Complex:
    taps.setflags(write=False)
    return taps


def max_scales(shape: tuple[int, int]) -> int:
    """Return how often both sides, powers of two, can be halved."""
    return min(shape).bit_length() - 1


def subbands(shape: tuple[int, int], scale: int) -> tuple[Subband, Subband, Subband]:
    """Return where the details of a scale lie in the array that `analyze` returns.

    Parameters
    ----------
    shape
        Rows and columns of the image.
    scale
        1 for the finest.

    Returns
    -------
    tuple of (slice, slice)
        HL (fine along x), HH (fine along both) and LH (fine along y).
    """
    ny, nx = (side >> scale for side in shape)
    low_y, low_x, high_y, high_x = slice(ny), slice(nx), slice(ny, 2 * ny), slice(nx, 2 * nx)
    return (low_y, high_x), (high_y, high_x), (high_y, low_x)


def analyze(image: NDArray[Any], scales: int) -> Complex:
    """Return the separable wavelet coefficients of a real image.

    Parameters
    ----------
    image
        Shape (ny, nx), both sides multiples of 2**scales; its borders are periodic.
    scales
        How often the low-pass part is divided again.

    Returns
    -------
    ndarray, shape (ny, nx)
        The low-pass part in the corner at the origin and the details at `subbands`.
    """
    coefficients = np.empty(image.shape, dtype=np.complex128)
    part: NDArray[Any] = np.asarray(image, dtype=np.float64)
    ny, nx = image.shape
    for scale in range(scales):
        rows, columns = ny >> scale, nx >> scale
        coefficients[:rows, :columns] = _along_both(_basis, part)
        part = coefficients[: rows // 2, : columns // 2]
    if scales == 0:
        coefficients[...] = part
    return coefficients


def synthesize(coefficients: Complex, scales: int) -> Complex:
    """Return the image of `coefficients`: the inverse of `analyze`, since the basis is unitary."""
    image: Complex = coefficients.copy()
    ny, nx = image.shape
    for scale in reversed(range(scales)):
        rows, columns = ny >> scale, nx >> scale
        image[:rows, :columns] = _along_both(_adjoint, image[:rows, :columns])
    return image


@cache
def _basis(n: int) -> csr_array:
    """Return the unitary matrix of one step along an axis of length n.

    Its upper half is low[m] = Σ H[k] s[(2m + k − 7) mod n], its lower half the same with G.
    """
    m, k = np.divmod(np.arange(n // 2 * TAPS), TAPS)
    column = (2 * m + k - TAPS // 2) % n
    weights = np.concatenate([low_pass()[k], high_pass()[k]])
    rows = np.concatenate([m, m + n // 2])
    return csr_array((weights, (rows, np.concatenate([column, column]))), shape=(n, n))


@cache
def _adjoint(n: int) -> csr_array:
    return _basis(n).conj().T.tocsr()


def _along_both(step: Callable[[int], csr_array], image: NDArray[Any]) -> Complex:
    """Apply a step along x, then along y."""
    ny, nx = image.shape
    along_x = (step(nx) @ image.T).T
    along_both: Complex = step(ny) @ along_x
    return along_both
