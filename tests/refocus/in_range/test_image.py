"""All that is said of one image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepz_zoo.images import Image
from deepz_zoo.refocus import image_warnings


@pytest.fixture
def image() -> Image:
    camera = np.random.default_rng(4).normal(100, 3, (40, 50)).round()
    camera[::7, ::9] += 2000
    return Image(camera.astype(np.uint16), "yx", 0.325)


def test_nothing_is_said_of_an_image_in_range(image, manifest) -> None:
    assert image_warnings(image, manifest) == ()


def test_everything_that_is_wrong_is_said(image, manifest) -> None:
    camera = np.minimum(image.data, 255).astype(np.uint8)
    wrong = Image(camera, "yx", immersion="Oil", numerical_aperture=1.3, emission_um=(0.4,))
    sampling, *optics, saturated = image_warnings(wrong, manifest)
    assert "pixel size" in sampling
    assert len(optics) == 3
    assert "saturated at 255" in saturated


def test_the_first_frame_of_a_series_is_measured(image, manifest) -> None:
    series = replace(image, data=np.stack([image.data, 0 * image.data]), axes="tyx")
    assert image_warnings(series, manifest) == ()


def test_the_pixel_size_that_is_given_counts(image, manifest, limits) -> None:
    measured = manifest.model_copy(update={"limits": limits})
    (line,) = image_warnings(image, measured, pixel_size_um=0.25)
    assert "0.769 times the model's" in line
    assert image_warnings(image, measured, pixel_size_um=0.25, resampled=True) == ()
