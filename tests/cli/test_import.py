"""``import``, and what the other verbs do with what it wrote."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import onnxruntime
import pytest
import torch

from deepz_zoo.images import Image, read_image, write_image
from deepz_zoo.intensities.plugin_normalization import plugin_grey_levels, plugin_intensity_scale
from deepz_zoo.models import load_model
from deepz_zoo.package import build
from deepz_zoo.records.manifest import AUTHORS_LICENSE
from tests.builders import drawn_example

pytestmark = pytest.mark.slow

ORIGINAL = Path(__file__).parents[1] / "zoo" / "authors" / "data" / "Leica_20X0.8_worm_TxRd"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Return a folder of two models."""
    folder = tmp_path / "Models"
    for name in (ORIGINAL.name, "Leica_40X1.4_worm_TxRd"):
        shutil.copytree(ORIGINAL, folder / name)
    return folder


@pytest.fixture
def weights(run_cli, tmp_path: Path) -> Path:
    path = tmp_path / "authors.safetensors"
    assert run_cli("import", ORIGINAL, "-o", path, "--yes")[0] == 0
    return path


def test_every_model_of_a_folder(run_cli, models: Path, tmp_path: Path) -> None:
    code, out, err = run_cli("import", models, "-o", tmp_path / "out", "--yes", "--half")
    assert (code, err) == (0, "")
    assert "not to be redistributed" in out
    assert "float16 changes the weights by" in out
    for name, system in (
        (ORIGINAL.name, "leica20x_0.8/TxRd"),
        ("Leica_40X1.4_worm_TxRd", "leica40x_1.3/TxRd"),
    ):
        assert system in out
        path = tmp_path / "out" / f"{name}.safetensors"
        assert load_model(path)[1].name == system
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_a_guess_is_confirmed(run_cli, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.safetensors"
    code, out, err = run_cli("import", ORIGINAL, "-o", path)
    assert (code, out) == (2, "")
    assert "Leica HC PL APO 20x/0.80 DRY" in err
    assert "--yes" in err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    assert run_cli("import", ORIGINAL, "-o", path)[0] == 0
    assert path.exists()


def test_a_named_model_needs_no_confirmation(run_cli, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ORIGINAL, tmp_path / "unnamed"))
    path = tmp_path / "a.safetensors"
    words = ["import", folder, "-o", path]
    code, _, err = run_cli(*words)
    assert code == 2
    assert "does not tell the objective" in err
    assert run_cli(*words, "--objective", "leica20x_0.8", "--channel", "FITC")[0] == 0
    assert load_model(path)[1].name == "leica20x_0.8/FITC"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["MODELS"], "--output"),
        (["MODELS", "-o", "a.safetensors", "--yes"], "one file for 2 models"),
        (["MODELS", "-o", "out", "--objective", "leica20x_0.8/TxRd"], "names one model, but"),
        (["missing", "-o", "out"], "no such folder"),
        (["MODELS", "-o", "out", "--objective", "leica21x"], "unknown objective"),
    ],
)
def test_wrong_usage_is_one_line(run_cli, models, tmp_path, monkeypatch, arguments, says) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    if "leica21x" in arguments:
        shutil.rmtree(models / "Leica_40X1.4_worm_TxRd")
    words = [models if word == "MODELS" else word for word in arguments]
    code, out, err = run_cli("import", *words)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert set(tmp_path.iterdir()) == before


def test_an_existing_file_is_kept(run_cli, weights: Path) -> None:
    before = weights.read_bytes()
    code, _, err = run_cli("import", ORIGINAL, "-o", weights, "--yes", "--half")
    assert (code, weights.read_bytes()) == (2, before)
    assert "--overwrite" in err


