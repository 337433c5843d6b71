"""Looking figures up, printing them and keeping them as JSON."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from deepz_zoo.records.accuracy import Accuracy


def test_a_lookup_is_the_mean_of_both_directions(accuracy: Accuracy) -> None:
    changed = [
        row.model_copy(update={"correlation": 0.5}) if row.dz_um == -5 else row
        for row in accuracy.images
    ]
    two_sided = accuracy.model_copy(update={"images": tuple(changed)})
    assert two_sided.correlation(dz=5, noise="low") == pytest.approx((0.875 + 0.5) / 2)
    assert two_sided.correlation(dz=-5) == two_sided.correlation(dz=5)
    assert accuracy.correlation(dz=10, noise="realistic", method="input") == 0.5
    assert accuracy.error_over_rms(dz=5) == 0.4375
    assert accuracy.ssim(dz=0) == 0.9375
    assert accuracy.value("rmse", dz=0, method="blank") == 0.125


def test_what_was_not_measured_is_named(accuracy: Accuracy) -> None:
    with pytest.raises(KeyError, match=r"\|dz\|=3 µm.*\[0.0, 5.0, 10.0\]"):
        accuracy.correlation(dz=3)
    with pytest.raises(KeyError, match="specimen=nuclei"):
        accuracy.value("ssim", dz=5, specimen="nuclei")


def test_it_survives_json(accuracy: Accuracy) -> None:
    assert Accuracy.model_validate_json(accuracy.model_dump_json()) == accuracy


def test_it_is_frozen(accuracy: Accuracy) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        accuracy.seeds = (1,)  # type: ignore[misc]


def test_what_was_measured_is_listed(accuracy: Accuracy) -> None:
    assert accuracy.noises == ("low", "realistic")
    assert accuracy.methods == ("model", "blank", "input", "richardson_lucy")
    assert accuracy.distances_um == (0, 5, 10)
    assert [row.beads for row in accuracy.bead_rows()] == [17]
    assert accuracy.bead_rows(noise="realistic") == ()


def test_markdown_holds_a_line_for_each_method_and_distance(accuracy: Accuracy) -> None:
    text = accuracy.to_markdown()
    assert "| 5 | model | 0.875 | 0.438 | 0.938 | 0.0625 | 0.1250 |" in text
    assert "| low | +5 | model | 17 | 0.81 (0.56–1.06) | – | 0.81 (0.56–1.06) | 2 |" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    # Two noises with heading, rule, 3 distances × 4 methods; the beads' heading, rule, row.
    assert len(tables) == 2 * (2 + 12) + 3
    assert len({line.replace(r"\|", "").count("|") for line in tables[:28]}) == 1
