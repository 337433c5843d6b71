"""Looking metrics up, averaging them and keeping them as JSON."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from deepz_zoo.records.accuracy import METRIC_NAMES, Accuracy, ImageMetrics


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


def test_a_mean_is_taken_of_each_metric_and_rounded(accuracy: Accuracy) -> None:
    rest = {"error_over_rms": 0.5, "ssim": 0.9, "mae": 0.1, "mse": 0.01, "rmse": 0.1}
    metrics = [ImageMetrics(correlation=value, **rest) for value in (0.5, 0.5, 0.6)]
    mean = ImageMetrics.mean_of(metrics)
    assert mean == ImageMetrics(correlation=0.53333, **rest)
    assert set(dict(ImageMetrics.mean_of(accuracy.images))) == set(METRIC_NAMES)
    with pytest.raises(ValueError, match="at least one image"):
        ImageMetrics.mean_of([])
