"""Refocusing by macro: with the real program, and what the program is asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.fiji import MacroError
from deepz_zoo.images import read_image
from deepz_zoo.models import load_model
from deepz_zoo.optics import get_system
from deepz_zoo.refocus import plan_refocus
from deepz_zoo.simulate import simulate_stack

pytestmark = pytest.mark.java

SYSTEM = "leica20x_0.8/TxRd"


def test_refocus_opens_the_calibrated_stack_of_the_program(look, temporary_files, tmp_path):
    system = get_system(SYSTEM)
    stack = simulate_stack(system, "beads", seed=5, noise="low", shape=(64, 64))
    image = tmp_path / "bead image.tif"
    pixel_um = system.pixel_size_um
    tifffile.imwrite(
        image,
        stack.camera[len(stack.camera) // 2 + 8],
        imagej=True,
        resolution=(1 / pixel_um, 1 / pixel_um),
        metadata={"unit": "um"},
    )
    program = Path(sys.executable).with_name("deepz-zoo")
    opened = look(
        "Deep-Z_Refocus",
        f"model={SYSTEM} z=-2.5:5:2.5 program=[{program}]",
        before=f'open("{image}");',
        save=tmp_path / "saved.tif",
    )
    assert opened.title == "bead image_refocused"
    assert opened.channels_slices_frames == (1, 4, 1)
    assert (opened.bits, opened.unit) == (32, "µm")
    assert (opened.pixel_size, opened.z_step, opened.first_z) == (0.325, 2.5, -2.5)
    assert opened.labels == ("z = -2.5 µm", "z = 0 µm", "z = +2.5 µm", "z = +5 µm")
    saved = read_image(tmp_path / "saved.tif")  # as ImageJ wrote it
    assert saved.axes == "zyx"
    assert saved.pixel_size_um == pytest.approx(0.325)
    assert saved.z_um == (-2.5, 0.0, 2.5, 5.0)
    model, manifest = load_model(SYSTEM)
    expected = plan_refocus(read_image(image), manifest, [-2.5, 0.0, 2.5, 5.0]).run(model)
    np.testing.assert_allclose(saved.data, np.stack(list(expected)), rtol=1e-4, atol=0.1)
    assert temporary_files() == []


def test_refocus_hands_on_what_the_program_says_of_a_wrong_model(play):
    program = Path(sys.executable).with_name("deepz-zoo")
    options = f"model=leica20x_0.8/TxRed z=1 program=[{program}]"
    with pytest.raises(MacroError, match="Deep-Z: unknown objective .*nearest: leica20x_0.8/TxRd"):
        play("Deep-Z_Refocus", options, before="worm")


WRITTEN = ["--format", "imagej"]
MODEL = ["--objective", SYSTEM]


@pytest.mark.parametrize(
    ("before", "options", "words"),
    [
        ("worm", "z=-5:5:2.5", [*WRITTEN, "--z", "-5:5:2.5", *MODEL]),
        (
            "worm",
            "z=2 clip resample pixel_size=0.3",
            [*WRITTEN, "--z", "2", "--pixel-size", "0.3", "--resample", "--clip", *MODEL],
        ),
        (
            "worm",
            "z=2 engine=torch precision=float32",
            ["--z", "2", "--engine", "torch", "--precision", "float32", *MODEL],
        ),
        # the Recorder writes 0.0000 for a number that is left alone
        ("worm", "z=2 pixel_size=0.0000", [*WRITTEN, "--z", "2", *MODEL]),
        ("worm", "z=2 weights=[/a b/best.safetensors]", ["--weights", "/a b/best.safetensors"]),
        ("series", "z=2", ["--input-channel", "2", *WRITTEN, "--z", "2", *MODEL]),
        ("hyperstack", "z=2", ["--plane", "3", "--input-channel", "2", *WRITTEN]),
        ("z-stack", "z=2", ["--plane", "4", *WRITTEN]),
        ("z-stack", "z=2 slices_are_frames", ["--axes", "tyx", *WRITTEN]),
        ("worm", "z=2 output=[{folder}/z=1 it's.tif]", [*WRITTEN, "--z", "2"]),
    ],
)
def test_refocus_words(play, program, before, options, words):
    options = program.options + options.format(folder=program.folder)
    play("Deep-Z_Refocus", options, before=before)
    assert program.words[:2] == ["--stdout-only", "refocus"]
    assert " ".join(words) in " ".join(program.words)
    assert "--objective" not in program.words or "--weights" not in program.words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            "surface=tilt tilt=1.5 offset=-2",
            ["--tilt-axis", "y", "--tilt", "1.5", "--offset", "-2"],
        ),
        (
            "surface=cylinder tilt=1.50 cylinder=7200 axis=x offset=0.00",
            ["--tilt-axis", "x", "--cylinder", "7200", "--objective"],
        ),
        (
            "surface=[height map] height_map=[/a b/map.tif] um_per_level=0.05",
            ["--um-per-level", "0.05", "--height-map", "/a b/map.tif"],
        ),
    ],
)
def test_surface_words(play, program, options, words):
    play("Deep-Z_Refocus_Surface", program.options + options, before="worm")
    assert " ".join(words) in " ".join(program.words)


def test_surface_takes_an_open_height_map(play, program, make_program, temporary_files, tmp_path):
    program = make_program(
        "shutil.copy(words[words.index('--height-map') + 1], folder / 'map.tif')"
    )
    options = f"{program.options}surface=[height map] height_map=[DPM]"
    play("Deep-Z_Refocus_Surface", options, before="worm and DPM")
    assert read_image(tmp_path / "map.tif").data.dtype == np.float32
    assert read_image(program.seen).data.dtype == np.uint16
    assert temporary_files() == []


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (16, np.uint16), (32, np.float32)])
@pytest.mark.parametrize("frames", [1, 3])
def test_refocus_hands_over_the_image_as_it_is(look, program, bits, dtype, frames):
    before = (
        f'newImage("a", "{bits}-bit grayscale-mode", 50, 33, 1, 1, {frames});'
        f"for (t = 1; t <= {frames}; t++) {{"
        "if (nSlices > 1) setSlice(t); setPixel(7, 5, 40 + t); }"
        'setVoxelSize(0.65, 0.65, 1, "micron");'
    )
    opened = look("Deep-Z_Refocus", f"{program.options}z=1", before=before)
    seen = read_image(program.seen)
    assert seen.data.dtype == dtype
    assert seen.axes == ("tyx" if frames > 1 else "yx")
    assert seen.data[..., 5, 7].ravel().tolist() == [40 + t for t in range(1, frames + 1)]
    assert seen.pixel_size_um == pytest.approx(0.65)
    assert (opened.title, opened.bits) == ("a_refocused", bits)
    assert opened.channels_slices_frames == (1, 1, frames)


def test_refocus_reads_and_writes_files_without_an_open_image(play, program):
    source, output = program.folder / "in z=3.tif", program.folder / "out.tif"
    tifffile.imwrite(source, np.zeros((32, 32), np.uint16))
    options = f"{program.options}z=1 plane=2 input=[{source}] output=[{output}]"
    returned, printed = play("Deep-Z_Refocus", options)
    assert returned == str(output)
    assert printed == "Warning: the image is a test.\n"
    assert "--plane 2" in " ".join(program.words)
    assert output.exists()
