"""Fig. 5 with a model that is perfect, and axial widths by closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.experiments import cross_modality
from deepz_zoo.experiments.axial_width import axial_widths, bright_places
from deepz_zoo.experiments.catalogue import get_experiment
from deepz_zoo.experiments.cross_modality import CrossModalityResult
from deepz_zoo.optics import get_system
from tests.evaluation.stand_ins import Identity
from tests.experiments.stand_ins import Perfect, subject

PLUS = get_system("leica63x_1.4/FITC")


def test_a_gaussian_along_z_has_its_width() -> None:
    z, sigma = np.arange(31), 4.0
    stack = np.zeros((31, 8, 8))
    stack[:, 2, 5] = 3 * np.exp(-((z - 14) ** 2) / (2 * sigma**2))
    (width,) = axial_widths(stack, np.array([[2, 5]]), 0.2)
    assert width == pytest.approx(2 * np.sqrt(2 * np.log(2)) * sigma * 0.2, rel=0.01)


def test_light_at_all_depths_is_as_wide_as_the_stack() -> None:
    stack = np.full((13, 4, 4), 2.0)
    stack[6] = 2.1
    assert axial_widths(stack, np.array([[1, 1]]), 0.2) == pytest.approx([12 * 0.2])


def test_bright_places_are_those_whose_focus_lies_within() -> None:
    stack = np.zeros((5, 40, 40))
    stack[2, 10, 12], stack[3, 30, 25], stack[0, 20, 30] = 3, 2, 9
    assert bright_places(stack, 10).tolist() == [[10, 12], [30, 25]]
    assert bright_places(stack, 1).tolist() == [[10, 12]]


def test_a_perfect_model_makes_the_confocal_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_modality, "PLACES", 5)
    result = get_experiment("cross-modality").run(replace(subject(Perfect()), system=PLUS))
    assert isinstance(result, CrossModalityResult)
    _, refocused, confocal = result.volumes
    assert np.array_equal(refocused, confocal)
    assert all(row.refocused.correlation == pytest.approx(1) for row in result.rows())
    assert result.rows()[0].wide_field.rmse < result.rows()[0].input.rmse
    width = {each.modality: each.width_um for each in result.widths}
    assert width["Deep-Z+"] == width["confocal"]
    figure = get_experiment("cross-modality").plot(result)
    assert len(figure.axes) == 12


def test_a_model_of_wide_field_images_is_refused() -> None:
    with pytest.raises(DeepZError, match=r"expected one that makes confocal planes .*leica63x"):
        get_experiment("cross-modality").run(subject(Identity()))


def test_by_default_the_model_is_of_deep_z_plus() -> None:
    assert get_system(get_experiment("cross-modality").model).confocal is not None
