"""Extended depth of field, against a plain rendering of the method and by its properties."""

from __future__ import annotations

from collections import Counter
from math import comb, log2

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deepz_zoo.errors import DeepZError
from deepz_zoo.preprocess.focus.edf import extended_depth_of_field

# ------------------------------------------------------------------------ the method, step by step


def plain_filters() -> tuple[np.ndarray, np.ndarray]:
    """H ∝ (1 + z)⁷ Π (z² + (4y − 2) z + 1) over the three zeros y with Im > 0; G from it."""
    zeros = np.roots([comb(6 + k, k) for k in range(6, -1, -1)])
    low = np.poly1d([1.0 + 0j])
    for _ in range(7):
        low *= np.poly1d([1, 1])
    for y in zeros:
        if y.imag > 0:
            low *= np.poly1d([1, 4 * y - 2, 1])
    h = low.coeffs * np.sqrt(2) / low.coeffs.sum()
    return h, np.array([(-1) ** k * np.conj(h[13 - k]) for k in range(14)])


H, G = plain_filters()


def plain_analysis(v: np.ndarray) -> np.ndarray:
    n = len(v)
    parts = [
        [sum(f[k] * v[(2 * m + k - 7) % n] for k in range(14)) for m in range(n // 2)]
        for f in (H, G)
    ]
    return np.array(parts[0] + parts[1])


def plain_synthesis(v: np.ndarray) -> np.ndarray:
    n = len(v)
    image = np.zeros(n, complex)
    for part, f in ((v[: n // 2], H), (v[n // 2 :], G)):
        up = np.zeros(n, complex)
        up[::2] = part
        for i in range(n):
            image[i] += sum(np.conj(f[k]) * up[(i - k + 7) % n] for k in range(14))
    return image


def along_rows_and_columns(step, image: np.ndarray) -> np.ndarray:
    image = np.array([step(row) for row in image])
    return np.array([step(column) for column in image.T]).T


def plain_checks(chosen: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Return the choices after the subband check and the majority check of three scales."""
    my, mx = chosen.shape
    scales = int(min(log2(my), log2(mx)))
    for s in range(1, min(scales, 3) + 1):
        by, bx = my >> s, mx >> s
        voted = np.zeros((by, bx), int)
        for y, x in np.ndindex(by, bx):
            places = [(y, x + bx), (y + by, x + bx), (y + by, x)]  # HL, HH, LH
            choices = [chosen[p] for p in places]
            plane, votes = Counter(choices).most_common(1)[0]
            if votes == 1:
                plane = choices[int(np.argmax([power[p] for p in places]))]
            voted[y, x] = plane
        around = np.pad(voted, 2, mode="reflect")
        for y, x in np.ndindex(by, bx):
            window = around[y : y + 5, x : x + 5].ravel().tolist()
            common, votes = Counter(window).most_common(1)[0]
            plane = common if votes > 12 else voted[y, x]
            for p in ((y, x + bx), (y + by, x + bx), (y + by, x)):
                chosen[p] = plane
    return chosen


def plain_edf(stack: np.ndarray, checks=plain_checks) -> tuple[np.ndarray, np.ndarray]:
    """Return image and height map, from 0, of the plugin's quality 4 as its method is described."""
    nz, ny, nx = stack.shape
    my, mx = (1 << int(np.ceil(log2(n))) for n in (ny, nx))
    y0, x0 = (my - ny) // 2, (mx - nx) // 2
    scales = int(min(log2(my), log2(mx)))
    transformed = np.zeros((nz, my, mx), complex)
    transformed[:, y0 : y0 + ny, x0 : x0 + nx] = stack
    for z in range(nz):
        for s in range(scales):
            of_plane = np.s_[z, : my >> s, : mx >> s]
            transformed[of_plane] = along_rows_and_columns(plain_analysis, transformed[of_plane])

    power = np.abs(transformed) ** 2
    chosen = power.argmax(axis=0)
    chosen = checks(chosen, power.max(axis=0))

    fused = np.take_along_axis(transformed, chosen[None], axis=0)[0]
    for s in reversed(range(scales)):
        corner = np.s_[: my >> s, : mx >> s]
        fused[corner] = along_rows_and_columns(plain_synthesis, fused[corner])
    image = fused.real[y0 : y0 + ny, x0 : x0 + nx]
    height = np.abs(stack - image).argmin(axis=0)
    return np.take_along_axis(stack, height[None], axis=0)[0], height


def focused_stack(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """Return planes through one textured surface that rises from left to right."""
    nz, ny, nx = shape
    rng = np.random.default_rng(seed)
    texture = 1000 * rng.random((ny, nx)) + 200
    planes = []
    for z in range(nz):
        plane = np.empty((ny, nx))
        for x in range(nx):
            away = abs(z - x * nz / nx)
            plane[:, x] = gaussian_filter(texture, 0.7 * away + 0.01)[:, x]
        planes.append(plane + rng.normal(0, 3, (ny, nx)))
    return np.array(planes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(3, 16, 16), (4, 13, 21), (2, 32, 8)])
def test_each_step_is_the_described_one(shape: tuple[int, int, int], dtype) -> None:
    stack = focused_stack(shape)
    stack = (stack / 5 if dtype == np.uint8 else stack).round().astype(dtype)
    image, height = plain_edf(stack.astype(float))
    found = extended_depth_of_field(stack)
    assert found.image.dtype == dtype
    np.testing.assert_array_equal(found.image, image)
    np.testing.assert_array_equal(found.height, height)


def plain_checks_of_the_plugin(chosen: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Return the choices after both checks, pixel by pixel, height and width exchanged."""
    my, mx = chosen.shape
    chosen = chosen.copy()

    def get(array, x, y):
        return array[y, x] if x < mx and y < my else 0

    def put(x, y, plane):
        if x < mx and y < my:
            chosen[y, x] = plane

    steps = range(1, min(3, int(log2(min(my, mx)))) + 1)
    for s in steps:
        bx, by = my >> s, mx >> s  # exchanged
        for x, y in np.ndindex(bx, by):
            places = [(x + bx, y), (x + bx, y + by), (x, y + by)]
            choices = [get(chosen, *p) for p in places]
            plane, votes = Counter(choices).most_common(1)[0]
            if votes == 1:
                plane = choices[int(np.argmax([get(power, *p) for p in places]))]
            for p in places:
                put(*p, plane)
    for right, down in ((0, 1), (1, 0), (1, 1)):
        for s in steps:
            bx, by = my >> s, mx >> s
            x0, y0 = right * bx, down * by
            band = np.array([[get(chosen, x0 + x, y0 + y) for x in range(bx)] for y in range(by)])
            around = np.pad(band, 2, mode="reflect")
            for x, y in np.ndindex(bx, by):
                window = around[y : y + 5, x : x + 5].ravel().tolist()
                common, votes = Counter(window).most_common(1)[0]
                put(x0 + x, y0 + y, common if votes > 12 else band[y, x])
    return chosen


@pytest.mark.parametrize("shape", [(4, 32, 64), (4, 64, 32), (3, 30, 100)])
def test_the_checks_of_the_plugin_exchange_rows_and_columns(shape) -> None:
    stack = focused_stack(shape).round().astype(np.uint16)
    found = extended_depth_of_field(stack, plugin_exact=True)
    assert (found.image != extended_depth_of_field(stack).image).any()
    image, height = plain_edf(stack.astype(float), checks=plain_checks_of_the_plugin)
    np.testing.assert_array_equal(found.height, height)
    np.testing.assert_array_equal(found.image, image)


@pytest.mark.parametrize("shape", [(4, 32, 32), (4, 40, 64)])
def test_the_exchange_does_not_matter_where_the_padded_image_is_square(shape) -> None:
    stack = focused_stack(shape).round().astype(np.uint16)
    exact, ours = extended_depth_of_field(stack, plugin_exact=True), extended_depth_of_field(stack)
    np.testing.assert_array_equal(exact.height, ours.height)


# ------------------------------------------------------------------------------------- properties


def numbers() -> np.ndarray:
    """Return a small stack that needs no generator of random numbers."""
    z, y, x = np.mgrid[:3, :8, :8]
    return ((1 + z) * (7 * y * y + 13 * x * y + 29 * x) + 50 * z).astype(np.uint16) % 251


def test_frozen_values() -> None:
    """What the plain rendering made of a stack, so that the two cannot change together."""
    found = extended_depth_of_field(numbers())
    expected = """
    2 2 0 1 0 0 0 2
    2 2 0 2 1 2 2 2
    1 0 2 0 2 2 0 0
    0 0 2 2 0 1 0 1
    2 2 1 1 0 1 0 1
    0 1 1 0 1 2 2 0
    1 0 2 0 0 2 1 2
    0 2 1 0 0 2 2 0"""
    height = np.array(expected.split(), dtype=int).reshape(8, 8)
    np.testing.assert_array_equal(found.height, height)
    np.testing.assert_array_equal(found.image, np.choose(height, numbers()))


@pytest.mark.parametrize("shape", [(16, 16), (9, 31), (1, 5)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_identical_planes_are_returned_as_they_are(shape: tuple[int, int], dtype) -> None:
    plane = np.random.default_rng(1).integers(0, 250, shape).astype(dtype)
    found = extended_depth_of_field(np.array([plane] * 4))
    np.testing.assert_array_equal(found.image, plane)
    np.testing.assert_array_equal(found.height, np.zeros(shape))


def test_each_patch_comes_from_the_plane_that_has_it_in_focus() -> None:
    rng = np.random.default_rng(2)
    sharp = gaussian_filter(rng.normal(size=(128, 128)), 1) * 400 + 500
    stack = np.array([gaussian_filter(sharp, 4)] * 4)
    patches = [np.s_[y : y + 60, x : x + 60] for y in (2, 66) for x in (2, 66)]
    for plane, patch in zip(stack, patches, strict=True):
        plane[patch] = sharp[patch]
    found = extended_depth_of_field(stack)
    for z, patch in enumerate(patches):
        inside = tuple(slice(side.start + 16, side.stop - 16) for side in patch)
        assert (found.height[inside] == z).mean() > 0.9  # some pixels are alike in all planes
        assert np.abs(found.image[inside] - sharp[inside]).mean() < 0.02 * sharp.std()


def test_every_pixel_is_a_pixel_of_the_stack_at_the_height_that_it_names() -> None:
    stack = focused_stack((5, 30, 22)).astype(np.float32)
    found = extended_depth_of_field(stack)
    taken = np.take_along_axis(stack, found.height[None].astype(np.intp), axis=0)[0]
    np.testing.assert_array_equal(found.image, taken)


def test_the_first_of_equal_planes_is_taken() -> None:
    stack = focused_stack((3, 16, 16))
    doubled = np.repeat(stack, 2, axis=0)
    single, double = extended_depth_of_field(stack), extended_depth_of_field(doubled)
    np.testing.assert_array_equal(double.height, 2 * single.height)


def test_progress_counts_both_passes() -> None:
    seen: list[tuple[str, int, int]] = []
    extended_depth_of_field(np.ones((3, 8, 8)), progress=lambda *step: seen.append(step))
    assert seen == [("projecting", done, 6) for done in range(1, 7)]


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (np.zeros((8, 8)), "(planes, rows, columns)"),
        (np.zeros((0, 8, 8)), "(planes, rows, columns)"),
        (np.zeros((2, 8, 8), complex), "type complex128"),
        (np.zeros((2, 8, 8), bool), "type bool"),
        (np.array([np.zeros((4, 4)), np.full((4, 4), np.inf)]), "NaN or infinity"),
    ],
)
def test_what_cannot_be_fused(stack: np.ndarray, message: str) -> None:
    with pytest.raises(DeepZError) as caught:
        extended_depth_of_field(stack)
    assert message in str(caught.value)
