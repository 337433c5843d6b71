"""The authors' weights: imported, they compute what TensorFlow computes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from skimage.filters import threshold_triangle
from torch import nn

from deepz_zoo.cards.text import card_text
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import read_image
from deepz_zoo.models import load_model
from deepz_zoo.network.config import RELEASED
from deepz_zoo.network.generator import Generator
from deepz_zoo.optics import get_system
from deepz_zoo.records.manifest import AUTHORS_LICENSE, Manifest
from deepz_zoo.records.training import StartRecord, TrainingRecord
from deepz_zoo.zoo.authors.tensorflow_checkpoint import TensorFlowCheckpoint
from deepz_zoo.zoo.authors.weights import find_originals, guess_system, import_original

SYSTEM = get_system("leica20x_0.8/TxRd")


def largest_difference(generator: nn.Module, results: Path) -> float:
    """Compare with what TensorFlow made of its inputs, relative to the largest value."""
    stored = np.load(results)
    names = [name.removesuffix("_in") for name in stored.files if name.endswith("_in")]
    assert names
    worst = 0.0
    for name in names:
        tensor = torch.from_numpy(stored[f"{name}_in"]).permute(2, 0, 1)[None].contiguous()
        with torch.inference_mode():
            found = generator(tensor)[0, 0].numpy()
        expected = stored[f"{name}_out"]
        worst = max(worst, np.abs(found - expected).max() / np.abs(expected).max())
    return worst


def imported(folder: Path, path: Path, **options: bool) -> Generator:
    import_original(folder, SYSTEM, path, **options)
    generator = load_model(None, weights=path)[0].generator
    assert isinstance(generator, Generator)
    return generator


def test_a_frozen_model_computes_what_tensorflow_computed(original: Path, tmp_path: Path) -> None:
    generator = imported(original, tmp_path / "model.safetensors")
    assert largest_difference(generator, original / "results.npz") < 1e-5


@pytest.mark.parametrize(
    ("levels", "width", "sizes"),
    [(6, 16, ("32x32", "64x96", "160x32")), (4, 8, ("8x8", "72x40"))],
)
def test_it_computes_what_tensorflow_computes(
    tensorflow, tmp_path: Path, levels: int, width: int, sizes: tuple[str, ...]
) -> None:
    folder = tensorflow("model", "--levels", levels, "--width", width, "--sizes", *sizes)
    generator = imported(folder, tmp_path / "model.safetensors")
    assert largest_difference(generator, folder / "results.npz") < 1e-5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_picture_comes_out_as_by_the_plugin(tensorflow, run_cli, tmp_path: Path, dtype) -> None:
    """The plugin's steps, written down again, around the graph that TensorFlow runs."""
    rng = np.random.default_rng(3)
    image = rng.poisson(40, (64, 96)).astype(dtype)
    image[10:20, 15:70] += 150
    imageio.imwrite(tmp_path / "image.png", image)
    fg = np.sort(image[image > threshold_triangle(image) + 1])
    normalized = (image - np.median(image)) / fg[int(0.99 * fg.size)]
    inputs = {f"{z}": np.dstack([normalized, np.full(image.shape, z / 10)]) for z in (-4, 3)}
    arrays: Any = {k: v.astype(np.float32) for k, v in inputs.items()}
    np.savez(tmp_path / "in.npz", **arrays)
    folder = tensorflow("model", "--levels", 4, "--width", 8, "--images", tmp_path / "in.npz")
    words = ["refocus", tmp_path / "image.png", "-o", tmp_path / "out.tif", "--z", "-4,3"]
    imported(folder, tmp_path / "model.safetensors")
    weights = ("--weights", tmp_path / "model.safetensors")
    assert run_cli(*words, *weights, "--like-plugin")[0] == 0

    highest = np.iinfo(dtype).max
    results = np.load(folder / "results.npz")
    for plane, z in zip(read_image(tmp_path / "out.tif").data, (-4, 3), strict=True):
        output = results[f"{z}_out"].astype(np.float64) * highest
        assert np.unique(plane).size > 20
        assert plane.dtype == dtype
        # equal but for ties of rounding, which are as wide as what float32 leaves open
        open_levels = 3e-6 * np.abs(output).max()
        assert open_levels < 0.5
        assert np.abs(plane - np.clip(output, 0, highest)).max() < 0.5 + open_levels


