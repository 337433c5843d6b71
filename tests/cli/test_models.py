"""A package's .zip as ``--weights``, and two of them in ``diff``."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from deepz_zoo.models import load_model
from deepz_zoo.network.generator import Generator
from deepz_zoo.package import build
from deepz_zoo.package.build import build_package
from deepz_zoo.zoo import folders
from tests.builders import CONFIG, drawn_example, write_run

pytestmark = pytest.mark.slow

NAME = "leica20x_0.8/TxRd"


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    """Return a package of the weights of `run` that nobody changes."""
    folder = tmp_path_factory.mktemp("package")
    torch.manual_seed(7)
    model, manifest = load_model(write_run(folder / "run", Generator(CONFIG).eval()))
    path = folder / "mine.zip"
    build_package(model, manifest, path, example=drawn_example(manifest.system), test=False)
    return path


@pytest.fixture
def package(built_once, tmp_path):
    """Return a copy of the package of a run's checkpoint, far from the run."""
    return Path(shutil.copy(built_once, tmp_path))


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.tif"
    random = np.random.default_rng(1)
    tifffile.imwrite(path, random.poisson(random.uniform(100, 900, (40, 50))).astype(np.uint16))
    return path


def test_refocus_with_nothing_but_the_package(run_cli, package, run, image, tmp_path):
    outputs = []
    for weights in (package, run / "best.safetensors"):
        output = tmp_path / f"{weights.stem}.tif"
        code, _, err = run_cli("refocus", image, "-o", output, "--weights", weights, "--z", "0,5")
        assert code == 0, err
        outputs.append(tifffile.imread(output))
    np.testing.assert_array_equal(outputs[0], outputs[1])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--z", "12"], "trained from -10 to +10 µm"),
        (["--z", "5", "--pixel-size", "0.65"], "0.65"),
        (["--z", "5", "--objective", "leica20x_0.8/FITC"], f"trained for {NAME}"),
    ],
)
def test_the_package_says_what_is_refused(run_cli, package, image, tmp_path, options, reason):
    output = tmp_path / "out.tif"
    code, out, err = run_cli("refocus", image, "-o", output, "--weights", package, *options)
    assert (code, out) == (2, "")
    assert reason in err
    assert not output.exists()


def test_the_paper_size_is_found_in_the_named_folder(run_cli, run, image, tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPZ_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(folders, "_is_a_clone", lambda folder: False)  # which has such weights
    arguments = ["refocus", image, "--objective", NAME, "--z", "0,5", "--size"]
    code, out, err = run_cli(*arguments, "paper", "-o", tmp_path / "absent.tif")
    assert (code, out) == (2, "")
    assert f"no weights of size paper for {NAME}" in err
    assert len(err.strip().splitlines()) == 1
    for suffix in ("safetensors", "json"):
        shutil.copy(run / f"best.{suffix}", tmp_path / f"leica20x_0.8_TxRd.{suffix}")
    outputs = {}
    for choice in (["--size", "paper"], ["--size", "lite"], ["--weights", run]):
        path = tmp_path / f"{choice[-1]}.tif".replace(str(run), "run")
        code, _, err = run_cli(*arguments[:-1], *choice, "-o", path)
        assert code == 0, err
        outputs[choice[-1]] = tifffile.imread(path)
    np.testing.assert_array_equal(outputs["paper"], outputs[run])
    assert np.abs(outputs["lite"] - outputs["paper"]).max() > 1


@pytest.mark.slow
def test_a_zstack_is_made_from_a_package(run_cli, package, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "make_example", drawn_example)
    monkeypatch.chdir(tmp_path)
    arguments = ["--weights", package, "--variant", "zstack", "--z", "-5:5:5", "--no-test"]
    code, _, err = run_cli("package", *arguments)
    assert code == 0, err
    name = "deepz_leica20x_0.8_TxRd_zstack.zip"
    assert name in (tmp_path / "SHA256SUMS").read_text()
    code, out, err = run_cli("diff", package, name, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["weights"], found["output"]["absolute"]) == ([], 0)
    assert {"place": "config.deepz.planes.z_um", "before": None, "after": [-5, 0, 5]} in found[
        "description"
    ]
    out = run_cli("diff", package, name)[1]
    assert "Output for the test input: differs by 0 grey levels" in out
    assert "same files" in run_cli("diff", package, package)[1]


def test_diff_shows_what_differs_in_long_values(run_cli, package, tmp_path):
    folder = tmp_path / "other"
    zipfile.ZipFile(package).extractall(folder)
    path = folder / "rdf.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("  - virtual-refocusing\n", "  - my-tag\n").replace("0.325 µm", "9.99 µm")
    path.write_text(text, encoding="utf-8")
    code, out, err = run_cli("diff", package, folder)
    assert (code, err) == (0, "")
    assert "['virtual-refocusing']" in out
    assert "['my-tag']" in out
    assert "…0.325 µm pixels" in out
    assert "…9.99 µm pixels" in out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--z", "-5:5:1"], "--z belongs to --variant zstack"),
        (["--variant", "zstack", "--z", "-12:12:1"], "stay inside"),
        (["--variant", "zstack", "--z", "a"], "expected a number"),
        (["--variant", "zstack", "--z", ""], "expected a number"),
        (["--normalization", "plugin"], "has its own normalization"),
    ],
)
def test_wrong_options_of_package(run_cli, package, tmp_path, options, reason):
    code, out, err = run_cli("package", "--weights", package, "-o", tmp_path / "o.zip", *options)
    assert (code, out) == (2, "")
    assert reason in err
    assert len(err.strip().splitlines()) == 1


def test_diff_of_what_is_no_package(run_cli, package, image):
    code, out, err = run_cli("diff", package, image)
    assert (code, out) == (2, "")
    assert "not a zip file" in err


def slips(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", "type: model")
        archive.writestr("../evil.txt", "x")


def bursts(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rdf.yaml", "type: model")
        archive.writestr("zeros", bytes(65 * 2**20))


def unfolds(path):
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", "\n".join(lines))
        archive.writestr("SHA256SUMS", "")


@pytest.mark.parametrize("make", [slips, bursts, unfolds])
@pytest.mark.parametrize("verb", ["verify", "diff", "refocus"])
def test_hostile_packages_are_refused_by_every_verb(run_cli, image, tmp_path, verb, make):
    path = tmp_path / "hostile.zip"
    make(path)
    output = tmp_path / "out.tif"
    arguments = {
        "verify": [path],
        "diff": [path, path],
        "refocus": [image, "-o", output, "--z", "0", "--weights", path],
    }
    before = sorted(tmp_path.parent.iterdir())
    code, out, err = run_cli(verb, *arguments[verb])
    assert (code, out) == (2, "")
    assert str(path) in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(tmp_path.parent.iterdir()) == before
    assert not output.exists()
