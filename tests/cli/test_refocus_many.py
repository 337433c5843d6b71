"""``refocus`` on many images and on channels."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo import models as models_module
from deepz_zoo.cli.options import ProgressLines
from deepz_zoo.cli.verbosity import LOG
from deepz_zoo.images import Image, read_image, write_image
from deepz_zoo.models import load_model
from deepz_zoo.refocus import refocus_image


def picture(seed: int, *shape: int) -> np.ndarray:
    image = np.random.default_rng(seed).normal(100, 3, shape).round()
    image[..., ::7, ::9] += 2000
    return image.astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """Return a folder with five images of several kinds, and three files that are none."""
    monkeypatch.chdir(tmp_path)
    folder = Path("plate")
    folder.mkdir()
    write_image(folder / "a.tif", Image(picture(1, 40, 50), "yx", 0.325))
    write_image(folder / "b.tif", Image(picture(1, 40, 50), "yx", 0.325), style="imagej")
    write_image(folder / "c.ome.tif", Image(picture(2, 3, 30, 40), "tyx", 0.325))
    tifffile.imwrite(folder / "d.tiff", picture(3, 20, 30).astype(np.float32))
    from imageio.v3 import imwrite

    imwrite(folder / "e.png", picture(4, 24, 32))
    (folder / "bad_text.tif").write_text("no image")
    tifffile.imwrite(folder / "bad_nan.tif", np.full((40, 50), np.nan, np.float32))
    content = (folder / "a.tif").read_bytes()
    (folder / "bad_cut.tif").write_bytes(content[: len(content) // 2])
    return folder


@pytest.fixture
def refocus(run_cli, run: Path):
    def call(*arguments: str | Path):
        return run_cli("refocus", *arguments, "--weights", run, "--z", "0,1")

    return call


def test_a_folder_of_mixed_images_with_three_bad_ones(refocus, run, folder, monkeypatch) -> None:
    loaded = []
    load = models_module.load_model

    def count(*arguments, **options):
        loaded.append(arguments)
        return load(*arguments, **options)

    monkeypatch.setattr(models_module, "load_model", count)
    code, out, err = refocus(folder, "-o", "out")
    assert code == 1
    assert len(loaded) == 1
    *lines, summary = out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"out/{name}_refocused.tif" for name in "abcde"
    ]
    assert "3 frames, 2 planes, 40 × 30 px" in lines[2]
    assert summary == "5 of 8 images refocused, 3 failed"
    failed = [line for line in err.splitlines() if line.startswith("Failed: ")]
    assert failed == err.splitlines()[-3:]
    for line, (name, says) in zip(
        failed,
        [("bad_cut", "read whole"), ("bad_nan", "NaN"), ("bad_text", "neither a TIFF")],
        strict=True,
    ):
        assert line.startswith(f"Failed: plate/{name}.tif")
        assert says in line
    assert sorted(path.name for path in Path("out").iterdir()) == [
        f"{name}_refocused.tif" for name in "abcde"
    ]
    model, _ = load_model(None, weights=run)
    result = read_image("out/c_refocused.tif")
    assert result.axes == "tzyx"
    for frame, planes in zip(picture(2, 3, 30, 40), result.data, strict=True):
        np.testing.assert_allclose(
            planes, refocus_image(model, frame, [0, 1]), rtol=1e-4, atol=1e-2
        )


def test_a_warning_is_printed_once_and_counted(refocus, folder) -> None:
    for name in ("f", "g"):
        shutil.copy(folder / "e.png", folder / f"{name}.png")
    code, _, err = refocus("plate/*.png", "-o", "out")
    assert code == 0
    first, more = (line for line in err.splitlines() if "assuming the model's" in line)
    assert first.startswith("Warning: plate/e.png: the image does not say its pixel size")
    assert more.startswith("Warning: 2 more images: the image does not say its pixel size")


def test_it_goes_on_after_a_stop(refocus, folder) -> None:
    assert refocus("plate/a.tif", "-o", "out/")[0] == 0
    before = Path("out/a_refocused.tif").stat().st_mtime_ns
    code, _, err = refocus("plate/[abe].*", "-o", "out")
    assert code == 2
    assert "1 of 3 outputs exist" in err
    assert "--skip-existing" in err
    code, out, _ = refocus("plate/[abe].*", "-o", "out", "--skip-existing")
    assert code == 0
    assert out.splitlines()[-1] == "2 of 3 images refocused, 1 skipped, whose outputs exist"
    assert Path("out/a_refocused.tif").stat().st_mtime_ns == before
    code, out, _ = refocus("plate/[abe].*", "-o", "out", "--skip-existing")
    assert (code, out) == (0, "0 of 3 images refocused, 3 skipped, whose outputs exist\n")
    assert refocus("plate/[abe].*", "-o", "out", "--overwrite")[0] == 0


def test_outputs_beside_the_images(refocus, folder) -> None:
    for bad in folder.glob("bad*"):
        bad.unlink()
    assert refocus(folder, "-o", folder, "--suffix", "_z")[0] == 0
    code, out, _ = refocus(folder, "-o", folder, "--suffix", "_z", "--skip-existing")
    assert (code, out) == (0, "0 of 5 images refocused, 5 skipped, whose outputs exist\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["plate", "-o", "out.tif"], "-o out.tif names a file"),
        (["plate/a.tif", "plate/b.tif", "-o", "plate/e.png"], "-o plate/e.png names a file"),
        (["plate/a.tif", "-o", "out.tif", "--suffix", "_z"], "--suffix is for"),
        (["plate", "-o", "no/out"], "the folder no does not exist"),
        (["plate/*.lsm", "-o", "out"], "plate/*.lsm: no file"),
        (["plate", "-o", "out", "--skip-existing", "--overwrite"], "exclude each other"),
        (["plate", "-o", "out", "--channels", "1=leica20x_0.8/TxRd"], "--weights and --channels"),
    ],
)
def test_wrong_usage_of_folders_is_one_line(refocus, folder, arguments, says: str) -> None:
    code, out, err = refocus(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1
    assert not Path("out").exists()


def test_what_no_image_can_have_is_told_once(run_cli, run, folder) -> None:
    for target, says in ((("--z", "99"), "--clip"), (("--dpm", "no.tif"), "no.tif does not exist")):
        code, out, err = run_cli("refocus", folder, "-o", "out", "--weights", run, *target)
        assert (code, out) == (2, "")
        assert says in err
        assert len(err.splitlines()) == 1


def test_a_full_disk_stops_all(refocus, folder, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    code, out, err = refocus("plate/[abe].*", "-o", "out")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("Error: disk full while writing")


def test_an_interruption_keeps_what_is_done(refocus, folder, monkeypatch) -> None:
    from deepz_zoo.network.graph.wrapper import DeepZModel

    run, runs = DeepZModel.refocus, []

    def interrupt(self, *arguments, **options):
        runs.append(1)
        if len(runs) == 2:
            raise KeyboardInterrupt
        return run(self, *arguments, **options)

    monkeypatch.setattr(DeepZModel, "refocus", interrupt)
    code, out, _ = refocus("plate/[abe].*", "-o", "out")
    assert code == 130
    assert len(out.splitlines()) == 1
    assert [path.name for path in Path("out").iterdir()] == ["a_refocused.tif"]


def test_the_model_may_come_first_or_last(run_cli, run, folder) -> None:
    for arguments in (["leica20x_0.8/TxRd", "plate"], ["plate/a.tif", "plate/b.tif", str(run)]):
        arguments = [*arguments, "--z", "1", "-o", "out", "--overwrite", "--engine", "torch"]
        code, out, _ = run_cli("refocus", *arguments)
        assert code in (0, 1)
        assert "out/b_refocused.tif: 50 × 40 px" in out
    code, _, err = run_cli("refocus", "leica20x_0.8/Tx", "plate", "--z", "1", "-o", "out2")
    assert code == 2
    assert "leica20x_0.8/Tx" in err


def test_each_position_of_a_file_has_its_output(refocus, run, folder) -> None:
    with tifffile.TiffWriter(folder / "p.ome.tif", ome=True) as file:
        for seed in (1, 2):
            axes = {"axes": "TYX", "PhysicalSizeX": 0.325, "PhysicalSizeY": 0.325}
            file.write(picture(seed, 2, 40, 50), metadata=axes)
    code, out, _ = refocus(folder / "p.ome.tif", folder / "a.tif", "-o", "out")
    assert code == 0
    assert out.splitlines()[-1] == "3 of 3 images refocused"
    model, _ = load_model(None, weights=run)
    result = read_image("out/p_p2_refocused.tif")
    expected = refocus_image(model, picture(2, 2, 40, 50)[1], 1.0)
    np.testing.assert_allclose(result.data[1, 1], expected, rtol=1e-4, atol=1e-2)
    with tifffile.TiffFile("out/p_p2_refocused.tif") as tif:
        assert "p.ome.tif, position 2 refocused by" in tif.ome_metadata
    code, _, err = refocus(folder / "p.ome.tif", "-o", "one.tif")
    assert code == 2
    assert "2 separate images" in err
    assert "choose one with --position" in err
    assert refocus(folder / "p.ome.tif", "-o", "one.tif", "--position", "2")[0] == 0
    np.testing.assert_array_equal(read_image("one.tif").data, result.data)
    code, _, err = refocus(folder / "p.ome.tif", "-o", "two.tif", "--position", "3")
    assert code == 2
    assert "has no position 3; it holds 2 images" in err


# --------------------------------------------------------------------------------------- channels


@pytest.fixture
def two_models(run: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Return checkpoints of two models that differ."""
    from safetensors.torch import load_file, save_file

    other = tmp_path / "other"
    shutil.copytree(run, other)
    weights = load_file(other / "best.safetensors")
    weights["last.bias"] += 0.5
    save_file(weights, other / "best.safetensors")
    return run / "best.safetensors", other / "best.safetensors"


