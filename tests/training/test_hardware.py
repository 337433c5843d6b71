"""pytorch-lightning's settings: handed on, and refused in one line."""

from __future__ import annotations

import pytest
import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.training.hardware import Hardware

QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"strategy": "telepathy"}, "telepathy"),
        ({"accelerator": "abacus"}, "abacus"),
        ({"precision": "3-bit"}, "3-bit"),
        ({"devices": "many"}, "should be an int > 0"),
        ({"devices": "0"}, "0"),
    ],
)
def test_what_lightning_refuses_is_its_own_words(settings, expected) -> None:
    with pytest.raises(DeepZError, match=rf"pytorch-lightning: .*{expected}"):
        Hardware(**{"accelerator": "cpu"} | settings).trainer(adversarial=False, **QUIET)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_a_line_on_the_command_line(run_cli, tmp_path) -> None:
    code, _, err = run_cli(
        "train", "leica20x_0.8/TxRd", "-o", tmp_path / "run", "--accelerator", "gpu"
    )
    assert code == 2
    assert err.startswith("Error: pytorch-lightning: ")
    assert len(err.strip().splitlines()) == 1


def test_the_usual_settings_are_one_cpu_process_without_a_gpu() -> None:
    hardware = Hardware(accelerator="cpu")
    trainer = hardware.trainer(adversarial=True, **QUIET)
    assert (trainer.world_size, trainer.strategy.root_device.type) == (1, "cpu")
    assert hardware.patch_workers == 1
    assert Hardware(accelerator="cpu", workers=0).patch_workers == 0
