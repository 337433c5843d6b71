"""``deepz-zoo train``: what it hands to the training, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepz_zoo.training import run as training_run
from tests.small_disk import mounted, run_program


@pytest.fixture
def asked(monkeypatch) -> dict:
    """Catch what would be trained."""
    caught: dict = {}

    def train(system, settings, folder, **options) -> Path:
        caught.update(system=system, settings=settings, folder=folder, **options)
        return folder / "best.safetensors"

    monkeypatch.setattr(training_run, "train", train)
    return caught


def test_options_change_the_preset_and_are_recorded(run_cli, asked, tmp_path) -> None:
    code, out, err = run_cli(
        "train", "--objective", "leica20x_0.8", "--channel", "TxRd", "-o", str(tmp_path / "run"),
        "--max-steps", "300", "--patch", "128", "--seed", "3",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert out.endswith("best.safetensors\n")
    assert asked["system"].name == "leica20x_0.8/TxRd"
    settings = asked["settings"]
    assert (settings.max_steps, settings.patch_px, settings.generator.width) == (300, 128, 0.25)
    assert asked["command"] == (
        "deepz-zoo train leica20x_0.8/TxRd -o RUN --preset lite --seed 3 "
        "--max-steps 300 --patch 128"
    )


def test_the_paper_preset_is_the_published_network(run_cli, asked, tmp_path) -> None:
    run_cli("train", "leica20x_0.8/TxRd", "-o", str(tmp_path / "run"), "--preset", "paper")
    assert (asked["settings"].generator.width, asked["settings"].batch_size) == (1.0, 20)


def test_fractions_have_hidden_old_names(run_cli, asked, tmp_path) -> None:
    old = ["--small-share", "0.1", "--lone-image-share", "0.2", "--in-focus-share", "0.3"]
    code, _, err = run_cli("train", "leica20x_0.8/TxRd", "-o", str(tmp_path / "run"), *old)
    assert (code, err) == (0, "")
    settings = asked["settings"]
    assert (settings.small_fraction, settings.single_image_fraction) == (0.1, 0.2)
    assert settings.in_focus_fraction == 0.3
    assert asked["command"].endswith(
        "--small-fraction 0.1 --single-image-fraction 0.2 --in-focus-fraction 0.3"
    )
    assert "share" not in run_cli("train", "--help")[1]


def test_weights_to_begin_with_are_found_and_their_range_is_compared(
    run_cli, asked, tmp_path
) -> None:
    code, _, err = run_cli(
        "train", "olympus20x_0.75/TxRd", "-o", tmp_path / "run", "--from", "leica20x_0.8/TxRd"
    )
    assert code == 0
    assert asked["start"].record.weights == "leica20x_0.8/TxRd"
    assert asked["command"].endswith("--from leica20x_0.8/TxRd")
    assert "Warning: a numerical aperture of 0.75, but the model was trained with" in err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["leica20x_0.8/TxRd"], "--output"),
        (["leica20x_0.9/TxRd", "-o", "RUN"], "nearest: leica20x_0.8/TxRd"),
        (
            ["leica20x_0.8/TxRd", "-o", "RUN", "--patch", "100"],
            "--patch 100: Input should be a multiple of 16",
        ),
        (["leica20x_0.8/TxRd", "-o", "RUN", "--patch", "512"], "patches of 96 and 512 px"),
        (["leica20x_0.8/TxRd", "-o", "RUN", "--simulate"], "--simulate goes with --data"),
    ],
)
def test_wrong_usage_is_one_line(run_cli, asked, options, expected) -> None:
    code, _, err = run_cli("train", *options)
    assert code == 2
    assert expected in err
    assert len(err.strip().splitlines()) == 1
    assert not asked


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    """Mapped stacks that were not allocated ended the process by a signal."""
    with mounted(tmp_path / "disk", "1m") as disk:
        words = ("leica20x_0.8/TxRd", "-o", disk / "run", "--stacks", "2", "--max-steps", "2")
        done = run_program("train", *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert "2 simulated stacks would take 10.3 MiB" in done.stderr
        assert list(disk.iterdir()) == []
