"""Ranges of the planes of training pairs."""

from __future__ import annotations

import numpy as np

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.records.data_ranges import system_ranges
from deepz_zoo.training.ranges import image_ranges, plane_ranges, source_ranges
from deepz_zoo.training.sources import PreparedPairs


def test_an_image_is_measured_in_its_own_units() -> None:
    """Noise of 4 grey levels on a background of 200, with a bright square of 600 on it."""
    image = np.random.default_rng(0).normal(200, 4, (128, 128))
    image[40:80, 40:80] += 600
    camera = image.round().astype(np.uint16)
    found = image_ranges(camera, intensity_scale(camera))
    assert abs(found.background[0] - 200) < 3
    assert abs(found.signal[0] - 600) < 30
    assert 110 < found.signal_to_noise[0] < 200, "600 / 4"


def test_a_source_has_the_ranges_of_its_planes(dataset, system) -> None:
    source = PreparedPairs(dataset, "training")
    found = source_ranges(source, system)
    images = [dataset.images[0, plane] for plane in range(3)]
    planes = [image_ranges(image, intensity_scale(image)) for image in images]
    assert found.model_dump(exclude_none=True) == {
        **system_ranges(system).model_dump(exclude_none=True), **plane_ranges(planes)
    }  # fmt: skip
