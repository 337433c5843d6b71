"""Fig. S18 by its closed form."""

from __future__ import annotations

import pytest

from deepz_zoo.experiments.catalogue import get_experiment
from deepz_zoo.experiments.photodamage import PhotodamageResult, scan_row
from tests.evaluation.stand_ins import Identity
from tests.experiments.stand_ins import subject


@pytest.mark.parametrize("planes", [1, 2, 41])
def test_within_the_range_the_factor_is_the_number_of_planes(planes: int) -> None:
    row = scan_row(planes, z_step_um=0.5, half_range_um=10)
    assert (row.images, row.factor) == (1, planes)
    left = 1.0
    for _ in range(planes):
        left *= 0.99
    assert row.left_by_scan == pytest.approx(left)
    assert row.left_by_images == pytest.approx(0.99)


@pytest.mark.parametrize(("planes", "images"), [(42, 2), (81, 2), (82, 3)])
def test_beyond_the_range_an_image_is_taken_for_each_range(planes: int, images: int) -> None:
    row = scan_row(planes, z_step_um=0.5, half_range_um=10)
    assert (row.images, row.factor) == (images, planes / images)


def test_the_papers_scans_are_in_the_table() -> None:
    result = get_experiment("photodamage").run(subject(Identity()))
    assert isinstance(result, PhotodamageResult)
    assert [row.planes for row in result.rows()] == list(range(1, 82))
    assert result.range_planes == 41
    assert result.rows()[-1].depth_um == 40
    assert [finding.ours for finding in result.findings()][:2] == ["41", "40.5"]
    assert "N_z" in result.formula
