"""``deepz-zoo fiji`` as a user types it, and ``prepare`` with the steps of Fiji."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from deepz_zoo.cli.fiji import doctor as doctor_command
from deepz_zoo.fiji.doctor import PURPOSES
from deepz_zoo.fiji.install import install
from deepz_zoo.images import Image, read_image, write_image
from deepz_zoo.preprocess.dataset.storage import open_dataset

pytestmark = pytest.mark.java


@pytest.fixture
def stack(tmp_path):
    """Return the file of a stack of one scene that drifts by 1 px a plane to the left."""
    rng = np.random.default_rng(3)
    scene = rng.normal(100, 3, (96, 96))
    for y, x in rng.integers(20, 76, (40, 2)):
        scene[y - 2 : y + 3, x - 2 : x + 3] += 800
    # sharpest in the middle plane, as a stack through focus
    planes = [
        np.roll(100 + (scene - 100) * (1 - 0.08 * abs(step)), -step, axis=1)
        for step in range(-5, 6)
    ]
    path = tmp_path / "stack.tif"
    data = np.stack(planes).astype(np.uint16)
    write_image(path, Image(data, "zyx", 0.325, 0.5), style="imagej")
    return path


def test_align(run_cli, imagej_folder, stack, tmp_path):
    output = tmp_path / "aligned.tif"
    code, out, err = run_cli("fiji", "align", stack, "-o", output, "--fiji", imagej_folder)
    assert (code, out, err) == (0, f"{output}\n", "")
    before, after = read_image(stack), read_image(output)
    assert (after.axes, after.pixel_size_um, after.z_step_um) == ("zyx", 0.325, 0.5)
    moved = np.abs(np.diff(after.data[:, :, 10:-10].astype(float), axis=0)).mean()
    assert moved < 0.5 * np.abs(np.diff(before.data[:, :, 10:-10].astype(float), axis=0)).mean()
    code, _, err = run_cli("fiji", "align", stack, "-o", output, "--fiji", imagej_folder)
    assert code == 2
    assert "exists; name another file or set --overwrite" in err


def test_align_from_another_plane(run_cli, imagej_folder, stack, tmp_path):
    output = tmp_path / "first.tif"
    arguments = ("-o", output, "--fiji", imagej_folder, "--anchor", 1)
    assert run_cli("fiji", "align", stack, *arguments)[0] == 0
    assert (read_image(output).data[0] == read_image(stack).data[0]).all()


def test_edf_keeps_calibration_and_channel(run_cli, imagej_folder, stack, tmp_path):
    source, output = tmp_path / "source.ome.tif", tmp_path / "edf.ome.tif"
    write_image(source, replace(read_image(stack), channel_names=("red",)))
    assert run_cli("fiji", "edf", source, "-o", output, "--fiji", imagej_folder)[0] == 0
    after = read_image(output)
    assert (after.axes, after.pixel_size_um, after.z_step_um) == ("yx", 0.325, None)
    assert after.channel_names == ("red",)


def test_edf_with_its_height_map(run_cli, imagej_folder, stack, tmp_path):
    output, height = tmp_path / "edf.tif", tmp_path / "height.tif"
    arguments = ("-o", output, "--height", height, "--fiji", imagej_folder, "--set", "rate=0.1")
    code, out, err = run_cli("fiji", "edf", stack, *arguments)
    assert (code, out, err) == (0, f"{output}\n{height}\n", "")
    data = read_image(stack).data
    assert (read_image(output).data == data.max(axis=0)).all()
    assert (read_image(height).data == data.argmax(axis=0) + 1).all()


@pytest.mark.parametrize("command", ["compare", "parity"])
def test_compare(run_cli, imagej_folder, stack, command):
    arguments = ("fiji", command, stack, "--fiji", imagej_folder)
    code, out, _ = run_cli(*arguments, "--json")
    assert code == 0
    result = json.loads(out)
    # What stands in for StackReg shifts by whole pixels, which is what this stack needs.
    assert result["largest_shift_px"] < 0.2
    assert result["edf"]["largest"] > 0  # the stand-in projects the largest values instead
    assert result["edf"] == result["edf_plugin_exact"]  # the padded image is square
    code, out, _ = run_cli(*arguments)
    assert code == 0
    assert "planes moved differently by up to" in out


def test_the_former_name_of_compare_is_hidden(run_cli):
    help_text = run_cli("fiji", "--help")[1]
    assert "compare" in help_text
    assert "parity" not in help_text


def test_errors_name_options(run_cli, imagej_folder, stack, tmp_path):
    arguments = ("-o", tmp_path / "a.tif", "--fiji", imagej_folder)
    words = (*arguments, "--transformation", "Scaled Rotation")
    code, _, err = run_cli("fiji", "align", stack, *words)
    assert code == 2
    assert "no display for it (--fiji), or run the plain ImageJ on a display (--window)" in err


def test_run(run_cli, imagej_folder, tmp_path, monkeypatch):
    macro = tmp_path / "m.ijm"
    macro.write_text('print("1/2 half"); print("seen"); return getArgument();')
    arguments = ("fiji", "run", macro, "z=3", "clip", "--fiji", imagej_folder)
    code, out, err = run_cli(*arguments)
    assert (code, out.splitlines(), err) == (0, ["seen", "z=3 clip"], "")
    monkeypatch.chdir(tmp_path)
    out = run_cli("fiji", "run", "m.ijm", "weights=m.ijm", "--fiji", imagej_folder)[1]
    assert out.splitlines() == ["seen", f"weights={macro}"]
    macro.write_text('exit("no good");')
    code, out, err = run_cli(*arguments)
    assert (code, out, err) == (2, "", "Error: m.ijm: no good\n")
    macro.write_text('call("Log_.write", "a plugin says why"); exit("see the log");')
    code, out, err = run_cli(*arguments)
    assert (code, out, err) == (2, "", "a plugin says why\nError: m.ijm: see the log\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [(["input=a.tif"], "give input as --input"), (["z=1", "z=2"], "z is given twice")],
)
def test_options_that_cannot_be_meant(run_cli, words, message):
    code, _, err = run_cli("fiji", "run", "Deep-Z_Refocus", *words)
    assert code == 2
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "rate"], "expected NAME=VALUE"),
        (["--set", "rate=fast"], "rate cannot be 'fast'"),
        (["--quality", "7"], "7 is not in the range"),
        (["--axes", "tzyx"], "name 4 axes"),
    ],
)
def test_edf_with_bad_options(run_cli, imagej_folder, stack, tmp_path, arguments, message):
    output = tmp_path / "edf.tif"
    code, _, err = run_cli("fiji", "edf", stack, "-o", output, "--fiji", imagej_folder, *arguments)
    assert code == 2
    assert message in err
    assert not output.exists()


def test_doctor_lists_everything_and_says_what_to_do(run_cli, ij_jar, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    code, out, err = run_cli("fiji", "doctor", "--fiji", ij_jar)
    assert (code, err) == (0, "")
    for name in ("Java", "ImageJ", "Fiji", "StackReg", "TurboReg", "EDF", "deepImageJ", "models"):
        assert f" {name} " in out
    assert "BIG-EPFL" in out
    assert "name its folder by --fiji or in FIJI_HOME" in " ".join(out.split())
    code, out, err = run_cli("fiji", "doctor", "--fiji", ij_jar, "--for", "align")
    assert code == 1
    assert err.startswith("Failed: 'align' cannot run without StackReg, TurboReg")


def test_doctor_finds_plugins_macros_and_models(run_cli, imagej_folder, tmp_path, monkeypatch):
    folder = tmp_path / "ImageJ"
    folder.mkdir()
    (folder / "ij.jar").symlink_to(imagej_folder / "ij.jar")
    (folder / "plugins").mkdir()
    for path in (imagej_folder / "plugins").iterdir():
        (folder / "plugins" / path.name).symlink_to(path)
    (folder / "plugins" / "deepImageJ-3.1.0.jar").write_bytes(b"")
    (package := tmp_path / "deepz_test").mkdir()
    (package / "rdf.yaml").write_text("type: model\nname: test\n")
    install(folder, [package])
    monkeypatch.setenv("DISPLAY", ":7")
    code, out, _ = run_cli("fiji", "doctor", "--fiji", folder, "--for", "align", "--json")
    assert code == 0
    found = {finding["name"]: finding["found"] for finding in json.loads(out)}
    assert found["StackReg"] == os.path.join("plugins", "StackReg_.class")  # noqa: PTH118
    assert found["EDF"] == os.path.join("plugins", "EDF_.jar")  # noqa: PTH118
    assert found["deepImageJ"] == "deepImageJ-3.1.0.jar"
    assert "Deep-Z_Refocus" in found["macros"]
    assert found["models"] == "deepz_test"
    assert found["ImageJ"].startswith("1.")


def test_doctor_where_nothing_is(run_cli, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    code, out, err = run_cli("fiji", "doctor", "--fiji", tmp_path / "Fiji.app")
    assert code == 1
    assert "Java 11 or newer" in out
    assert err.startswith("Failed: 'run' cannot run without Java, ImageJ")


def test_doctor_offers_every_purpose():
    assert doctor_command.PURPOSES == PURPOSES


def test_install_and_uninstall(run_cli, tmp_path, monkeypatch):
    monkeypatch.delenv("FIJI_HOME", raising=False)
    code, _, err = run_cli("fiji", "install")
    assert code == 2
    assert "name the Fiji to install into with --fiji" in err
    (tmp_path / "plugins").mkdir()
    monkeypatch.setenv("FIJI_HOME", str(tmp_path))
    code, out, err = run_cli("fiji", "install")
    assert (code, err) == (0, "")
    assert "plugins/Deep-Z/Deep-Z_Refocus.ijm" in out.splitlines()
    assert run_cli("fiji", "install")[1] == "nothing to do\n"
    macro = tmp_path / "plugins" / "Deep-Z" / "Deep-Z_Refocus.ijm"
    macro.write_text("// changed")
    code, out, err = run_cli("fiji", "uninstall")
    assert code == 0
    assert "Deep-Z_Refocus.ijm was changed and stays" in err
    assert macro.exists()


def test_prepare_by_the_plugins(run_cli, imagej_folder, stack, tmp_path):
    output = tmp_path / "dataset"
    code, _, err = run_cli(
        "prepare", stack, "-o", output, "--objective", "leica20x_0.8/TxRd", "--align", "fiji",
        "--edf", "fiji", "--fiji", imagej_folder, "--region", 64, "--planes", 4,
    )  # fmt: skip
    assert code == 0, err
    manifest = open_dataset(output).manifest
    assert (manifest.parameters.align, manifest.parameters.edf) == ("fiji", "fiji")
    shifts = np.array(manifest.fields[0].shifts_px)
    np.testing.assert_allclose(shifts[:, 1], np.arange(-5, 6), atol=0.2)
    np.testing.assert_allclose(shifts[:, 0], 0, atol=0.2)


@pytest.mark.parametrize("align", ["none", "fiji"])
def test_prepare_with_the_fault_of_the_plugin(run_cli, imagej_folder, stack, tmp_path, align):
    """The settings choose it, whoever aligns; the padded image must not be square to show it."""
    wide = tmp_path / "wide.tif"
    write_image(wide, Image(np.tile(read_image(stack).data, (1, 1, 2)), "zyx", 0.325, 0.5))
    scales = {}
    for edf in ("wavelets", "plugin-exact"):
        code, _, err = run_cli(
            "prepare", wide, "-o", tmp_path / edf, "--objective", "leica20x_0.8/TxRd", "--align",
            align, "--edf", edf, "--fiji", imagej_folder, "--region", 64, "--planes", 4,
        )  # fmt: skip
        assert code == 0, err
        manifest = open_dataset(tmp_path / edf).manifest
        assert manifest.parameters.edf == edf
        scales[edf] = manifest.fields[0].scale
    assert scales["wavelets"] != scales["plugin-exact"]


def test_prepare_without_the_plugins(run_cli, stack, tmp_path):
    """The missing plugin ends the preparation before anything is written."""
    output = tmp_path / "dataset"
    code, _, err = run_cli(
        "prepare", stack, "-o", output, "--objective", "leica20x_0.8/TxRd", "--align", "fiji",
        "--fiji", tmp_path,
    )  # fmt: skip
    assert code == 2
    assert "neither a Fiji folder" in err
    assert not list(tmp_path.glob("dataset*"))


@pytest.mark.slow
def test_the_plugins_themselves(run_cli, stack):
    """Where a Fiji has StackReg and EDF, both give the same."""
    place = os.environ.get("FIJI_HOME")
    if not place:
        pytest.skip("set FIJI_HOME to a Fiji with the update site BIG-EPFL")
    code, out, err = run_cli("fiji", "compare", stack, "--fiji", place, "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["aligned"]["largest"] <= 1
    assert result["edf"]["largest"] == result["edf_plugin_exact"]["largest"] == 0
