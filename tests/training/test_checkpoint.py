"""A killed run, and several processes: whole programs, as a user starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from deepz_zoo.training.batches import TrainingBatches
from deepz_zoo.training.checkpoint import AtomicCheckpointIO
from deepz_zoo.training.hardware import Hardware
from deepz_zoo.training.run import train
from deepz_zoo.training.simulated_batches import SimulatedBatches

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("tiny_run.py")
INTERVAL = 0.4


def start(run: Path, stacks: Path, changes: dict, hardware: dict | None = None):
    words = [sys.executable, PROGRAM, run, stacks, json.dumps(changes), json.dumps(hardware or {})]
    return subprocess.Popen(
        list(map(str, words)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},  # it imports tests.builders
    )


def steps(run: Path, rank: int = 0) -> list[tuple[int, float, float]]:
    """Return number, time and sum of the input of each iteration that began."""
    file = run / f"steps_{rank}.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(int(n), float(t), float(total)) for n, t, total in map(str.split, lines)]


@pytest.mark.slow
def test_a_killed_run_loses_at_most_one_interval_and_goes_on(
    tmp_path, system, settings, folder, cache
) -> None:
    run = tmp_path / "run"
    changes = {"max_steps": 100_000, "checkpoint_seconds": INTERVAL}
    process = start(run, folder, changes)
    last, begun = run / "last.ckpt", time.monotonic()
    while not (last.exists() and steps(run)[-1][1] - steps(run)[0][1] > 3 * INTERVAL):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() - begun < 60
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done, times = steps(run), {n: t for n, t, _ in steps(run)}
    saved = torch.load(last, weights_only=True)["global_step"]
    # The end of the last whole iteration was no later than the beginning of the one that was cut;
    # before it, no checkpoint was due.
    whole = done[-1][0] - 1
    assert 0 < saved <= done[-1][0]
    assert whole < saved or times[whole] - times[saved] < INTERVAL

    # The leftover of an interrupted save does no harm.
    part = last.with_name(f".last.ckpt.{process.pid}.part")
    part.write_bytes(last.read_bytes()[:1000])
    longer = settings.model_copy(update={"max_steps": saved + 3})
    train(
        system, longer, run, preset="lite", stacks_folder=folder, resume=True, progress_bar=False,
        hardware=Hardware(accelerator="cpu", workers=0),
    )  # fmt: skip
    checkpoint = torch.load(last, weights_only=True)
    assert checkpoint["global_step"] == saved + 3
    assert checkpoint["callbacks"]["KeepBest"]["patches"] == 2 * (saved + 3)
    assert not part.exists()


def test_a_save_that_is_cut_leaves_the_old_checkpoint(tmp_path, monkeypatch) -> None:
    path, io = tmp_path / "last.ckpt", AtomicCheckpointIO()
    io.save_checkpoint({"step": 1}, path)

    def cut(checkpoint, file) -> None:
        file.write(b"PK half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", cut)
        with pytest.raises(KeyboardInterrupt):
            io.save_checkpoint({"step": 2}, path)
    assert torch.load(path, weights_only=True) == {"step": 1}
    io.save_checkpoint({"step": 3}, path)
    assert torch.load(path, weights_only=True) == {"step": 3}
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.slow
@pytest.mark.parametrize("adversarial", [False, True])
def test_two_processes_train_one_network_on_patches_of_their_own(
    adversarial, tmp_path, system, settings, folder, cache
) -> None:
    run = tmp_path / "run"
    changes = {"adversarial": adversarial, "max_steps": 2, "average": 0.0}
    process = start(run, folder, changes, {"devices": "2", "strategy": "ddp"})
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    simulated = SimulatedBatches(cache, range(4), system, settings)
    for rank in (0, 1):
        batches = TrainingBatches(
            system, settings, simulated=simulated, prepared=None, seed=0, rank=rank, processes=2
        )
        for number, _, total in steps(run, rank):
            expected = batches[number]["input"].double().sum().item()
            assert total == pytest.approx(expected)
        assert [number for number, _, _ in steps(run, rank)] == [0, 1]
    # They saw different patches: only averaged gradients keep their weights the same.
    ends = [json.loads((run / f"weights_{rank}.json").read_text()) for rank in (0, 1)]
    assert ends[0] == ends[1]
    record = json.loads((run / "best.json").read_text())
    assert record["batch_size"] == 4
    assert record["patches"] == 4 * record["steps"]
    assert record["device"].startswith("2 × ")
