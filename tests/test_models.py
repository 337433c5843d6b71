"""One function loads a model, whatever names it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import deepz_zoo
from deepz_zoo.errors import DeepZError
from deepz_zoo.models import load_model

NAME = "leica20x_0.8/TxRd"


def test_a_name_a_checkpoint_and_a_package_load_alike(run, built):
    model, manifest = load_model(NAME.upper())
    assert (manifest.name, manifest.size, model.training) == (NAME, "lite", False)
    assert manifest.accuracy is not None
    for path in (run, run / "best.safetensors", str(run), str(run / "best.safetensors")):
        _, found = load_model(path)
        assert (found.name, found.accuracy, found.training.seed) == (NAME, None, 3)
    for path in (built, str(built)):
        assert load_model(path)[1].name == NAME


def test_weights_take_the_place_of_those_of_the_zoo(run, built):
    for weights in (run, str(run), built):
        assert load_model(NAME, weights=weights)[1] == load_model(weights)[1]
        with pytest.raises(
            DeepZError, match="trained for leica20x_0.8/TxRd, but .*/FITC was asked"
        ):
            load_model("leica20x_0.8/FITC", weights=weights)


def test_a_folder_that_is_named_like_a_model_is_not_taken_for_it(tmp_path, monkeypatch):
    (tmp_path / NAME).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert load_model(NAME)[1].size == "lite"


def test_another_normalization_leaves_the_metrics_out(run):
    model, manifest = load_model(NAME, normalization="plugin")
    assert (manifest.normalization, manifest.accuracy, manifest.limits) == ("plugin", None, None)
    own, _ = load_model(NAME)
    image = torch.rand(1, 2, 32, 32) * 1000
    assert not torch.equal(model(image), own(image))
    assert load_model(NAME, normalization="paper")[1] == load_model(NAME)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "neither a model nor weights are named"),
        ({"name_or_path": "nothing/here"}, "leica20x_0.8/TxRd"),
        ({"name_or_path": Path("no.zip")}, "no.zip does not exist"),
        ({"weights": "no.safetensors"}, "no such file"),
        ({"weights": ""}, "an empty name"),
        ({"name_or_path": " "}, "an empty name"),
    ],
)
def test_what_names_nothing_is_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeepZError, match=message) as error:
        load_model(**arguments)
    assert "\n" not in str(error.value)


def test_a_package_keeps_its_normalization(built):
    with pytest.raises(DeepZError, match="has its own normalization; leave `normalization` out"):
        load_model(built, normalization="plugin")


def test_the_library_is_imported_when_it_is_used():
    code = (
        "import sys, deepz_zoo\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'scipy', 'skimage', 'tifffile', 'click'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "deepz_zoo.list_models()\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_the_library_offers_is_there():
    for name in deepz_zoo.__all__:
        assert getattr(deepz_zoo, name) is not None
    assert set(dir(deepz_zoo)) >= set(deepz_zoo.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        deepz_zoo.nothing  # noqa: B018
