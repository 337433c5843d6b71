from __future__ import annotations

import math

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from deepz_zoo import dpm
from deepz_zoo.errors import DeepZError

PIXEL_UM = 0.325


def test_uniform() -> None:
    plane = dpm.Plane(-2.5).dpm((16, 20), PIXEL_UM)
    assert plane.dtype == np.float32
    assert plane.shape == (16, 20)
    assert (plane == -2.5).all()


def test_tilt_of_the_paper_spans_what_geometry_says() -> None:
    # 1.5° over 501 pixel steps of 0.325 µm
    surface = dpm.Tilt(1.5, axis="y").dpm((40, 502), PIXEL_UM)
    assert np.ptp(surface, axis=0).max() == 0
    assert surface[0, -1] - surface[0, 0] == pytest.approx(501 * PIXEL_UM * 0.0261859, rel=1e-4)
    assert surface[0, -1] > surface[0, 0]
    assert surface.mean() == pytest.approx(0, abs=1e-5)


def test_tilt_around_x_grows_downward() -> None:
    surface = dpm.Tilt(2, axis="x", offset_um=3).dpm((41, 30), PIXEL_UM)
    assert np.ptp(surface, axis=1).max() == 0
    assert surface[-1, 0] > surface[0, 0]
    assert (surface[20] == 3).all()


