"""Weights in the store: they come back as they went in, and nothing else is accepted."""

from __future__ import annotations

import hashlib
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from deepz_zoo.errors import DeepZError
from deepz_zoo.models import load_model
from deepz_zoo.optics import get_system
from deepz_zoo.records.training import StartRecord, TrainingRecord
from deepz_zoo.zoo.store import (
    add_model,
    get_manifest,
    list_models,
    weights_bytes,
    weights_of_size,
)

NAME = "leica20x_0.8/TxRd"


@pytest.fixture
def zoo(tmp_path, run, accuracy):
    folder = tmp_path / "weights"
    add_model(run, accuracy, folder=folder)
    return folder


def same_weights(model, generator) -> bool:
    loaded, expected = model.generator.state_dict(), generator.state_dict()
    return loaded.keys() == expected.keys() and all(
        torch.equal(loaded[key], expected[key]) for key in expected
    )


def test_an_embedded_model_comes_back_as_it_went_in(zoo, generator, accuracy):
    model, manifest = load_model(NAME, folder=zoo)
    assert same_weights(model, generator.half().float())
    assert not model.training
    assert (manifest.name, manifest.size, manifest.accuracy) == (NAME, "custom", accuracy)
    assert list_models(zoo) == (manifest,)
    assert sorted(path.name for path in zoo.iterdir()) == [
        "leica20x_0.8_TxRd.json",
        "leica20x_0.8_TxRd.safetensors",
    ]
    weights = (zoo / "leica20x_0.8_TxRd.safetensors").read_bytes()
    assert manifest.sha256 == hashlib.sha256(weights).hexdigest()


def test_names_are_the_same_in_upper_and_lower_case(zoo):
    assert get_manifest("LEICA20X_0.8/txrd", zoo).name == NAME


@pytest.mark.parametrize("named", ["folder", "file", "text"])
def test_a_checkpoint_loads_without_a_zoo(run, generator, tmp_path, named):
    path = {"folder": run, "file": run / "best.safetensors", "text": f"{run}/best.safetensors"}
    model, manifest = load_model(path[named], folder=tmp_path / "empty")
    assert same_weights(model, generator)
    assert (manifest.name, manifest.accuracy, manifest.training.seed) == (NAME, None, 3)


def test_a_checkpoint_that_began_with_other_weights_loads(run):
    """Its record names files with their hashes, as a manifest does."""
    path = run / "best.json"
    record = TrainingRecord.model_validate_json(path.read_bytes())
    start = StartRecord(weights=NAME, system=NAME, sha256="0" * 64, training_data="simulated")
    path.write_text(record.model_copy(update={"start": start}).model_dump_json(), encoding="utf-8")
    assert load_model(run)[1].training.start == start


def test_an_entry_of_a_zoo_is_a_checkpoint_too(zoo, accuracy):
    _, manifest = load_model(zoo / "leica20x_0.8_TxRd.safetensors")
    assert manifest.accuracy == accuracy


def test_weights_stand_in_for_those_of_a_model(run, tmp_path):
    _, manifest = load_model(NAME, weights=run, folder=tmp_path / "empty")
    assert manifest.name == NAME
    assert load_model(None, weights=run)[1] == manifest
    with pytest.raises(DeepZError, match="trained for leica20x_0.8/TxRd, but leica20x_0.8/FITC"):
        load_model("leica20x_0.8/FITC", weights=run)


def test_an_unknown_name_is_told_the_nearest(zoo):
    with pytest.raises(DeepZError, match="leica20x_0.8/TxRd"):
        load_model("leika20x_0.8/TxRed", folder=zoo)


def test_a_known_system_without_weights_is_told_what_is_trained(zoo):
    with pytest.raises(
        DeepZError, match="no weights for 'leica63x_1.4/FITC'; trained models: leica20x"
    ):
        load_model("leica63x_1.4/FITC", folder=zoo)


def test_replaced_weights_are_refused(zoo):
    path = zoo / "leica20x_0.8_TxRd.safetensors"
    tensors = load_file(path)
    first = next(iter(tensors))
    save_file({**tensors, first: tensors[first] + 1}, path)
    with pytest.raises(DeepZError, match="SHA-256"):
        load_model(NAME, folder=zoo)


def test_truncated_weights_are_refused(run):
    path = run / "best.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DeepZError, match="best.safetensors"):
        load_model(run)


def test_a_manifest_that_is_not_one_is_refused(zoo):
    (zoo / "leica20x_0.8_TxRd.json").write_text('{"sha256": "x"}', encoding="utf-8")
    with pytest.raises(DeepZError, match=r"TxRd\.json: not a Manifest"):
        list_models(zoo)


