from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from deepz_zoo.dpm import Plane, Sinusoid, Tilt
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.records.manifest import Manifest
from deepz_zoo.refocus import plan_refocus
from tests.builders import CONFIG, SYSTEM, training_record

MANIFEST = Manifest(
    size="custom", system=SYSTEM, generator=CONFIG, training=training_record(), sha256="0" * 64
)


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
    plan = plan_refocus(frames(), MANIFEST, (-2.3, 0.0, 2.3))
    assert (plan.axes, plan.shape) == ("zyx", (3, 40, 50))
    assert plan.z_um == (-2.3, 0.0, 2.3)
    assert plan.warnings == ()
    stack = np.stack(list(plan.run(DeepZModel(Add()))))
    np.testing.assert_allclose(stack[1], frames().data, atol=1e-2)
    assert stack[0].mean() < stack[1].mean() < stack[2].mean()


def test_frame_by_frame_and_z_by_z() -> None:
    plan = plan_refocus(frames((2, 40, 50)), MANIFEST, (0.0, 5.0))
    assert (plan.axes, plan.shape) == ("tzyx", (2, 2, 40, 50))
    planes = list(plan.run(DeepZModel(Add())))
    assert len(planes) == 4
    np.testing.assert_allclose(planes[0], frames((2, 40, 50)).data[0], atol=1e-2)
    np.testing.assert_allclose(planes[2], frames((2, 40, 50)).data[1], atol=1e-2)


def test_one_plane_and_one_surface_have_no_z_axis() -> None:
    assert plan_refocus(frames(), MANIFEST, (1.5,)).axes == "yx"
    plan = plan_refocus(frames((2, 40, 50)), MANIFEST, Tilt(1.0, axis="x"))
    assert (plan.axes, plan.shape, plan.z_um) == ("tyx", (2, 40, 50), None)


def test_a_plane_is_a_distance() -> None:
    plan = plan_refocus(frames(), MANIFEST, Plane(2.5))
    assert (plan.targets, plan.z_um, plan.surface) == ((2.5,), (2.5,), None)


@pytest.mark.parametrize(
    ("shape", "target", "says"),
    [
        ((40, 50), (1.5,), "50 × 40 px, z = +1.5 µm"),
        ((2, 40, 50), (-2.0, 0.0, 2.0), "2 frames, 3 planes, 50 × 40 px, z = -2 to +2 µm"),
        ((40, 50), Tilt(1.5), "50 × 40 px, onto a plane tilted by 1.5° around y"),
    ],
)
def test_a_plan_says_what_it_does(shape, target, says: str) -> None:
    assert str(plan_refocus(frames(shape), MANIFEST, target)) == says


def test_a_surface_is_built_with_the_image_s_pixel_size() -> None:
    plan = plan_refocus(frames(pixel_um=0.65), MANIFEST, Tilt(2, axis="x"), mismatch="ignore")
    np.testing.assert_array_equal(plan.targets[0], Tilt(2, axis="x").dpm((40, 50), 0.65))
    assert np.asarray(plan.targets[0]).strides == (4, 0)  # columns are the same, and held once


def test_distances_outside_the_range() -> None:
    with pytest.raises(DeepZError, match=r"-12 to \+0 µm.*`clip`"):
        plan_refocus(frames(), MANIFEST, (-12.0, 0.0))
    plan = plan_refocus(frames(), MANIFEST, (-12.0, 0.0), clip=True)
    assert plan.z_um == (-10.0, 0.0)
    assert any("50.0%" in line and "±10 µm" in line for line in plan.warnings)
    with pytest.raises(DeepZError, match="`clip`"):
        plan_refocus(frames(), MANIFEST, Tilt(80, axis="x"))


def test_the_lateral_limit_is_reported() -> None:
    plan = plan_refocus(frames((100, 100)), MANIFEST, Sinusoid(30, -4, 4))
    assert any("32.5 µm" in line for line in plan.warnings)


def test_pixel_sizes() -> None:
    with pytest.raises(DeepZError, match="0.65 µm.*0.325 µm"):
        plan_refocus(frames(pixel_um=0.65), MANIFEST, (1.0,))
    assert plan_refocus(frames(pixel_um=0.65), MANIFEST, (1.0,), pixel_size_um=0.33).warnings == ()
    unknown = plan_refocus(frames(pixel_um=None), MANIFEST, (1.0,))
    assert unknown.pixel_size_um == 0.325
    assert "`pixel_size_um`" in unknown.warnings[0]


def test_resampled_images_return_to_their_size() -> None:
    y, x = np.mgrid[:40, :60]
    picture = (500 + 400 * np.sin(y / 6) * np.cos(x / 7)).astype(np.float32)
    plan = plan_refocus(Image(picture, "yx", 0.65), MANIFEST, (0.0,), mismatch="resample")
    assert plan.sampling.model_shape == (80, 120)
    (plane,) = plan.run(DeepZModel(Add()))
    np.testing.assert_allclose(plane, picture, atol=8)
    assert any("resampled" in line for line in plan.warnings)


def test_too_small_images() -> None:
    with pytest.raises(DeepZError, match="15 × 40 px;"):
        plan_refocus(frames((15, 40)), MANIFEST, (1.0,))
    with pytest.raises(DeepZError, match="10 × 20 px after resampling"):
        plan_refocus(frames((40, 80), 0.08125), MANIFEST, (1.0,), mismatch="resample")


@pytest.mark.parametrize(("factor", "says"), [(0.85, "below 0.88"), (1.0, ""), (1.2, "above 1.1")])
def test_pixels_of_the_wrong_size_are_reported_where_the_model_fails(limits, factor, says) -> None:
    image = frames(pixel_um=factor * SYSTEM.pixel_size_um)
    measured = MANIFEST.model_copy(update={"limits": limits})
    found = plan_refocus(image, measured, (1.0,), mismatch="ignore").warnings
    assert (says in found[0] and "`resample`" in found[0]) if says else found == ()
    assert plan_refocus(image, MANIFEST, (1.0,), mismatch="ignore").warnings == ()
