from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from deepz_zoo import dpm
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.optics import get_system
from deepz_zoo.refocus import plan_refocus
from deepz_zoo.refocus.suitability import image_warnings

SYSTEM = get_system("leica20x_0.8", "TxRd")


class Add(nn.Module):
    """Stands in for a generator: the image plus the scaled distance."""

    multiple = 4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1] + x[:, 1:]


def bright(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    image = rng.normal(100, 3, shape).round()
    image[..., ::7, ::9] += 2000
    return image.astype(np.uint16)


def frames(shape: tuple[int, ...] = (40, 50), pixel_um: float | None = 0.325) -> Image:
    return Image(bright(*shape), "tyx"[-len(shape) :], pixel_um)


def test_planes_of_one_image() -> None:
    plan = plan_refocus(frames(), SYSTEM, (-2.3, 0.0, 2.3))
    assert (plan.axes, plan.shape) == ("zyx", (3, 40, 50))
    assert plan.z_um == (-2.3, 0.0, 2.3)
    assert plan.warnings == ()
    stack = np.stack(list(plan.run(DeepZModel(Add()))))
    np.testing.assert_allclose(stack[1], frames().data, atol=1e-2)
    assert stack[0].mean() < stack[1].mean() < stack[2].mean()


def test_frame_by_frame_and_z_by_z() -> None:
    plan = plan_refocus(frames((2, 40, 50)), SYSTEM, (0.0, 5.0))
    assert (plan.axes, plan.shape) == ("tzyx", (2, 2, 40, 50))
    planes = list(plan.run(DeepZModel(Add())))
    assert len(planes) == 4
    np.testing.assert_allclose(planes[0], frames((2, 40, 50)).data[0], atol=1e-2)
    np.testing.assert_allclose(planes[2], frames((2, 40, 50)).data[1], atol=1e-2)


def test_one_plane_and_one_surface_have_no_z_axis() -> None:
    assert plan_refocus(frames(), SYSTEM, (1.5,)).axes == "yx"
    plan = plan_refocus(frames((2, 40, 50)), SYSTEM, tilted(1.0))
    assert (plan.axes, plan.shape, plan.z_um) == ("tyx", (2, 40, 50), None)


def tilted(degrees: float):
    return lambda shape, pixel_um: dpm.tilt(shape, degrees, axis="x", pixel_size_um=pixel_um)


def test_a_surface_is_built_with_the_image_s_pixel_size() -> None:
    plan = plan_refocus(frames(pixel_um=0.65), SYSTEM, tilted(2), mismatch="ignore")
    np.testing.assert_array_equal(
        plan.surfaces[0], dpm.tilt((40, 50), 2, axis="x", pixel_size_um=0.65)
    )


def test_distances_outside_the_range() -> None:
    with pytest.raises(DeepZError, match=r"-12 to \+0 µm.*--clip"):
        plan_refocus(frames(), SYSTEM, (-12.0, 0.0))
    plan = plan_refocus(frames(), SYSTEM, (-12.0, 0.0), clip=True)
    assert plan.z_um == (-10.0, 0.0)
    assert any("50.0%" in line and "±10 µm" in line for line in plan.warnings)
    with pytest.raises(DeepZError, match="--clip"):
        plan_refocus(frames(), SYSTEM, tilted(80))


def test_the_lateral_limit_is_reported() -> None:
    plan = plan_refocus(
        frames((100, 100)), SYSTEM, lambda shape, _: dpm.sinusoid(shape, 30, -4, 4, axis="x")
    )
    assert any("32.5 µm" in line for line in plan.warnings)


def test_pixel_sizes() -> None:
    with pytest.raises(DeepZError, match="0.65 µm.*0.325 µm"):
        plan_refocus(frames(pixel_um=0.65), SYSTEM, (1.0,))
    assert plan_refocus(frames(pixel_um=0.65), SYSTEM, (1.0,), pixel_size_um=0.33).warnings == ()
    unknown = plan_refocus(frames(pixel_um=None), SYSTEM, (1.0,))
    assert unknown.pixel_size_um == 0.325
    assert "--pixel-size" in unknown.warnings[0]


def test_resampled_images_return_to_their_size() -> None:
    y, x = np.mgrid[:40, :60]
    picture = (500 + 400 * np.sin(y / 6) * np.cos(x / 7)).astype(np.float32)
    plan = plan_refocus(Image(picture, "yx", 0.65), SYSTEM, (0.0,), mismatch="resample")
    assert plan.sampling.model_shape == (80, 120)
    (plane,) = plan.run(DeepZModel(Add()))
    np.testing.assert_allclose(plane, picture, atol=8)
    assert any("resampled" in line for line in plan.warnings)


def test_too_small_images() -> None:
    with pytest.raises(DeepZError, match="15 × 40 px;"):
        plan_refocus(frames((15, 40)), SYSTEM, (1.0,))
    with pytest.raises(DeepZError, match="10 × 20 px after resampling"):
        plan_refocus(frames((40, 80), 0.08125), SYSTEM, (1.0,), mismatch="resample")


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.full((40, 50), 7, np.uint16), "every pixel of the image is 7"),
        (np.where(bright(40, 50) > 500, 4095, bright(40, 50)), "saturated at 4095"),
        (np.random.default_rng(0).normal(100, 3, (90, 90)), "times the noise"),
    ],
)
def test_doubtful_images_are_reported(image: np.ndarray, says: str) -> None:
    assert any(says in line for line in image_warnings(image))


def test_a_good_image_is_not() -> None:
    assert image_warnings(bright(40, 50)) == ()
    assert image_warnings(bright(40, 50).astype(np.float32)) == ()


def noisy(ratio: float) -> np.ndarray:
    """Return an image with about this signal over the noise."""
    image = np.random.default_rng(4).normal(100, 10, (90, 90))
    image[::7, ::9] += 10 * ratio
    return image.round().astype(np.uint16)


def test_the_measured_limits_decide_which_signal_is_too_weak(limits) -> None:
    """They fail at 6 times the noise; 5 is the rule where nothing was measured."""
    assert image_warnings(noisy(3.7)) == image_warnings(noisy(9), limits) == ()
    (line,) = image_warnings(noisy(3.7), limits)
    assert "failed below 6 times" in line


def test_a_model_that_never_failed_is_doubted_where_it_was_not_measured(limits) -> None:
    curve = limits.curve("signal")
    points = tuple(point for point in curve.points if point.value >= 1000)
    fine = limits.model_copy(update={"curves": (curve.model_copy(update={"points": points}),)})
    (line,) = image_warnings(noisy(20), fine)
    assert "measured down to 24 times only" in line
    assert image_warnings(noisy(30), fine) == ()


@pytest.mark.parametrize(("factor", "says"), [(0.85, "below 0.88"), (1.0, ""), (1.2, "above 1.1")])
def test_pixels_of_the_wrong_size_are_reported_where_the_model_fails(limits, factor, says) -> None:
    image = frames(pixel_um=factor * SYSTEM.pixel_size_um)
    found = plan_refocus(image, SYSTEM, (1.0,), mismatch="ignore", limits=limits).warnings
    assert (says in found[0] and "--resample" in found[0]) if says else found == ()
    assert plan_refocus(image, SYSTEM, (1.0,), mismatch="ignore").warnings == ()
