"""A short run: what it writes, how it goes on, and when it stops."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from deepz_zoo.errors import DeepZError
from deepz_zoo.network.losses import RelativeLoss
from deepz_zoo.network.weights import load_generator
from deepz_zoo.optics.instrument import Instrument
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.records.training import TrainingRecord
from deepz_zoo.training.batches import TrainingBatches
from deepz_zoo.training.hardware import Hardware
from deepz_zoo.training.module import GeneratorTraining
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.run import simulate_stacks, train
from deepz_zoo.training.simulated_batches import SimulatedBatches

pytestmark = pytest.mark.slow

CPU = Hardware(accelerator="cpu", workers=0, precision="32-true")


@pytest.fixture
def go(system, settings, folder, cache, tmp_path):
    """Return a function that trains into one run folder."""

    def run(changes: dict | None = None, **options) -> Path:
        return train(
            system,
            TrainingSettings.model_validate(settings.model_dump() | (changes or {})),
            tmp_path / "run",
            **{"preset": "lite", "stacks_folder": folder, "hardware": CPU, "progress_bar": False,
               "command": "deepz-zoo train"} | options,
        )  # fmt: skip

    return run


def test_a_run_writes_weights_with_their_record_and_resumes(go, system, tmp_path) -> None:
    run = tmp_path / "run"
    weights = go()
    record = TrainingRecord.model_validate_json((run / "best.json").read_text())
    assert record.system == system
    assert record.patches == 2 * record.steps > 0
    assert record.command == "deepz-zoo train"
    assert record.training_data == "simulated"
    assert set(record.data_ranges["planes"]) == {"background", "signal", "signal_to_noise"}
    generator = load_generator(weights, record.generator)
    assert not torch.all(generator.last.bias == 0.1), "the weights have moved"
    rows = (run / "metrics/version_0/metrics.csv").read_text().splitlines()
    assert "val_correlation" in rows[0]
    assert list(run.glob("tensorboard/version_0/events*"))

    with pytest.raises(DeepZError, match="set `resume`"):
        go()
    go({"max_steps": 8}, resume=True, command="deepz-zoo train --max-steps 8")
    go({"max_steps": 8}, resume=True, command="deepz-zoo train --max-steps 8")
    checkpoint = torch.load(run / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 8
    assert checkpoint["callbacks"]["KeepBest"]["patches"] == 16
    assert checkpoint["callbacks"]["KeepBest"]["commands"] == [
        "deepz-zoo train",
        "deepz-zoo train --max-steps 8 --resume",
    ]
    assert json.loads((run / "best.json").read_text())["hours"] >= 0


def test_each_validation_writes_a_picture(go, tmp_path) -> None:
    go()
    pictures = sorted((tmp_path / "run/samples").iterdir())
    assert [p.name for p in pictures] == ["step_0000002.png", "step_0000004.png"]
    rows, columns = iio.imread(pictures[0]).shape
    assert (rows % (48 + 16), columns) == (0, 3 * 48), "labels, input, refocused, ground truth"


@pytest.mark.slow
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(go, tmp_path) -> None:
    """In the middle of a validation interval too; adversarial, since its rates do not change."""
    changes = {"adversarial": True, "average": 0.0}
    whole = go(changes | {"max_steps": 5})
    whole.parent.rename(tmp_path / "whole")
    go(changes | {"max_steps": 3})
    go(changes | {"max_steps": 5}, resume=True)
    ends = [
        torch.load(tmp_path / name / "last.ckpt", weights_only=True) for name in ("whole", "run")
    ]
    assert [end["global_step"] for end in ends] == [45, 45]
    for name, tensor in ends[0]["state_dict"].items():
        torch.testing.assert_close(ends[1]["state_dict"][name], tensor, msg=name)


def test_a_loss_that_is_not_a_number_stops_with_step_and_batch(
    go, cache, system, settings, monkeypatch, tmp_path
) -> None:
    calls = iter(range(100))
    true_loss = RelativeLoss.forward

    def fails(self, refocused, target):
        return true_loss(self, refocused, target) * (float("nan") if next(calls) == 2 else 1.0)

    monkeypatch.setattr(RelativeLoss, "forward", fails)
    with pytest.raises(
        DeepZError, match=r"the loss is nan at step 2; the batch is kept in"
    ) as error:
        go(checkpoint_seconds=0)
    (file,) = (tmp_path / "run").glob("bad_batch_2_0.safetensors")
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)
    simulated = SimulatedBatches(cache, range(4), system, settings)
    batches = TrainingBatches(system, settings, simulated=simulated, prepared=None, seed=0)
    kept, third = load_file(file), batches[2]
    for name in ("input", "target"):
        assert torch.equal(kept[name], third[name])
    checkpoint = torch.load(tmp_path / "run/last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 2, "the last state before it"
    assert all(torch.isfinite(t).all() for t in checkpoint["state_dict"].values())


def test_a_run_is_silent(go, capfd, caplog) -> None:
    with warnings.catch_warnings(), caplog.at_level(logging.INFO, "pytorch_lightning"):
        warnings.simplefilter("error")
        go({"max_steps": 1}, checkpoint_seconds=0)
        go({"max_steps": 2}, checkpoint_seconds=0, resume=True)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert not caplog.records


def test_nothing_to_resume_from(system, settings, tmp_path) -> None:
    with pytest.raises(DeepZError, match=r"no last\.ckpt"):
        train(system, settings, tmp_path / "none", preset="lite", resume=True, progress_bar=False)


def test_another_network_s_run_is_not_resumed(go, tmp_path) -> None:
    go({"max_steps": 1})
    with pytest.raises(DeepZError, match=r"another `preset` or `adversarial`"):
        go({"adversarial": True}, resume=True)


def test_a_run_ends_after_its_minutes(go, tmp_path) -> None:
    go({"max_steps": 100_000, "max_minutes": 0.05, "validate_every": 1000})
    record = json.loads((tmp_path / "run/best.json").read_text())
    assert 0 < record["steps"] < 100_000


def test_the_rate_falls_toward_the_end_of_the_minutes(settings, monkeypatch) -> None:
    changes = {"max_steps": 1000, "max_minutes": 10.0, "decay_fraction": 0.5}
    module = GeneratorTraining(settings.model_copy(update=changes))
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    module.on_train_start()
    rates = []
    for now[0] in (0.0, 240.0, 450.0, 600.0):
        rates.append(module._relative_rate(10))
    assert rates == pytest.approx([1, 1, 0.5, 0])
    assert module._relative_rate(1000) == pytest.approx(0), "or of the steps"


def test_stacks_are_simulated_before_a_run(system, settings, tmp_path) -> None:
    simulate_stacks(system, settings, tmp_path / "stacks", progress_bar=False)
    light = np.load(tmp_path / "stacks/light.npy", mmap_mode="r")
    assert light.shape[0] == settings.stacks and light.max() == 1
    before = (tmp_path / "stacks/done.json").stat().st_mtime_ns
    run = {"preset": "lite", "stacks_folder": tmp_path / "stacks", "progress_bar": False}
    train(system, settings.model_copy(update={"max_steps": 1}), tmp_path / "run", **run)
    assert (tmp_path / "stacks/done.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(("gradient", "turned"), [((0.5, 0.0), False), ((0.0, 0.0), True)])
def test_one_instrument_is_not_turned_unless_it_is_round(
    system, settings, tmp_path, monkeypatch, gradient, turned
) -> None:
    drawn = PsfParameters.nominal(system)
    instrument = Instrument(
        **{name: getattr(drawn, name) for name in Instrument.model_fields}
        | {"pupil_gradient": gradient}
    )
    seen = []

    def no_data(system, settings, **options) -> None:
        seen.append(settings.turn)
        raise DeepZError("no data")

    monkeypatch.setattr("deepz_zoo.training.run.PatchData", no_data)
    own = system.model_copy(update={"instrument": instrument})
    with pytest.raises(DeepZError, match="no data"):
        train(own, settings, tmp_path / "run", preset="lite", progress_bar=False)
    assert seen == [turned]
