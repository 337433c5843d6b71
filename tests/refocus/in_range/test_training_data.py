"""Data to train on, compared with what a model was trained on."""

from __future__ import annotations

from deepz_zoo.records.data_ranges import DataRanges, system_ranges
from deepz_zoo.refocus.in_range import data_warnings
from tests.builders import SYSTEM, training_record

TRAINED = training_record(
    data_ranges={
        "planes": {"background": (90, 400), "signal": (50, 5000), "signal_to_noise": (5, 100)}
    }
)


def test_what_lies_outside_is_named() -> None:
    inside = DataRanges(pixel_size_um=(0.33, 0.33), signal=(60.0, 70.0))
    assert data_warnings(inside, TRAINED) == ()
    here = DataRanges(
        pixel_size_um=(0.65, 0.65),
        numerical_aperture=(0.4, 0.4),
        z_um=(-20, 20),
        background=(1000, 1000),
        signal=(10, 20),
        signal_to_noise=(1, 50),
    )
    assert data_warnings(here, TRAINED) == (
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
    unknown = training_record(data_ranges={})
    assert data_warnings(DataRanges(signal=(1, 1)), unknown) == ()
    assert data_warnings(DataRanges(), TRAINED) == ()


def test_a_system_is_inside_its_own_ranges() -> None:
    assert data_warnings(system_ranges(SYSTEM), TRAINED) == ()
