from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.package.build import build_package
from deepz_zoo.package.checks.diff import Change, diff_packages
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.package.contents.variants import Variant

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def other_model(model) -> DeepZModel:
    """Return the model with one weight moved by a known amount."""
    changed = copy.deepcopy(model)
    changed.generator.last.bias.data += 0.25
    return changed


def build(path: Path, model, manifest, example, variant: Variant = Variant()) -> Path:  # noqa: B008
    build_package(model, manifest, path, variant=variant, example=example, test=False)
    return path


def test_package_and_its_folder_are_the_same(built, unpacked):
    found = diff_packages(built, unpacked)
    assert found.same
    assert found.description == found.weights == found.accuracy == ()
    assert found.output is not None
    assert found.output.absolute == 0


def test_changed_weight_is_found_and_its_effect_measured(
    built, other_model, manifest, example, tmp_path
):
    other = build(tmp_path / built.name, other_model, manifest, example)
    found = diff_packages(built, other)
    (change,) = found.weights
    assert change.place == "generator.last.bias"
    assert change.after == pytest.approx(0.25)
    assert {FILES.state_dict, FILES.onnx} <= {change.place for change in found.files}
    assert FILES.manifest not in {change.place for change in found.files}
    # a bias of the last layer moves every pixel by as much, in units of the image's scale
    outputs = [np.load(folder_of(path, tmp_path) / FILES.test_output) for path in (built, other)]
    expected = np.abs(outputs[1] - outputs[0]).max()
    assert found.output is not None
    assert found.output.absolute == pytest.approx(expected, rel=1e-4)


def folder_of(path: Path, tmp_path: Path) -> Path:
    import zipfile

    folder = tmp_path / f"{path.parent.name}-{path.stem}"
    zipfile.ZipFile(path).extractall(folder)
    return folder


@pytest.mark.slow
def test_changed_description_and_accuracy(built, model, manifest, example, accuracy, tmp_path):
    remark = manifest.training.model_copy(update={"date": "2026-03-04"})
    later = manifest.model_copy(update={"training": remark, "accuracy": accuracy})
    found = diff_packages(built, build(tmp_path / built.name, model, later, example))
    places = {change.place: change for change in found.description}
    assert places["timestamp"].after == "2026-03-04T00:00:00+00:00"
    assert places["config.deepz.provenance.date"] == Change(
        "config.deepz.provenance.date", "2026-02-03", "2026-03-04"
    )
    assert not any("accuracy" in place or "sha256" in place for place in places)
    assert Change("correlation at 5 µm, low noise", None, 0.875) in found.accuracy
    assert found.weights == ()


@pytest.mark.slow
def test_variants_of_the_same_weights(built, model, manifest, example, tmp_path):
    zstack = build(tmp_path / "z.zip", model, manifest, example, Variant((0.0, 5.0)))
    for pair in ((built, zstack), (zstack, built)):
        found = diff_packages(*pair)
        assert found.weights == ()
        assert found.output is not None
        assert found.output.absolute == 0
        assert "config.deepz.variant" in {change.place for change in found.description}


@pytest.mark.slow
def test_network_of_another_size(built, manifest, example, tmp_path):
    torch.manual_seed(0)
    config = manifest.generator.model_copy(update={"levels": 3})
    generator = Generator(config)
    generator.last.weight.data.abs_()
    larger = manifest.model_copy(update={"generator": config})
    other = build(tmp_path / "larger.zip", DeepZModel(generator).eval(), larger, example)
    shapes = {change.place: change.before for change in diff_packages(built, other).weights}
    assert shapes["generator.down.2.conv1.weight"] is None


def test_other_models_are_compared_as_far_as_possible(unpacked, folder):
    (folder / FILES.manifest).unlink()
    found = diff_packages(unpacked, folder)
    assert [change.place for change in found.files] == [FILES.manifest]
    assert found.output is None
    assert "manifest.json" in found.remark
