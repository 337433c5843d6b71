"""The catalogue against the paper and the theory of resolution."""

from __future__ import annotations

import pydantic
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.optics import get_system, list_systems

# Depth of field λn/NA² and 0.51 λ/NA, in µm, worked out by hand from the lens data.
THEORY = {
    "leica20x_0.8/TxRd": (0.96, 0.392),
    "leica20x_0.8/FITC": (0.82, 0.335),
    "leica40x_1.3/TxRd": (0.55, 0.241),
    "olympus20x_0.75/TxRd": (1.09, 0.418),
    "olympus20x_0.75/TxRd-beads": (1.09, 0.418),
    "leica63x_1.4/FITC": (0.41, 0.191),
}


def test_systems_with_the_resolution_of_theory() -> None:
    assert {s.name for s in list_systems()} == set(THEORY)
    for system in list_systems():
        depth_of_field, fwhm = THEORY[system.name]
        assert system.depth_of_field_um == pytest.approx(depth_of_field, abs=0.006)
        assert system.lateral_fwhm_um == pytest.approx(fwhm, abs=0.001)


@pytest.mark.parametrize("arguments", [("leica20x_0.8", "TxRd"), ("leica20x_0.8/TxRd",)])
def test_both_ways_to_name_a_system(arguments: tuple[str, ...]) -> None:
    system = get_system(*arguments)
    assert system.name == "leica20x_0.8/TxRd"
    assert (system.pixel_size_um, system.z_range_um, system.z_step_um) == (0.325, 10, 0.5)


def test_the_two_mounts_of_the_olympus_have_aberrations_of_opposite_sign() -> None:
    worm, beads = (get_system(f"olympus20x_0.75/{channel}") for channel in ("TxRd", "TxRd-beads"))
    assert worm.objective == beads.objective
    thickness = [system.aberrations.coverslip_um[0] for system in (worm, beads)]
    assert thickness[0] >= 170 > thickness[1]
    assert worm.aberrations.depth_um[0] > 0 == beads.aberrations.depth_um[0]


def test_one_system_makes_confocal_planes() -> None:
    assert [s.name for s in list_systems() if s.confocal] == ["leica63x_1.4/FITC"]


def test_unknown_name_answers_with_the_nearest() -> None:
    with pytest.raises(DeepZError, match=r"leica20x_0.9/TxRd.*nearest: leica20x_0.8/TxRd"):
        get_system("leica20x_0.9", "TxRd")


def test_a_system_cannot_be_changed() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        get_system("leica20x_0.8/TxRd").pixel_size_um = 1.0  # type: ignore[misc]
