"""Metrics that are measured again are compared with those that are stated."""

from __future__ import annotations

import pytest

from deepz_zoo.errors import CheckFailed, DeepZError
from deepz_zoo.evaluation import reproduction
from deepz_zoo.evaluation.reproduction import check_agreement, repeat_benchmark
from deepz_zoo.progress import no_progress
from deepz_zoo.records.accuracy import Accuracy
from deepz_zoo.records.manifest import Manifest
from tests.builders import tiny_model


def scaled(accuracy: Accuracy, factor: float, metric: str = "rmse", row: int = 3) -> Accuracy:
    """Return the accuracy with one metric of one row changed."""
    images = list(accuracy.images)
    images[row] = images[row].model_copy(update={metric: factor * getattr(images[row], metric)})
    return accuracy.model_copy(update={"images": tuple(images)})


def test_the_same_metrics_agree(accuracy: Accuracy) -> None:
    assert check_agreement(accuracy, accuracy) == 0


def test_two_percent_are_allowed(accuracy: Accuracy) -> None:
    assert check_agreement(accuracy, scaled(accuracy, 1.019)) == pytest.approx(0.019)


@pytest.mark.parametrize("metric", ["correlation", "error_over_rms", "ssim", "mae", "mse", "rmse"])
def test_one_metric_that_is_off_is_named(accuracy: Accuracy, metric: str) -> None:
    factor = 0.9 if metric == "ssim" else 1.2
    with pytest.raises(CheckFailed, match=rf"1 of \d+ metrics .* most {metric} \(low noise"):
        check_agreement(accuracy, scaled(accuracy, factor, metric))


def test_beads_count(accuracy: Accuracy) -> None:
    (bead,) = accuracy.beads
    flux = bead.flux.model_copy(update={"median": 0.5})
    other = accuracy.model_copy(update={"beads": (bead.model_copy(update={"flux": flux}),)})
    with pytest.raises(CheckFailed, match=r"flux \(beads, low noise, Δz \+5 µm, model\): 0.8125"):
        check_agreement(accuracy, other)
    # Every fit diverged before, and one does not now.
    found = accuracy.model_copy(update={"beads": (bead.model_copy(update={"fwhm": bead.flux}),)})
    with pytest.raises(CheckFailed, match="fwhm"):
        check_agreement(accuracy, found)


def test_missing_metrics_are_named(accuracy: Accuracy) -> None:
    fewer = accuracy.model_copy(update={"images": accuracy.images[1:]})
    with pytest.raises(CheckFailed, match="6 such metrics"):
        check_agreement(accuracy, fewer)


def test_the_measurement_is_repeated_as_it_was(
    manifest: Manifest, accuracy: Accuracy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}
    monkeypatch.setattr(reproduction, "evaluate", lambda model, system, **rest: asked.update(rest))
    repeat_benchmark(tiny_model(), manifest.model_copy(update={"accuracy": accuracy}))
    assert asked == {
        "seeds": accuracy.seeds, "specimens": accuracy.specimens, "noise": "both",
        "settings": accuracy.settings, "progress": no_progress,
    }  # fmt: skip


def test_metrics_of_another_version_do_not_compare(manifest: Manifest, accuracy: Accuracy) -> None:
    old = accuracy.model_copy(update={"benchmark_version": 0, "code_version": "0.0.3"})
    with pytest.raises(
        DeepZError, match=r"version 0, here is version 2; use the deepz-zoo 0\.0\.3"
    ):
        repeat_benchmark(tiny_model(), manifest.model_copy(update={"accuracy": old}))


def test_weights_without_an_accuracy_have_nothing_to_compare_with(manifest: Manifest) -> None:
    with pytest.raises(DeepZError, match="these weights state no accuracy"):
        repeat_benchmark(tiny_model(), manifest)