@pytest.fixture
def channels(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    image = Image(
        picture(5, 2, 3, 40, 50),
        "tcyx",
        0.325,
        channel_names=("DAPI", "TxRd", "FITC"),
        frame_interval_s=0.5,
        emission_um=(0.46, 0.615, 0.52),
    )
    write_image("image.ome.tif", image)
    return Path("image.ome.tif")


@pytest.mark.parametrize("others", ["leave-out", "pass-through"])
@pytest.mark.parametrize("style", ["ome", "imagej"])
def test_a_model_for_each_channel(run_cli, two_models, channels, others: str, style: str) -> None:
    first, second = two_models
    code, out, err = run_cli(
        *("refocus", channels, "-o", "out.tif", "--z", "-1,0,1", "--other-channels", others),
        *("--channels", f"FITC={second},TxRd={first}", "--format", style),
    )
    assert code == 0, err
    assert ("1 of 3 channels have no model" in err) == (others == "leave-out")
    result, data = read_image("out.tif"), read_image(channels).data
    assert result.axes == "tzcyx"
    assert result.z_um == (-1, 0, 1)
    assert result.frame_interval_s == 0.5
    names = ("DAPI", "TxRd", "FITC")[others == "leave-out" :]
    assert f"{len(names)} channels, 2 frames, 3 planes" in out
    if style == "ome":
        assert result.channel_names == names
        assert result.emission_um == (0.46, 0.615, 0.52)[others == "leave-out" :]
    models = {"TxRd": load_model(first)[0], "FITC": load_model(second)[0]}
    for t in range(2):
        for c, name in enumerate(names, start=others == "leave-out"):
            planes = result.data[t, :, c - (others == "leave-out")]
            if name == "DAPI":
                np.testing.assert_array_equal(planes, np.stack([data[t, c]] * 3))
            else:
                expected = refocus_image(models[name], data[t, c], [-1, 0, 1])
                np.testing.assert_allclose(planes, expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(
    ("channels_option", "says"),
    [
        ("GFP={0}", "no channel 'GFP' in the image; there are 3 (DAPI, TxRd, FITC)"),
        ("TxRd={0},2={0}", "two models for channel '2'"),
        ("TxRd={0},TxRd={0}", "channel TxRd stands there twice"),
        ("TxRd", "expected CHANNEL=MODEL"),
        ("TxRd=leica20x_0.8/no", "leica20x_0.8"),
    ],
)
def test_channels_that_do_not_fit(run_cli, two_models, channels, channels_option, says) -> None:
    option = channels_option.format(two_models[0])
    code, out, err = run_cli("refocus", channels, "-o", "out.tif", "--z", "1", "--channels", option)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1
    assert not Path("out.tif").exists()


# --------------------------------------------------------------------------------------- progress


def test_lines_of_progress_state_the_time_left(monkeypatch, caplog) -> None:
    clock = iter([0.0, 0.0, 5.0, 60.0, 63.0, 3605.0])
    monkeypatch.setattr("deepz_zoo.cli.options.time.monotonic", lambda: next(clock))
    lines = ProgressLines()
    with caplog.at_level("INFO", LOG.name):
        for done in (0, 2.5, 12.5, 13, 22.5):
            lines("Images", done, 50)
    assert caplog.messages == ["Images: 12 of 50, 3 min left", "Images: 22 of 50, 1 h 22 min left"]