@pytest.mark.slow
def test_the_true_width(tensorflow, tmp_path: Path) -> None:
    """77.8 million parameters, 311,211,632 bytes, in less than 2 GB of memory."""
    folder = tensorflow("Leica_20X0.8_worm_TxRd", "--sizes", "32x32", "96x64")
    data = folder / "variables" / "variables.data-00000-of-00001"
    assert data.stat().st_size == 311_211_632
    # Not ru_maxrss, which begins with what the process that started this one had in memory.
    script = (
        "import sys; from deepz_zoo.cli.main import main; main(sys.argv[1:])\n"
        "status = open('/proc/self/status')\n"
        "print(*[line.split()[1] for line in status if line.startswith('VmHWM')])"
    )
    words = ["import", folder, "-o", tmp_path / "model.safetensors", "--yes"]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout.split()[-1]) < 2_000_000  # kB
    model, manifest = load_model(None, weights=tmp_path / "model.safetensors")
    assert (manifest.generator, manifest.size) == (RELEASED, "released")
    assert largest_difference(model.generator, folder / "results.npz") < 1e-5


def test_the_manifest_says_whose_the_weights_are(original: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    import_original(original, SYSTEM, path)
    model, manifest = load_model(path)
    assert (manifest.name, manifest.training, manifest.license) == (
        SYSTEM.name,
        None,
        AUTHORS_LICENSE,
    )
    for name, digest in manifest.imported.sha256.items():
        source = original / "variables" / name
        assert digest == hashlib.sha256(source.read_bytes()).hexdigest()
    card = card_text(manifest)
    assert AUTHORS_LICENSE in card
    assert "not the weights of the method's authors" not in card
    assert "Leica_20X0.8_worm_TxRd" in card
    assert not model.training


def test_half_the_size_and_what_it_costs(original: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    loss = import_original(original, SYSTEM, path, half=True).loss
    assert {weights.dtype for weights in load_file(path).values()} == {torch.float16}
    assert 1e-5 < loss.weights < 2**-11  # half the last bit of float16
    generator = load_model(path)[0].generator
    # the largest difference at one pixel, beside the rms of all
    assert 0.1 < largest_difference(generator, original / "results.npz") / loss.output < 10


@pytest.mark.parametrize(
    ("folder", "name", "reach"),
    [
        ("Leica_20X0.8_worm_TxRd", "leica20x_0.8/TxRd", 10),
        ("Leica_20X0.8_worm_FITC", "leica20x_0.8/FITC", 10),
        ("Leica_40X1.4_worm_TxRd", "leica40x_1.3/TxRd", 4),
        ("Olympus_20X0.75_worm_TxRd", "olympus20x_0.75/TxRd", 10),
        ("Olympus_20X0.75_beads_TxRd", "olympus20x_0.75/TxRd-beads", 10),
    ],
)
def test_the_folder_names_the_system(folder: str, name: str, reach: float) -> None:
    system = guess_system(Path("Models") / folder)
    assert (system.name, system.z_range_um) == (name, reach)


@pytest.mark.parametrize("folder", ["model", "Nikon_20X0.8_worm_TxRd", "Leica_20X0.8_worm_DAPI"])
def test_no_guess_without_ground(folder: str) -> None:
    assert guess_system(Path(folder)) is None


def test_the_40x_reaches_as_far_as_it_was_trained(original: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    manifest = import_original(original, get_system("leica40x_1.3/TxRd"), path).manifest
    assert manifest.system.z_range_um == 2.7
    assert load_model("leica40x_1.3/TxRd", weights=path)[1] == manifest


@pytest.mark.parametrize("named", [".", "variables", "..", "../.."])
def test_models_are_found_from_any_folder_near_them(
    original: Path, tmp_path: Path, named: str
) -> None:
    (tmp_path / "download" / "Data").mkdir(parents=True)
    model = original.rename(tmp_path / "download" / "Data" / original.name)
    (found,) = find_originals((model / named).resolve())
    assert found == model


def test_a_folder_without_models(tmp_path: Path) -> None:
    with pytest.raises(DeepZError, match="no model in it; expected folders such as"):
        find_originals(tmp_path)
    with pytest.raises(DeepZError, match="no such folder"):
        find_originals(tmp_path / "missing")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Generator/last_layer/filters", None, "Generator/last_layer/filters missing"),
        ("Generator/up0/conv0/biases", "Generator/up0/conv0/bias", "biases missing; found"),
        (None, "Generator/up7/conv0/biases", "Generator/up7/conv0/biases is not a part of it"),
        (None, "Discriminator/weights", None),
    ],
)
def test_names(original: Path, tmp_path: Path, monkeypatch, old, new, says) -> None:
    from deepz_zoo.zoo.authors import weights as module

    class Renamed(TensorFlowCheckpoint):
        def __init__(self, prefix: Path) -> None:
            super().__init__(prefix)
            variable = self.variables.pop(old) if old else self.variables[min(self.variables)]
            if new:
                self.variables[new] = variable

    monkeypatch.setattr(module, "TensorFlowCheckpoint", Renamed)
    path = tmp_path / "model.safetensors"
    if says is None:
        import_original(original, SYSTEM, path)
        return
    with pytest.raises(DeepZError, match=says):
        import_original(original, SYSTEM, path)
    assert not list(tmp_path.glob("model*"))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("Generator/down1/conv2/filters", (3, 3, 4, 3)),
        ("Generator/up1/conv0/filters", (3, 3, 8, 4)),
        ("Generator/up0/conv1/biases", (4,)),
        ("Generator/down0/conv1/filters", ()),
    ],
)
def test_shapes(original: Path, tmp_path: Path, monkeypatch, name, shape) -> None:
    from dataclasses import replace

    from deepz_zoo.zoo.authors import weights as module

    class Reshaped(TensorFlowCheckpoint):
        def __init__(self, prefix: Path) -> None:
            super().__init__(prefix)
            self.variables[name] = replace(self.variables[name], shape=shape)

    monkeypatch.setattr(module, "TensorFlowCheckpoint", Reshaped)
    with pytest.raises(DeepZError, match=f"{name} has the shape .*; the released Deep-Z network"):
        import_original(original, SYSTEM, tmp_path / "model.safetensors")
    assert not list(tmp_path.glob("model*"))