def test_a_package_asks_for_the_license_and_states_it(
    run_cli, weights: Path, tmp_path: Path, monkeypatch
) -> None:
    path = tmp_path / "package.zip"
    words = ["package", "--weights", weights, "-o", path, "--no-test"]
    code, _, err = run_cli(*words)
    assert code == 2
    assert AUTHORS_LICENSE in err
    assert "--accept-license" in err
    assert not path.exists()

    monkeypatch.setattr(build, "make_example", drawn_example)
    assert run_cli(*words, "--accept-license", "--normalization", "plugin")[0] == 0
    with zipfile.ZipFile(path) as package:
        description, readme, manifest = (
            package.read(name).decode() for name in ("rdf.yaml", "README.md", "manifest.json")
        )
    assert "\nlicense:" not in description
    assert "not to be redistributed" in description
    assert AUTHORS_LICENSE in readme
    assert "integer grey levels, those of the authors' Fiji plugin for 16-bit images" in readme
    assert '"normalization": "plugin"' in manifest


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_refocus_like_the_plugin(run_cli, weights: Path, tmp_path: Path, dtype) -> None:
    rng = np.random.default_rng(0)
    image = rng.poisson(60, (24, 40)).astype(dtype)
    image[5:9, 5:30] += 120
    iio.imwrite(tmp_path / "image.png", image)
    words = ["refocus", tmp_path / "image.png", "--weights", weights, "--z", "-3,2"]
    code, _, err = run_cli(*words, "-o", tmp_path / "out.tif", "--like-plugin")
    assert code == 0, err
    result = read_image(tmp_path / "out.tif").data
    assert result.dtype == dtype

    generator = load_model(weights)[0].generator
    normalized = plugin_intensity_scale(image).apply(image)
    for plane, z in zip(result, (-3, 2), strict=True):
        dpm = np.full_like(normalized, z) / np.float32(10)
        with torch.inference_mode():
            output = generator(torch.from_numpy(np.stack([normalized, dpm]))[None])[0, 0].numpy()
        expected = plugin_grey_levels(output, 8 * image.dtype.itemsize)
        assert np.unique(expected).size > 20
        assert np.abs(plane.astype(int) - expected).max() <= 1
        assert np.mean(plane != expected) < 0.01


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--like-plugin", "--resample"], "--resample"),
        (["--imagej-1.52"], "belongs to --like-plugin"),
        (["--like-plugin"], "type float32; the plugin's normalization is for 8- and 16-bit"),
    ],
)
def test_like_the_plugin_is_refused(run_cli, weights, tmp_path, arguments, says) -> None:
    pixels = np.random.default_rng(0).gamma(2, 500, (20, 20)).astype(np.float32)
    write_image(tmp_path / "a.tif", Image(pixels, "yx", 0.325))
    words = ["refocus", tmp_path / "a.tif", "-o", tmp_path / "b.tif", "--weights", weights]
    code, _, err = run_cli(*words, "--z", "1", *arguments)
    assert code == 2
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "b.tif").exists()


def test_export_with_the_normalization_of_the_plugin(run_cli, weights, tmp_path) -> None:
    path = tmp_path / "model.onnx"
    words = ["export", "--weights", weights, "--format", "onnx", "-o", path]
    assert run_cli(*words, "--normalization", "plugin-8bit")[0] == 0
    tensor = np.random.default_rng(1).integers(0, 255, (1, 2, 20, 30)).astype(np.float32)
    tensor[:, 1] /= 100
    (output,) = onnxruntime.InferenceSession(path).run(None, {"input": tensor})
    assert (output.min(), output.max()) >= (0, 1)
    assert output.max() <= 255
    np.testing.assert_array_equal(output, output.round())


def test_a_failed_import_leaves_nothing(run_cli, models: Path, tmp_path: Path) -> None:
    next((models / "Leica_40X1.4_worm_TxRd" / "variables").glob("*.data*")).unlink()
    code, _, err = run_cli("import", models, "-o", tmp_path / "new" / "authors", "--yes")
    assert code == 2
    assert "Leica_40X1.4_worm_TxRd" in err
    assert list(tmp_path.iterdir()) == [models]


def test_an_import_never_replaces_a_file_beside_the_weights(run_cli, tmp_path: Path) -> None:
    other = tmp_path / "a.json"
    other.write_text("of the user")
    code, _, err = run_cli("import", ORIGINAL, "-o", tmp_path / "a.safetensors", "--yes")
    assert code == 2
    assert "a.json exists; name another file or set --overwrite" in err
    assert other.read_text() == "of the user"
    assert list(tmp_path.iterdir()) == [other]
