"""What deepImageJ is given and what becomes of its result; a class of our own stands in for it."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tifffile

from deepz_zoo.fiji import MacroError

pytestmark = pytest.mark.java


@pytest.fixture
def model(tmp_path) -> str:
    """Return the option that names an unpacked model."""
    folder = tmp_path / "deepz model"
    folder.mkdir()
    (folder / "rdf.yaml").touch()
    return f"model=[{folder}] "


@pytest.mark.parametrize(
    ("z", "depths", "z_step"),
    [
        ("-2.5:5:2.5", [-2.5, 0, 2.5, 5], 2.5),
        ("0:0.3:0.1", [0, 0.1, 0.2, 0.3], 0.1),
        ("-5,1,3", [-5, 1, 3], 1.0),
        ("7", [7], 1.0),
    ],
)
def test_deepimagej_gets_image_and_dpm(look, tmp_path, model, z, depths, z_step):
    saved = tmp_path / "saved.tif"
    opened = look("Deep-Z_deepImageJ", f"{model}z={z}", before="worm", save=saved)
    assert opened.title == "worm_refocused"
    assert opened.channels_slices_frames == (1, len(depths), 1)
    assert (opened.unit, opened.pixel_size, opened.z_step) == ("µm", 0.325, z_step)
    assert opened.labels == tuple(f"z = {'+' if z > 0 else ''}{z:g} µm" for z in depths)
    ramp = np.floor(np.arange(64) * 1024)
    expected = ramp + np.float32(depths)[:, None, None]
    np.testing.assert_allclose(
        np.atleast_3d(tifffile.imread(saved)).reshape(len(depths), 48, 64),
        np.broadcast_to(expected, (len(depths), 48, 64)),
    )


def test_deepimagej_hears_the_keys_of_both_generations(play, model):
    _, printed = play("Deep-Z_deepImageJ", f"{model}z=1", before="worm")
    folder = model[len("model=") :].strip()
    for keys in (
        f"model_path={folder} input_path=null output_folder=null display_output=all",
        f"modelPath={folder} inputPath=null outputFolder=null displayOutput=all",
    ):
        assert keys in printed


def test_deepimagej_takes_a_dpm(look, tmp_path, model):
    saved = tmp_path / "saved.tif"
    look("Deep-Z_deepImageJ", f"{model}dpm=DPM", before="worm and DPM", save=saved)
    ramp = np.arange(64)
    np.testing.assert_allclose(tifffile.imread(saved)[0], ramp * 1024 + ramp / 64, rtol=1e-6)


def test_deepimagej_input_alone(look):
    opened = look("Deep-Z_deepImageJ", "z=1,2 only_build", before="worm")
    assert (opened.title, opened.channels_slices_frames) == ("worm_with_DPM", (2, 2, 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("model=[] z=1", "no model named; expected model=FOLDER"),
        ("model=nowhere z=1", "nowhere: no folder with an rdf.yaml"),
        ("model=a.zip z=1", "a.zip is packed; unpack it"),
        ("{model}", "z=: expected 5, -5,0,5 or -10:10:2"),
        ("{model}z=1:2", "z=1:2: expected"),
        ("{model}z=1:5:-1", "this step does not lead from the first value to the last"),
        ("{model}dpm=none_such", "dpm=none_such: no image of this title"),
        ("{model}dpm=worm.tif", "dpm=worm.tif has 16 bit; expected 32 bit"),
    ],
)
def test_deepimagej_with_wrong_options(play, model, options, message):
    with pytest.raises(MacroError, match=re.escape(message)):
        play("Deep-Z_deepImageJ", options.format(model=model), before="worm")


def test_deepimagej_that_gives_no_image(play, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/rdf.yaml").touch()
    with pytest.raises(MacroError, match=r"deepImageJ opened no image within 0\.5 s"):
        play("Deep-Z_deepImageJ", f"model=[{tmp_path}/broken] z=1 seconds=0.5", before="worm")


@pytest.fixture
def without_plugins(imagej):
    """Let ImageJ forget the plugins for one test."""
    commands = imagej.java_class("ij.Menus").getCommands()
    forgotten = {
        str(label): str(commands.get(label))
        for label in list(commands.keySet())
        if any(
            name in str(commands.get(label)) for name in ("StackReg_", "EDF_Easy_", "DeepImageJ")
        )
    }
    for label in forgotten:
        commands.remove(label)
    yield
    for label, plugin in forgotten.items():
        commands.put(label, plugin)


@pytest.mark.parametrize(
    ("macro", "message"),
    [
        ("Deep-Z_deepImageJ", "deepImageJ is not installed; in Fiji: .* tick DeepImageJ"),
        ("Deep-Z_Prepare", "StackReg is not installed; in Fiji: .* tick BIG-EPFL"),
    ],
)
def test_a_missing_plugin_names_its_update_site(play, without_plugins, macro, message):
    before = "worm" if macro == "Deep-Z_deepImageJ" else "z-stack"
    with pytest.raises(MacroError, match=message):
        play(macro, "", before=before)
