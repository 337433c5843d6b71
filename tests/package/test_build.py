"""The package as its readers see it: bioimageio, ONNX Runtime, and the rules of Fiji's runner."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import tifffile
from bioimageio.core import test_model as bioimageio_test
from imageio.v3 import imread

from deepz_zoo import dpm
from deepz_zoo.errors import CheckFailed, DeepZError
from deepz_zoo.package import build
from deepz_zoo.package.build import build_package
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.simulate import SimulatedStack
from deepz_zoo.zoo.examples import make_example, tilted_surface
from tests.builders import read_yaml

pytestmark = pytest.mark.slow

IJ_JAR = Path("/usr/share/java/ij.jar")


@pytest.fixture(scope="session")
def description(unpacked):
    return read_yaml(unpacked / FILES.description)


@pytest.mark.slow
def test_bioimageio_passes_every_format(built):
    summary = bioimageio_test(built)
    assert summary.status == "passed"
    reproduced = [d.name for d in summary.details if d.name.startswith("Reproduce")]
    assert len(reproduced) == 3
    shapes = [d.name for d in summary.details if "size parameter" in d.name]
    assert len(shapes) == 3 * 6


@pytest.mark.slow
def test_tested_build_reports_small_differences(model, manifest, example, tmp_path):
    path = tmp_path / "tested.zip"
    steps: list[str] = []

    def progress(step: str, done: float = 0, total: int = 0) -> None:
        steps.append(step)

    package = build_package(model, manifest, path, example=example, progress=progress)
    assert package.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert package.size_bytes == path.stat().st_size
    assert {d.weight_format for d in package.differences} == {
        "onnx",
        "pytorch_state_dict",
        "torchscript",
    }
    assert all(d.difference.relative < 1e-5 for d in package.differences)
    assert steps[-1] == "testing every weight format"


@pytest.mark.slow
def test_nothing_is_left_of_a_package_that_fails_its_tests(
    model, manifest, example, tmp_path, monkeypatch
):
    def export_other(other, path):
        import copy

        other = copy.deepcopy(other)
        other.generator.last.bias.data += 1.0
        from deepz_zoo.network.graph.export import export_onnx

        export_onnx(other, path)

    monkeypatch.setattr(build, "export_onnx", export_other)
    with pytest.raises(CheckFailed, match=r"Reproduce test outputs from test inputs \(onnx\)"):
        build_package(model, manifest, tmp_path / "bad.zip", example=example)
    assert list(tmp_path.iterdir()) == []


def test_output_that_is_no_image_is_refused(model, manifest, example, tmp_path):
    import copy

    bad = copy.deepcopy(model)
    bad.generator.last.bias.data.fill_(-1e3)
    with pytest.raises(DeepZError, match="is the training complete"):
        build_package(bad, manifest, tmp_path / "bad.zip", example=example)
    assert list(tmp_path.iterdir()) == []


def test_existing_file_is_kept(model, manifest, example, tmp_path):
    path = tmp_path / "a.zip"
    path.write_text("mine")
    with pytest.raises(DeepZError, match="set `overwrite`"):
        build_package(model, manifest, path, example=example)
    assert path.read_text() == "mine"


def test_second_build_has_the_same_files(built, model, manifest, example, tmp_path):
    build_package(model, manifest, tmp_path / built.name, example=example, test=False)
    with zipfile.ZipFile(built) as one, zipfile.ZipFile(tmp_path / built.name) as two:
        assert one.namelist() == two.namelist()
        # TorchScript numbers its classes anew in one process, and what states its hash follows.
        follows = {FILES.torchscript, FILES.checksums, FILES.description}
        for name in set(one.namelist()) - follows:
            assert one.read(name) == two.read(name), name


def test_no_file_tells_where_it_was_built(unpacked):
    here = str(Path(build.__file__).parents[2]).encode()
    for file in unpacked.iterdir():
        assert here not in file.read_bytes(), file.name


# What Fiji's model runner (JDLL) and ilastik need, one line each.
def test_shape_is_0_5_10(description):
    assert description["format_version"] == "0.5.10"
    assert description["documentation"] == "README.md"
    assert description["covers"] == ["cover.png"]
    assert re.fullmatch(r"[a-z0-9_.-]+", description["id"])
    assert re.fullmatch(r"[A-Za-z0-9_+\- ()]{5,64}", description["name"])
    assert len(description["description"]) <= 512
    assert description["timestamp"].startswith("2026-02-03")


def test_one_input_and_one_output_with_named_axes(description):
    (given,), (made,) = description["inputs"], description["outputs"]
    assert (given["id"], made["id"]) == ("input", "output")
    for tensor, channels in ((given, ["fluorescence", "dpm"]), (made, ["fluorescence"])):
        assert [axis["id"] for axis in tensor["axes"]] == ["batch", "channel", "y", "x"]
        assert tensor["axes"][1]["channel_names"] == channels
        assert not any("scale" in axis or "halo" in axis for axis in tensor["axes"])
        assert not tensor.get("preprocessing")
        assert not tensor.get("postprocessing")
    for axis in given["axes"][2:]:
        size = axis["size"]
        assert size == {"min": 16, "step": 1}
    assert given["data"][1]["unit"] == "µm"
    assert given["data"][1]["range"] == [-10.0, 10.0]


def test_nothing_needs_the_network(unpacked, description):
    assert "http" not in (unpacked / FILES.description).read_text(encoding="utf-8")
    assert not any("github_user" in author for author in description["authors"])
    assert "maintainers" not in description


def test_weights_are_what_old_engines_read(unpacked, description):
    model = onnx.load(unpacked / FILES.onnx, load_external_data=False)
    assert max(entry.version for entry in model.opset_import) == 17
    assert model.ir_version <= 8
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    assert [bool(d.dim_param) for d in dimensions] == [True, False, True, True]
    weights = description["weights"]
    assert set(weights) == {"onnx", "pytorch_state_dict", "torchscript"}
    assert [name for name, entry in weights.items() if "parent" not in entry] == [
        "pytorch_state_dict"
    ]


def test_tensors_reveal_swapped_axes_and_channels(unpacked):
    tensor = np.load(unpacked / FILES.test_input)
    assert tensor.dtype == np.float32
    image, surface = tensor[0]
    assert image.shape[0] != image.shape[1]
    for flipped in (image[::-1], image[:, ::-1], image[::-1, ::-1]):
        assert np.corrcoef(image.ravel(), flipped.ravel())[0, 1] < 0.9
    assert np.ptp(surface[0]) > 1
    assert np.ptp(surface[:, 0]) > 1
    assert abs(surface.mean()) > 0.5
    assert np.abs(surface).max() <= 10


def test_sample_tensors_open_as_calibrated_hyperstacks(unpacked):
    with tifffile.TiffFile(unpacked / FILES.sample_input) as tif:
        assert tif.is_imagej
        assert tif.series[0].axes == "CYX"
        np.testing.assert_array_equal(tif.asarray(), np.load(unpacked / FILES.test_input)[0])
        numerator, denominator = tif.pages[0].tags["XResolution"].value
        assert denominator / numerator == pytest.approx(0.325, rel=1e-4)
    output = tifffile.imread(unpacked / FILES.sample_output)
    np.testing.assert_array_equal(output, np.load(unpacked / FILES.test_output)[0, 0])


def test_cover_is_small_and_twice_as_wide_as_high(unpacked):
    cover = imread(unpacked / FILES.cover)
    assert cover.shape[1] == 2 * cover.shape[0]
    assert (unpacked / FILES.cover).stat().st_size < 500_000
    assert np.std(cover) > 10


def test_readme_says_what_a_user_needs(unpacked, manifest):
    readme = (unpacked / FILES.readme).read_text(encoding="utf-8")
    assert re.search("^#+ Validation$", readme, re.M)
    section = readme.split("## DPM channel")[1].split("\n## ")[0]
    for word in ("counted from 0", "µm", "positive", "-10 to +10 µm", "32.5 µm", "newImage"):
        assert word in section, word
    assert manifest.provenance in readme
    assert "not measured" in readme
    assert "10.1038/s41592-019-0622-5" in readme
    assert "$" not in readme.replace("$name", "")


def test_python_example_of_the_readme_runs(built, tmp_path, monkeypatch):
    shutil.copy(built, tmp_path)
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(built) as archive:
        readme = archive.read(FILES.readme).decode()
    (code,) = re.findall("```python\n(.*?)```", readme, re.S)
    names: dict[str, np.ndarray] = {}
    exec(code, names)
    assert names["refocused"].shape == names["image"].shape
    assert np.isfinite(names["refocused"]).all()


@pytest.mark.skipif(not IJ_JAR.is_file(), reason="needs Debian's imagej")
@pytest.mark.skipif(shutil.which("java") is None, reason="needs Java")
@pytest.mark.java
def test_macro_builds_the_same_surface_in_imagej(unpacked, tmp_path):
    macro = (unpacked / FILES.surface_macro).read_text(encoding="utf-8")
    macro = macro.replace("tilt_x_degrees = 0", "tilt_x_degrees = -1.5")
    macro = macro.replace("tilt_y_degrees = 0", "tilt_y_degrees = 4")
    lines = [line for line in macro.splitlines() if "exit and display" not in line]
    y, x = np.mgrid[:30, :44]
    image = 1000 * x + 7 * y
    # ImageJ's open() needs a screen.
    draw = (
        'newImage("image", "16-bit black", 44, 30, 1);\n'
        "for (y = 0; y < 30; y++) for (x = 0; x < 44; x++) setPixel(x, y, 1000 * x + 7 * y);\n"
    )
    save = f'save("{tmp_path}/out.tif");\n'
    (tmp_path / "run.ijm").write_text(draw + "\n".join([*lines, save]))
    command = ["java", "-Djava.awt.headless=true", "-jar", str(IJ_JAR), "-ijpath", str(tmp_path)]
    subprocess.run(
        [*command, "-batch", str(tmp_path / "run.ijm")], check=True, timeout=60, capture_output=True
    )
    result = tifffile.imread(tmp_path / "out.tif")
    np.testing.assert_array_equal(result[0], image)
    tilts = dpm.Tilt(-1.5, axis="y", offset_um=5), dpm.Tilt(4, axis="x")
    expected = sum(tilt.dpm(image.shape, 0.325) for tilt in tilts)
    np.testing.assert_allclose(result[1], expected, atol=1e-4)


def test_surface_stays_within_the_range_of_every_system():
    from deepz_zoo.optics import list_systems

    for system in list_systems():
        surface = tilted_surface(system, (64, 96))
        assert np.abs(surface).max() <= system.z_range_um
        assert np.ptp(surface) > system.z_range_um
        assert (surface != 0).mean() > 0.9


@pytest.mark.slow
def test_simulated_example():
    from deepz_zoo.optics import get_system

    example = make_example(get_system("leica20x_0.8/TxRd"), (32, 48))
    assert example.tensor.shape == (1, 2, 32, 48)
    assert isinstance(example.stack, SimulatedStack)
    assert example.stack.seed >= 1_000_000
    np.testing.assert_array_equal(example.image, np.rint(example.image))
