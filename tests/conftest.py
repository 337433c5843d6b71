"""Settings of the whole suite: one thread, no network, and a tiny zoo to test with."""

from __future__ import annotations

import os

# before anything imports torch, onnxruntime or bioimageio
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("BIOIMAGEIO_HTTP_TIMEOUT", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# onnxruntime reports on its use and caches in the home folder otherwise
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import tempfile
from pathlib import Path

import pytest
import torch

from deepz_zoo.analysis.accuracy import (
    METHODS,
    NOISES,
    Accuracy,
    BeadRow,
    BenchmarkSettings,
    ImageRow,
    Ratio,
)
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.weights import save_generator
from deepz_zoo.optics import get_system
from deepz_zoo.training.record import TrainingRecord


def pytest_configure(config: pytest.Config) -> None:
    """Keep bioimageio's cache out of the user's own; pytest-xdist's processes inherit it."""
    if "BIOIMAGEIO_CACHE_PATH" not in os.environ:
        cache = tempfile.TemporaryDirectory(prefix="bioimageio_")
        os.environ["BIOIMAGEIO_CACHE_PATH"] = cache.name
        config.add_cleanup(cache.cleanup)


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]):
    """Return a function that runs ``deepz-zoo`` in this process: (exit code, stdout, stderr)."""
    from deepz_zoo.cli.main import main

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(7)
    return Generator(GeneratorConfig(width=0.05, levels=2)).eval()


@pytest.fixture
def run(tmp_path: Path, generator: Generator) -> Path:
    """Return a run's folder with the weights of `generator`."""
    folder = tmp_path / "run"
    folder.mkdir()
    save_generator(folder / "best.safetensors", generator)
    record = TrainingRecord(
        system=get_system("leica20x_0.8/TxRd"),
        generator=GeneratorConfig(width=0.05, levels=2),
        preset="lite",
        code_version="0.1.0",
        command="deepz-zoo train leica20x_0.8/TxRd -o run",
        seed=3,
        specimens=("beads", "nuclei"),
        stacks=2,
        steps=10,
        batch_size=4,
        patch_px=(48, 64),
        patches=40,
        hours=0.5,
        device="2 CPU threads",
        date="2026-11-22",
        loss="L1",
        data_ranges={"z_range_um": 10.0},
        validation_mae=0.0625,
    )
    (folder / "best.json").write_text(record.model_dump_json(), encoding="utf-8")
    return folder


@pytest.fixture
def accuracy() -> Accuracy:
    """Return figures of every method, noise and distance; the model's correlation is 0.875."""
    images = [
        ImageRow(
            noise=noise,
            specimen="mean",
            dz_um=dz,
            method=method,
            images=4,
            correlation=0.875 if method == "model" else 0.5,
            error_over_rms=0.4375,
            ssim=0.9375,
            mae=0.0625,
            mse=0.0156,
            rmse=0.125,
        )
        for noise in NOISES
        for dz in (-10.0, -5.0, 0.0, 5.0, 10.0)
        for method in METHODS
    ]
    ratio = Ratio(median=0.8125, mean=0.75, q25=0.5625, q75=1.0625)
    bead = BeadRow(
        noise="low",
        dz_um=5.0,
        method="model",
        beads=17,
        diverged=2,
        peak=ratio,
        fwhm=None,
        flux=ratio,
        true_fwhm_um=0.5,
    )
    return Accuracy(
        benchmark_version=1,
        code_version="0.1.0",
        system_name="leica20x_0.8/TxRd",
        seeds=(1_500_000,),
        specimens=("beads",),
        settings=BenchmarkSettings(),
        images=tuple(images),
        beads=(bead,),
    )
