"""Weights to begin with: a run's checkpoint, its best weights, and what does not fit."""

from __future__ import annotations

import hashlib

import pytest
import torch

from deepz_zoo.cards.rows import training_data_rows
from deepz_zoo.errors import DeepZError
from deepz_zoo.models import load_model
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.weights import load_generator
from deepz_zoo.records.training import TrainingRecord
from deepz_zoo.training.hardware import Hardware
from deepz_zoo.training.run import train
from deepz_zoo.training.transfer import start_from_checkpoint, start_from_model

CPU = Hardware(accelerator="cpu", workers=0, precision="32-true")


@pytest.fixture(scope="module")
def run(tmp_path_factory, system, settings, folder, cache):
    """The folder of a finished run."""
    run = tmp_path_factory.mktemp("first") / "run"
    train(
        system, settings, run, preset="lite", stacks_folder=folder, hardware=CPU, progress_bar=False
    )
    return run


def test_a_checkpoint_gives_its_averaged_weights(run, settings) -> None:
    start = start_from_checkpoint(run / "last.ckpt")
    generator = Generator(settings.generator)
    start.load_into(generator, settings.generator)
    averaged = torch.load(run / "last.ckpt", weights_only=True)["state_dict"]
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, averaged[f"generator.{name}"]), name
    assert start.record.sha256 == hashlib.sha256((run / "last.ckpt").read_bytes()).hexdigest()


def test_a_run_begins_with_them_and_says_so(run, system, settings, folder, tmp_path) -> None:
    start = start_from_checkpoint(run / "last.ckpt")
    # So small a rate leaves the weights where they were.
    still = settings.model_copy(update={"learning_rate": 1e-12, "weight_decay": 0.0})
    weights = train(
        system, still, tmp_path / "run", preset="lite", stacks_folder=folder, start=start,
        hardware=CPU, progress_bar=False,
    )  # fmt: skip
    record = TrainingRecord.model_validate_json((tmp_path / "run/best.json").read_text())
    assert record.start == start.record
    assert training_data_rows(record)["started from"].startswith("last.ckpt, SHA-256 ")
    for name, tensor in load_generator(weights, settings.generator).state_dict().items():
        torch.testing.assert_close(tensor, start.weights[name], msg=name)


@pytest.mark.parametrize("name", ["best.safetensors", "last.ckpt"])
def test_the_command_line_takes_either_file_and_refuses_another_size_in_a_line(
    name, run, run_cli, tmp_path
) -> None:
    """The tiny network's weights are not those of the preset."""
    code, _, err = run_cli(
        "train", "leica20x_0.8/TxRd", "-o", tmp_path / "other", "--from", run / name
    )
    assert code == 2
    assert f"the weights of {name} do not fit" in err
    assert "choose the --preset that they were trained with" in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "other").exists()


def test_another_network_is_refused_in_one_line(run) -> None:
    start = start_from_checkpoint(run / "last.ckpt")
    for other in (GeneratorConfig(width=0.25, levels=3), GeneratorConfig(width=0.08, levels=2)):
        generator = Generator(other)
        before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
        with pytest.raises(DeepZError, match="do not fit") as error:
            start.load_into(generator, other)
        assert "\n" not in str(error.value)
        assert all(torch.equal(t, before[name]) for name, t in generator.state_dict().items())


def test_what_is_no_checkpoint_is_refused_without_unpickling(tmp_path) -> None:
    file = tmp_path / "last.ckpt"
    with pytest.raises(DeepZError, match="no such file"):
        start_from_checkpoint(file)
    file.write_bytes(b"not a checkpoint")
    with pytest.raises(DeepZError, match="not a training checkpoint"):
        start_from_checkpoint(file)

    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    torch.save({"state_dict": {}, "trap": Trap()}, file)
    with pytest.raises(DeepZError, match="not a training checkpoint"):
        start_from_checkpoint(file)
    assert not (tmp_path / "sprung").exists()


def test_a_larger_network_begins_with_the_weights_of_a_smaller_one(run, settings) -> None:
    model, manifest = load_model(run)
    start = start_from_model(model, manifest)
    larger = settings.generator.model_copy(
        update={"width": 1.5 * settings.generator.width, "up_kernel": 3}
    )
    generator = Generator(larger)
    start.load_into(generator, larger)
    image = torch.randn(1, 2, 32, 32)
    before, after = model.generator(image), generator(image)
    assert (after - before).std() < 0.2 * before.std()