def test_a_record_that_is_not_one_is_refused(run):
    (run / "best.json").write_text("steps: 10", encoding="utf-8")
    with pytest.raises(DeepZError, match=r"best\.json: not a TrainingRecord"):
        load_model(run)


def test_a_missing_record_is_named(run):
    (run / "best.json").unlink()
    with pytest.raises(DeepZError, match=r"best\.json is missing"):
        load_model(run)


def test_a_pickle_is_never_opened(tmp_path):
    class Opened:
        def __reduce__(self):
            return pytest.fail, ("the checkpoint was unpickled",)

    path = tmp_path / "last.ckpt"
    path.write_bytes(pickle.dumps(Opened()))
    with pytest.raises(DeepZError, match="safetensors files only"):
        load_model(path)
    disguised = tmp_path / "best.safetensors"
    path.rename(disguised)
    with pytest.raises(DeepZError):
        load_model(disguised)


def test_the_accuracy_of_another_system_is_refused(run, accuracy, tmp_path):
    other = accuracy.model_copy(update={"system_name": "leica20x_0.8/FITC"})
    with pytest.raises(DeepZError, match="the accuracy is of leica20x_0.8/FITC"):
        add_model(run, other, folder=tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


def test_limits_are_embedded_with_the_model(run, accuracy, limits, tmp_path):
    add_model(run, accuracy, limits, folder=tmp_path / "weights")
    assert get_manifest(NAME, tmp_path / "weights").limits == limits
    other = limits.model_copy(update={"system_name": "leica20x_0.8/FITC"})
    with pytest.raises(DeepZError, match="the limits are of leica20x_0.8/FITC"):
        add_model(run, accuracy, other, folder=tmp_path / "weights")


@pytest.mark.parametrize("manifest", list_models(), ids=lambda manifest: manifest.name)
def test_what_ships_loads_and_names_itself(manifest):
    model, loaded = load_model(manifest.name)
    assert loaded == manifest
    assert get_system(manifest.name).name == manifest.name
    assert manifest.accuracy is not None
    assert model.dpm_scale_um == manifest.dpm_scale_um
    assert weights_bytes(manifest) <= 10e6


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Return the folders in which weights of the published size are looked for."""
    found = tmp_path / "named", tmp_path / "cache"
    monkeypatch.setattr("deepz_zoo.zoo.store.weights_folders", lambda: found)
    return found


@pytest.mark.parametrize("place", [0, 1])
def test_paper_weights_are_taken_from_the_first_folder_that_has_them(folders, run, accuracy, place):
    for folder in folders[place:]:
        add_model(run, accuracy, folder=folder)
    assert (
        weights_of_size("LEICA20X_0.8/txrd", "paper")
        == folders[place] / "leica20x_0.8_TxRd.safetensors"
    )
    assert load_model(NAME, weights=weights_of_size(NAME, "paper"))[1].accuracy == accuracy


def test_missing_paper_weights_are_told_where_to_put_them(folders):
    with pytest.raises(DeepZError, match="no weights of size paper") as raised:
        weights_of_size(NAME, "paper")
    for expected in (*map(str, folders), "leica20x_0.8_TxRd.safetensors", "DEEPZ_WEIGHTS"):
        assert expected in str(raised.value)


def test_paper_weights_are_those_of_the_manifest_beside_them(folders, run, accuracy):
    add_model(run, accuracy, folder=folders[0])
    path = folders[0] / "leica20x_0.8_TxRd.safetensors"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DeepZError, match="damaged or replaced; its SHA-256"):
        weights_of_size(NAME, "paper")
    path.with_suffix(".json").unlink()
    with pytest.raises(DeepZError, match=r"TxRd\.json is missing"):
        weights_of_size(NAME, "paper")


def test_other_sizes_lie_in_folders_of_their_own(tmp_path, run, accuracy):
    manifest = add_model(run, accuracy, folder=tmp_path)
    usual = tmp_path / "leica20x_0.8_TxRd.safetensors"
    assert weights_of_size(NAME, manifest.size, tmp_path) == usual
    with pytest.raises(DeepZError, match=f"no weights of size half .* has size {manifest.size}"):
        weights_of_size(NAME, "half", tmp_path)
    add_model(run, accuracy, folder=tmp_path / "half")
    assert weights_of_size(NAME, "half", tmp_path) == tmp_path / "half" / usual.name
    assert [model.name for model in list_models(tmp_path)] == [NAME], "one model of a name"