@pytest.mark.parametrize(("value", "says"), [(np.nan, "holds NaN"), (1e5, "too large for float16")])
def test_values(original: Path, tmp_path: Path, monkeypatch, value, says) -> None:
    def read(self, name):
        return np.full(self.variables[name].shape, value, np.float32)

    monkeypatch.setattr(TensorFlowCheckpoint, "read", read)
    with pytest.raises(DeepZError, match=says):
        import_original(original, SYSTEM, tmp_path / "model.safetensors", half=True)
    assert not list(tmp_path.glob("model*"))


def test_a_training_that_begins_with_them_is_under_their_terms(run: Path) -> None:
    path = run / "best.json"
    record = TrainingRecord.model_validate_json(path.read_bytes())
    start = StartRecord(
        weights="authors.safetensors",
        system=SYSTEM.name,
        sha256="0" * 64,
        training_data="measured",
        license=AUTHORS_LICENSE,
    )
    path.write_text(record.model_copy(update={"start": start}).model_dump_json(), encoding="utf-8")
    manifest = load_model(run)[1]
    assert manifest.restricted
    assert "It began with weights of the method's authors" in manifest.provenance
    assert "not to be redistributed" in manifest.provenance


def test_weights_are_trained_or_imported(original: Path, tmp_path: Path) -> None:
    manifest = import_original(original, SYSTEM, tmp_path / "model.safetensors").manifest
    with pytest.raises(ValidationError, match="either trained or imported"):
        Manifest.model_validate({**manifest.model_dump(), "imported": None})
