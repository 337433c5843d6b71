"""``deepz-zoo prepare`` as its users see it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.images import Image, write_image
from deepz_zoo.preprocess.dataset.fields import prepare_field
from deepz_zoo.preprocess.dataset.prepare import prepare_dataset
from deepz_zoo.preprocess.dataset.storage import open_dataset
from tests.builders import spotted_stack
from tests.small_disk import mounted, run_program

NAME = ("--objective", "leica20x_0.8", "--channel", "TxRd")
SMALL = ("--region", "32", "--planes", "2", "--targets", "2", "--align", "none")


def save(path: Path, data: np.ndarray, axes: str = "zyx", **changes) -> Path:
    calibration = {"pixel_size_um": 0.325, "z_step_um": 0.5} | changes
    write_image(path, Image(data, axes, **calibration))
    return path


@pytest.fixture
def stacks(tmp_path: Path) -> list[Path]:
    return [save(tmp_path / f"worm{seed}.ome.tif", spotted_stack(seed)) for seed in range(3)]


@pytest.fixture
def call(run_cli, tmp_path: Path):
    """Return a function that prepares into ``tmp_path / "data"`` by small regions."""

    def run(*arguments: str | Path):
        return run_cli("prepare", *arguments, "-o", tmp_path / "data", *NAME, *SMALL)

    return run


def test_the_dataset_the_table_and_the_next_step(call, stacks, tmp_path: Path) -> None:
    code, out, err = call(*stacks[:2], "--test", stacks[2], "--report", tmp_path / "report.html")
    assert code == 0, err
    dataset = open_dataset(tmp_path / "data")
    for split, pairs in dataset.manifest.pair_counts.items():
        assert pairs > 0
        assert f"{pairs:,}" in out
        assert split in out
    assert {r.split for r in dataset.regions if r.field_of_view == 2} == {"test"}
    assert f"report: {tmp_path / 'report.html'}" in out
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert out.endswith(
        f"next: deepz-zoo train leica20x_0.8/TxRd --data {tmp_path / 'data'} -o RUN\n"
    )


def test_json_has_the_same_numbers(call, stacks, tmp_path: Path) -> None:
    code, out, _ = call(*stacks[:2], "--json")
    summary = json.loads(out)
    dataset = open_dataset(tmp_path / "data")
    assert code == 0
    assert summary["system"] == "leica20x_0.8/TxRd"
    assert summary["pairs"] == dataset.manifest.pair_counts
    assert sum(summary["regions"].values()) == len(dataset.regions)
    assert any(
        "range of leica20x_0.8/TxRd is 10 µm (--planes 20)" in w for w in summary["warnings"]
    )


def test_options_reach_the_settings(call, stacks, tmp_path: Path) -> None:
    more = (
        "--mask-low",
        "0.2",
        "--mask-high",
        "0.6",
        "--validation-fraction",
        "0.3",
        "--seed",
        "5",
    )
    code, _, err = call(*stacks, *more)
    assert code == 0, err
    settings = open_dataset(tmp_path / "data").manifest.parameters
    assert (settings.align, settings.region_px, settings.planes_each_side) == ("none", 32, 2)
    assert (settings.targets, settings.mask_low, settings.mask_high) == (2, 0.2, 0.6)
    assert (settings.validation_fraction, settings.seed) == (0.3, 5)


def test_the_old_name_of_an_option_is_hidden_and_works(call, run_cli, stacks, tmp_path) -> None:
    code, _, err = call(*stacks, "--validation-share", "0.3")
    assert code == 0, err
    assert open_dataset(tmp_path / "data").manifest.parameters.validation_fraction == 0.3
    out = run_cli("prepare", "--help")[1]
    assert "--validation-fraction" in out
    assert not any(old in out for old in ("share", "channel-index"))


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        (("--input-channel", "TxRd"), "TxRd"),
        (("--input-channel", "2"), "2"),
        (("--channel-index", "2"), 2),
    ],
)
def test_a_channel_is_taken_by_name_or_number(call, tmp_path: Path, options, taken) -> None:
    data = np.stack([spotted_stack(1), spotted_stack(0)])
    path = save(tmp_path / "two.ome.tif", data, "czyx", channel_names=("DAPI", "TxRd"))
    code, _, err = call(path, *options)
    assert code == 0, err
    dataset = open_dataset(tmp_path / "data")
    assert dataset.manifest.reading.input_channel == taken
    region = dataset.regions[0]
    window = np.s_[region.y_px : region.y_px + 32, region.x_px : region.x_px + 32]
    expected = spotted_stack(0)[region.first_plane][window]
    np.testing.assert_array_equal(dataset.image(0, 0), expected)


def test_warnings_and_counts_are_printed(call, stacks) -> None:
    code, out, err = call(stacks[0], "--test", stacks[1])
    assert code == 0
    assert "fields of view" in out
    assert "Warning: regions extend 1 µm above and below their middle plane" in err
    assert "(--planes 20)" in err


def test_targets_of_another_modality(run_cli, stacks, tmp_path: Path) -> None:
    confocal = save(tmp_path / "confocal.ome.tif", (spotted_stack() // 2).astype(np.uint16))
    code, _, err = run_cli(
        "prepare", stacks[0], "--target", confocal, "-o", tmp_path / "data", *NAME,
        "--region", "48", "--planes", "2", "--align", "none",
    )  # fmt: skip
    assert code == 0, err
    manifest = open_dataset(tmp_path / "data").manifest
    assert manifest.target_modality == "confocal"
    assert manifest.parameters.targets == 4, "the paper's number for two modalities"


# ---------------------------------------------------------------------------------------- refusals


def _bad(kind: str, path: Path) -> None:
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("x,y\n1,2\n")
    elif kind == "rgb":
        tifffile.imwrite(path, np.zeros((64, 64, 3), np.uint8), photometric="rgb")
    elif kind == "nan":
        data = spotted_stack().astype(np.float32)
        data[3, 4, 5] = np.nan
        save(path, data)
    elif kind == "one pixel":
        save(path, spotted_stack()[:, :1, :1])
    elif kind == "one image":
        save(path, spotted_stack()[0], "yx", z_step_um=None)
    elif kind == "other pixels":
        save(path, spotted_stack(), pixel_size_um=0.65)
    elif kind == "no step":
        save(path, spotted_stack(), z_step_um=None)
    elif kind == "noise":
        save(path, spotted_stack(signal=False))
    elif kind == "truncated":
        save(path, spotted_stack())
        path.write_bytes(path.read_bytes()[:20_000])


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing", "does not exist"),
        ("empty", "is empty (0 bytes)"),
        ("text", "neither a TIFF nor a PNG"),
        ("rgb", "split the channels"),
        ("nan", "1 of 4608 pixels are NaN"),
        ("one pixel", "1 × 1 px"),
        ("one image", "a single image (64×72); expected a z-stack"),
        ("other pixels", "--resample"),
        ("no step", "set --z-step"),
        ("truncated", "truncated"),
        ("noise", "none of the 2 fields of view gives a region"),
    ],
)
def test_bad_files_are_one_line_and_leave_nothing(call, tmp_path: Path, kind: str, says) -> None:
    """A good stack goes first: nothing is prepared of it before the bad one is found."""
    good = save(tmp_path / "good.ome.tif", spotted_stack(signal=kind != "noise"))
    bad = tmp_path / "bad.ome.tif"
    _bad(kind, bad)
    if kind == "noise":
        save(bad, spotted_stack(1, signal=False))
    code, out, err = call(good, bad)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert says in err
    assert kind == "noise" or str(bad) in err
    assert out == ""
    assert {path.name for path in tmp_path.iterdir()} <= {"good.ome.tif", "bad.ome.tif"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "Missing argument 'STACK...'"),
        (("a.tif", "--target", "b.tif", "--target", "c.tif"), "1 stacks and 2 targets"),
        (("a.tif", "--report", "page.pdf"), "ends in .html or .png"),
        (("a.tif", "--resample", "--ignore-pixel-size"), "exclude each other"),
        (
            ("a.tif", "--mask-low", "0.5", "--mask-high", "0.2"),
            "--mask-low 0.5 is above --mask-high 0.2",
        ),
        (("a.tif", "--channel-index", "1", "--input-channel", "1"), "give one of them"),
        (("a.tif", "--region", "16"), "--region"),
        (("a.tif", "--z-step", "0"), "--z-step"),
    ],
)
def test_wrong_usage_is_one_line(run_cli, tmp_path: Path, options, says: str) -> None:
    code, _, err = run_cli("prepare", *options, "-o", tmp_path / "data", *NAME)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert says in err
    assert not list(tmp_path.iterdir())


def test_an_existing_dataset_is_kept(call, stacks, tmp_path: Path) -> None:
    assert call(stacks[0])[0] == 0
    before = (tmp_path / "data" / "manifest.json").read_bytes()
    code, _, err = call(stacks[1])
    assert (code, "--overwrite" in err) == (2, True)
    assert (tmp_path / "data" / "manifest.json").read_bytes() == before
    assert call(stacks[1], "--overwrite")[0] == 0
    assert (tmp_path / "data" / "manifest.json").read_bytes() != before


def test_control_c_leaves_no_dataset_and_the_same_command_goes_on(
    call, stacks, tmp_path: Path, monkeypatch
) -> None:
    def interrupt_second(task, *steps):
        if task.index == 1:
            raise KeyboardInterrupt
        return prepare_field(task, *steps)

    with monkeypatch.context() as patch:
        patch.setattr(f"{prepare_dataset.__module__}.prepare_field", interrupt_second)
        code, out, err = call(*stacks)
    assert (code, out) == (130, "")
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "data").exists()
    first = (tmp_path / "data.part" / "fields" / "0000.h5").stat().st_mtime_ns
    code, _, err = call(*stacks)
    assert (code, err.count("Error")) == (0, 0)
    assert (tmp_path / "data" / "fields" / "0000.h5").stat().st_mtime_ns == first
    assert not (tmp_path / "data.part").exists()


def test_a_full_disk_is_one_line_and_leaves_no_dataset(stacks, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "100k") as disk:
        done = run_program("prepare", *stacks, "-o", disk / "data", *NAME, *SMALL)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert "full" in done.stderr
        assert not (disk / "data").exists()