@settings(max_examples=25, deadline=None)
@given(
    diameter_um=st.floats(500, 20_000),
    pixel_um=st.floats(0.1, 1.0),
    axis=st.sampled_from(["x", "y"]),
)
def test_points_of_a_cylinder_lie_on_a_circle(diameter_um: float, pixel_um: float, axis) -> None:
    surface = dpm.Cylinder(diameter_um, axis=axis).dpm((101, 151), pixel_um)
    profile = surface[:, 0] if axis == "x" else surface[0]
    across = (np.arange(profile.size) - profile.size // 2) * pixel_um
    radius = np.hypot(across, profile.astype(float) + diameter_um / 2)
    np.testing.assert_allclose(radius, diameter_um / 2, rtol=1e-6)
    assert profile[profile.size // 2] == 0
    assert profile[0] < 0
    np.testing.assert_array_equal(
        dpm.Cylinder(-diameter_um, axis=axis).dpm((101, 151), pixel_um), -surface
    )


def test_sinusoid_of_the_paper() -> None:
    surface = dpm.Sinusoid(128, -9, -1, axis="x").dpm((20, 513), PIXEL_UM)
    assert surface.min() == pytest.approx(-9)
    assert surface.max() == pytest.approx(-1)
    assert np.ptp(surface, axis=0).max() == 0
    assert surface[0, 256] == pytest.approx(-5)
    spectrum = np.abs(np.fft.rfft(surface[0, :512] - surface[0, :512].mean()))
    assert spectrum.argmax() == 512 // 128


@pytest.mark.parametrize(
    "build",
    [
        lambda: dpm.Tilt(90, axis="x").dpm((20, 20), PIXEL_UM),
        lambda: dpm.Tilt(math.nan, axis="x").dpm((20, 20), PIXEL_UM),
        lambda: dpm.Tilt(1, axis="x").dpm((20, 20), 0),
        lambda: dpm.Cylinder(7.2, axis="y").dpm((20, 200), PIXEL_UM),
        lambda: dpm.Cylinder(0, axis="y").dpm((20, 200), PIXEL_UM),
        lambda: dpm.Sinusoid(0, -1, 1, axis="x").dpm((20, 20), PIXEL_UM),
        lambda: dpm.Sinusoid(100, 1, -1, axis="x").dpm((20, 20), PIXEL_UM),
    ],
)
def test_impossible_surfaces_are_refused(build) -> None:
    with pytest.raises(DeepZError, match="expected|does not span"):
        build()


@pytest.mark.parametrize(
    ("surface", "text"),
    [
        (dpm.Plane(-2.5), "a plane at -2.5 µm"),
        (dpm.Tilt(1.5), "a plane tilted by 1.5° around y"),
        (dpm.Tilt(-2, "x", 3), "a plane tilted by -2° around x, at +3 µm in the center"),
        (dpm.Cylinder(7200), "a cylinder of diameter 7200 µm along y"),
        (dpm.Sinusoid(128, -9, -1), "a sinusoid of period 128 px along x, -9 to -1 µm"),
        (dpm.HeightMap("a/map.tif"), "the surface of a/map.tif"),
        (dpm.HeightMap(np.zeros((2, 2))), "the surface of the height map"),
    ],
)
def test_a_surface_can_be_read(surface: dpm.Surface, text: str) -> None:
    assert str(surface) == text


# ------------------------------------------------------------------------------------ height maps


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_height_map_of_grey_levels(tmp_path, dtype) -> None:
    grey = np.arange(20 * 30).reshape(20, 30).astype(dtype)
    tifffile.imwrite(tmp_path / "map.tif", grey)
    heights = dpm.HeightMap(tmp_path / "map.tif", um_per_grey_level=0.05, offset_um=-4)
    surface = heights.dpm((20, 30), PIXEL_UM)
    assert surface.dtype == np.float32
    np.testing.assert_allclose(surface, grey * 0.05 - 4, atol=1e-5)


def test_height_map_of_micrometers(tmp_path) -> None:
    heights = np.random.default_rng(0).normal(0, 2, (20, 30)).astype(np.float32)
    tifffile.imwrite(tmp_path / "map.tif", heights)
    surface = dpm.HeightMap(tmp_path / "map.tif").dpm((20, 30), PIXEL_UM)
    np.testing.assert_array_equal(surface, heights)


@pytest.mark.parametrize(
    ("values", "shape", "says"),
    [
        (np.zeros((20, 30), np.uint8), (20, 30), "`um_per_grey_level`"),
        (np.zeros((20, 30), np.float32), (30, 20), "20 × 30 px"),
        (np.zeros((2, 20, 30), np.float32), (20, 30), "one plane"),
        (np.full((20, 30), np.nan), (20, 30), "NaN"),
    ],
)
def test_height_maps_that_do_not_fit(values, shape, says: str) -> None:
    with pytest.raises(DeepZError, match=says):
        dpm.HeightMap(values).dpm(shape, PIXEL_UM)


# ------------------------------------------------------------------------------------------ range


def test_range_is_checked_and_clipped() -> None:
    surface = np.linspace(-12, 4, 9, dtype=np.float32).reshape(3, 3)
    with pytest.raises(DeepZError, match=r"from -12 to \+4 µm.*from -10 to \+10 µm.*`clip`"):
        dpm.check_range(surface, 10)
    clipped = dpm.check_range(surface, 10, clip=True)
    np.testing.assert_array_equal(clipped, np.maximum(surface, -10))
    np.testing.assert_array_equal(dpm.check_range(surface[1:], 10), surface[1:])


def test_the_ends_of_the_range_are_inside() -> None:
    dpm.check_range(np.array([-2.7, 2.7], np.float32), 2.7)
    with pytest.raises(DeepZError, match="NaN"):
        dpm.check_range(np.array([np.nan], np.float32), 10, clip=True)


def test_the_fraction_outside_is_told() -> None:
    surface = np.array([-12, -10, 0, 4], np.float32)
    assert "25.0% of the wanted surface" in (dpm.clipping_warning(surface, 10) or "")
    assert dpm.clipping_warning(surface[1:], 10) is None


# ---------------------------------------------------------------------------------- lateral limit


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize(("shape", "offset"), [((512, 512), 0), ((300, 700), 0), ((256, 256), 3)])
def test_short_periods_warn_and_long_ones_do_not(axis, shape, offset: float) -> None:
    for period_px in (8, 20, 40, 64, 80):
        surface = dpm.Sinusoid(period_px, -9 + offset, -1 + offset, axis=axis).dpm(shape, PIXEL_UM)
        assert "32.5 µm" in (dpm.lateral_limit_warning(surface, PIXEL_UM) or "")
    for period_px in (128, 160, 256, 400):
        surface = dpm.Sinusoid(period_px, -9 + offset, -1 + offset, axis=axis).dpm(shape, PIXEL_UM)
        assert dpm.lateral_limit_warning(surface, PIXEL_UM) is None


def test_the_limit_is_a_length_not_a_pixel_count() -> None:
    surface = dpm.Sinusoid(80, -9, -1, axis="x").dpm((512, 512), PIXEL_UM)
    assert dpm.lateral_limit_warning(surface, 0.325) is not None
    assert dpm.lateral_limit_warning(surface, 0.65) is None


@pytest.mark.parametrize("size", [32, 64, 200, 1024])
def test_smooth_surfaces_do_not_warn(size: int) -> None:
    shape = (size, size)
    for surface in (
        dpm.Plane(5).dpm(shape, PIXEL_UM),
        dpm.Tilt(1.5, axis="y").dpm(shape, PIXEL_UM),
        dpm.Cylinder(7200, axis="x").dpm(shape, PIXEL_UM),
    ):
        assert dpm.lateral_limit_warning(surface, PIXEL_UM) is None
        grey = np.rint(surface / 0.1) * 0.1  # an 8-bit height map
        assert dpm.lateral_limit_warning(grey, PIXEL_UM) is None


@pytest.mark.parametrize("axis", ["x", "y"])
def test_rows_or_columns_that_repeat_are_made_once(axis) -> None:
    shape = (20, 30)
    for surface in (
        dpm.Tilt(1.5, axis),
        dpm.Cylinder(7200, axis, 2.0),
        dpm.Sinusoid(9, -2, 3, axis),
        dpm.Plane(2.0),
        dpm.HeightMap(np.arange(600.0).reshape(shape)),
    ):
        thin = dpm.thin_dpm(surface, shape, PIXEL_UM)
        assert thin.size in (20, 30, 600)
        np.testing.assert_array_equal(np.broadcast_to(thin, shape), surface.dpm(shape, PIXEL_UM))


def test_a_step_and_a_ripple_warn() -> None:
    step = np.where(np.arange(400) < 200, -2.0, 3.0) * np.ones((400, 1))
    assert dpm.lateral_limit_warning(step, PIXEL_UM) is not None
    ripple = dpm.Tilt(2, axis="y").dpm((400, 400), PIXEL_UM)
    ripple += dpm.Sinusoid(40, -0.6, 0.6, axis="y").dpm((400, 400), PIXEL_UM)
    assert dpm.lateral_limit_warning(ripple, PIXEL_UM) is not None


def test_large_surfaces_are_looked_at_in_parts(monkeypatch) -> None:
    monkeypatch.setattr(dpm, "_PART_PX", 100)
    pixel_um = 3.25  # the limit is 10 px
    shape = (250, 430)
    for period_px in (4, 6, 8, 14, 20, 50, 300):
        surface = dpm.Sinusoid(period_px, -9, -1).dpm(shape, pixel_um)
        assert (dpm.lateral_limit_warning(surface, pixel_um) is None) == (period_px > 10)
    flat = dpm.Tilt(0.05).dpm(shape, pixel_um)
    assert dpm.lateral_limit_warning(flat, pixel_um) is None
    for y, x in ((0, 0), (249, 429), (83, 86), (82, 85), (166, 172)):
        peak = flat.copy()
        peak[y, x] += 9
        assert "as steep as" in (dpm.lateral_limit_warning(peak, pixel_um) or "")
