"""``list`` and ``info``: the same facts as tables for people and as JSON for programs."""

from __future__ import annotations

import json

import pytest

from deepz_zoo.models import load_model
from deepz_zoo.optics import list_systems
from deepz_zoo.records.manifest import Manifest
from deepz_zoo.zoo import list_models

NAMES = [system.name for system in list_systems()]
TRAINED = {manifest.name for manifest in list_models()}


def test_list_shows_every_system_of_the_catalogue_trained_and_measured(run_cli):
    code, out, _ = run_cli("list")
    assert code == 0
    assert len(NAMES) == 6
    for name in NAMES:
        row = next(line for line in out.splitlines() if line.startswith(f"{name} "))
        size, megabytes = ("half", "8.7") if name.endswith("beads") else ("lite", "2.2")
        assert f" {size} {megabytes} " in row
        assert " – " not in row
    assert max(map(len, out.splitlines())) <= 80


def test_list_tells_a_system_without_weights(run_cli, monkeypatch):
    monkeypatch.setattr("deepz_zoo.zoo.list_models", lambda: ())
    code, out, _ = run_cli("list")
    assert code == 0
    assert out.count(" none ") == len(NAMES)


def test_list_as_json(run_cli):
    code, out, _ = run_cli("list", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["name"] for row in rows] == NAMES
    assert {row["name"] for row in rows if row["trained"]} == TRAINED


def test_list_of_names_holds_the_trained_models(run_cli):
    code, out, _ = run_cli("list", "--names")
    assert code == 0
    assert out.splitlines() == [name for name in NAMES if name in TRAINED]


@pytest.mark.parametrize(
    "arguments",
    [
        ["leica20x_0.8/TxRd"],
        ["--objective", "leica20x_0.8", "--channel", "TxRd"],
        ["--objective", "leica20x_0.8/TxRd"],
    ],
)
def test_info_takes_both_ways_of_naming_a_model(run_cli, arguments):
    code, out, _ = run_cli("info", *arguments)
    assert code == 0
    assert "leica20x_0.8/TxRd" in out
    assert "0.325 µm" in out
    assert "615 nm" in out


@pytest.mark.parametrize("name", NAMES)
def test_info_as_json(run_cli, name):
    code, out, _ = run_cli("info", name, "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["name"] == name
    assert facts["trained"] == (name in TRAINED)
    system = facts["system"]
    wavelength, na = (
        system["channel"]["emission_wavelength_um"],
        system["objective"]["numerical_aperture"],
    )
    assert facts["lateral_fwhm_um"] == pytest.approx(0.51 * wavelength / na)


@pytest.fixture
def trained(monkeypatch, run, accuracy) -> Manifest:
    """Put one trained model into the zoo that the commands read."""
    manifest = load_model(run)[1].model_copy(update={"accuracy": accuracy})
    monkeypatch.setattr("deepz_zoo.zoo.list_models", lambda: (manifest,))
    return manifest


def test_list_shows_the_accuracy_of_a_trained_model(run_cli, trained):
    _, out, _ = run_cli("list")
    row = next(line for line in out.splitlines() if trained.name in line)
    assert "custom" in row
    assert "0.88 (5)" in row
    assert "0.88 (10)" in row
    rows = json.loads(run_cli("list", "--json")[1])
    assert rows[0]["correlation"] == {"5": 0.875, "10": 0.875}


@pytest.mark.parametrize("name", sorted(TRAINED))
def test_list_shows_how_large_the_weights_are(run_cli, name):
    (row,) = (row for row in json.loads(run_cli("list", "--json")[1]) if row["name"] == name)
    assert 0 < row["weights_bytes"] <= 10e6
    line = next(line for line in run_cli("list")[1].splitlines() if line.startswith(f"{name} "))
    assert f"{row['weights_bytes'] / 1e6:.1f}" in line


def test_info_shows_training_and_accuracy_of_a_trained_model(run_cli, trained):
    code, out, _ = run_cli("info", trained.name)
    assert code == 0
    for expected in (
        trained.sha256,
        trained.training.command,
        "beads, nuclei",
        "0.875",
        "Richardson–Lucy",
        "0.81 (0.56–1.06)",
        "10.1038/s41592-019-0622-5",
    ):
        assert expected in out


def test_info_as_json_holds_the_whole_manifest(run_cli, trained):
    facts = json.loads(run_cli("info", trained.name, "--json")[1])
    assert Manifest.model_validate(facts["manifest"]) == trained


def test_info_is_honest_about_the_weights(run_cli, trained):
    out = " ".join(run_cli("info", trained.name)[1].split())
    assert "simulated wide-field stacks" in out
    assert "not the weights of the method's authors" in out
    assert "refocuses the wrong way" in out


def test_info_shows_where_a_trained_model_fails(run_cli, trained, monkeypatch, limits):
    measured = trained.model_copy(update={"limits": limits})
    monkeypatch.setattr("deepz_zoo.zoo.list_models", lambda: (measured,))
    out = run_cli("info", trained.name)[1]
    row = next(line for line in out.splitlines() if "brightest pixel" in line and "│" in line)
    assert "1000 to 10000" in row
    assert row.split("│")[4].strip() == "100"
    assert "it fails below 100 e⁻" in " ".join(out.split())


def test_a_system_without_weights_says_how_to_get_them(run_cli, monkeypatch):
    monkeypatch.setattr("deepz_zoo.zoo.list_models", lambda: ())
    name = NAMES[-1]
    code, out, _ = run_cli("info", name)
    assert code == 0
    assert f"deepz-zoo train {name}" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["leica20x_0.8/TxRed"],
        ["leica20x_0.8"],
        ["--objective", "leica20x", "--channel", "TxRd"],
    ],
)
def test_an_unknown_name_is_told_the_nearest(run_cli, arguments):
    code, out, err = run_cli("info", *arguments)
    assert (code, out) == (2, "")
    assert "leica20x_0.8/TxRd" in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
