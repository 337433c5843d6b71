"""Ranges of data: measured, and compared with those of a model."""

from __future__ import annotations

import numpy as np

from deepz_zoo.training.ranges import (
    DataRanges,
    image_ranges,
    plane_ranges,
    source_ranges,
    system_ranges,
)
from deepz_zoo.training.sources import PreparedPairs

TRAINED = DataRanges(
    pixel_size_um=(0.325, 0.325),
    numerical_aperture=(0.8, 0.8),
    z_um=(-10, 10),
    background=(90, 400),
    signal=(50, 5000),
    signal_to_noise=(5, 100),
)


def test_what_lies_outside_is_named() -> None:
    inside = TRAINED.model_copy(update={"pixel_size_um": (0.33, 0.33), "signal": (60.0, 70.0)})
    assert inside.outside(TRAINED) == ()
    here = DataRanges(
        pixel_size_um=(0.65, 0.65),
        numerical_aperture=(0.4, 0.4),
        z_um=(-20, 20),
        background=(1000, 1000),
        signal=(10, 20),
        signal_to_noise=(1, 50),
    )
    assert here.outside(TRAINED) == (
        "pixels of 0.65 µm, but the model was trained with pixels of 0.325 µm",
        "a numerical aperture of 0.4, but the model was trained with a numerical aperture of 0.8",
        "distances of -20 to 20 µm, but the model was trained with distances of -10 to 10 µm",
        "a background of 1000 grey levels, but the model was trained with a background of "
        "90 to 400 grey levels",
        "a signal of 10 to 20 grey levels, but the model was trained with a signal of "
        "50 to 5000 grey levels",
        "a signal of 1 to 50 times the noise, but the model was trained with a signal of "
        "5 to 100 times the noise",
    )


def test_what_is_not_known_is_not_compared() -> None:
    assert DataRanges(signal=(1, 1)).outside(DataRanges(background=(5, 6))) == ()


def test_an_image_is_measured_in_its_own_units() -> None:
    """Noise of 4 grey levels on a background of 200, with a bright square of 600 on it."""
    image = np.random.default_rng(0).normal(200, 4, (128, 128))
    image[40:80, 40:80] += 600
    found = image_ranges(image.round().astype(np.uint16), pixel_size_um=0.5)
    assert found.pixel_size_um == (0.5, 0.5)
    assert abs(found.background[0] - 200) < 3
    assert abs(found.signal[0] - 600) < 30
    assert 110 < found.signal_to_noise[0] < 200, "600 / 4"


def test_a_source_has_the_ranges_of_its_planes(dataset, system) -> None:
    source = PreparedPairs(dataset, "training")
    found = source_ranges(source, system)
    planes = [image_ranges(dataset.images[0, plane]) for plane in range(3)]
    assert found.model_dump(exclude_none=True) == {
        **system_ranges(system).model_dump(exclude_none=True), **plane_ranges(planes)
    }  # fmt: skip
    assert found.outside(found) == ()
