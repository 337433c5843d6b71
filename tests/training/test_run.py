"""Training: pairs, the loss, and a short run that is stopped and resumed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.losses import RelativeLoss
from deepz_zoo.network.weights import load_generator
from deepz_zoo.optics import get_system
from deepz_zoo.preprocess import intensity_scale
from deepz_zoo.training.cache import StackCache, build_cache
from deepz_zoo.training.data import PatchPairs, ValidationPairs, draw_pair, farthest_um
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.record import TrainingRecord
from deepz_zoo.training.run import train

SYSTEM = get_system("leica20x_0.8/TxRd")
SETTINGS = TrainingSettings(
    generator=GeneratorConfig(width=0.08, levels=3),
    stacks=5,
    stack_px=48,
    patch_px=48,
    small_patch_px=32,
    small_share=0.5,
    batch_size=2,
    max_steps=4,
    validate_every=2,
    validation_pairs=3,
    warmup_steps=1,
    average=0.5,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stacks")


@pytest.fixture(scope="module")
def cache(folder: Path) -> StackCache:
    return build_cache(folder, SYSTEM, stacks=5, stack_px=48, seed=0, progress=False)


def test_pairs_lie_within_the_axial_range_and_half_of_the_targets_are_sharp(
    cache: StackCache,
) -> None:
    rng = np.random.default_rng(0)
    pairs = [draw_pair(cache, range(5), (0.0, 4.0), rng) for _ in range(400)]
    distances = np.array([cache.z_um[p.target] - cache.z_um[p.source] for p in pairs])
    assert np.abs(distances).max() <= 4.0
    assert (distances > 0).mean() == pytest.approx((distances < 0).mean(), abs=0.15)
    assert 0.02 < (distances == 0).mean() < 0.25
    ranks = [(cache.contrast[p.stack] > cache.contrast[p.stack, p.target]).mean() for p in pairs]
    assert np.median(ranks) < 0.35


def test_a_patch_is_the_pair_in_the_scale_of_its_input(cache: StackCache) -> None:
    torch.manual_seed(0)
    alone = SETTINGS.model_copy(update={"lone_image_share": 1.0})
    for index in range(5):
        sample = PatchPairs(cache, range(5), SYSTEM, alone, 10)[index]
        # Batches of two take turns: large patches, then small ones.
        size = 48 if index // 2 % 2 == 0 else 32
        assert sample["input"].shape == (2, size, size)
        assert sample["target"].shape == (1, size, size)
        assert sample["input"][1].unique().numel() == 1
        held, distance = farthest_um(SYSTEM, 32), 10 * sample["input"][1, 0, 0].abs()
        assert distance <= held if size == 32 else held <= distance <= SYSTEM.z_range_um
        assert torch.isfinite(sample["target"]).all()


def test_small_patches_hold_short_distances() -> None:
    """A bead at 10 µm of a 20x/0.8 is 80 px wide: half of 160 px."""
    assert farthest_um(SYSTEM, 160) == pytest.approx(9.75)
    assert farthest_um(SYSTEM, 80) == pytest.approx(4.875)
    assert farthest_um(SYSTEM, 512) == SYSTEM.z_range_um


def test_the_recorded_scale_is_that_of_the_lone_plane(cache: StackCache) -> None:
    expected = intensity_scale(cache.camera[2, 7])
    assert cache.lone_scale[2, 7] == pytest.approx((expected.background, expected.scale), rel=1e-5)


def test_validation_pairs_are_raw_and_fixed(cache: StackCache) -> None:
    pairs = [ValidationPairs(cache, range(3, 5), 10.0, 4) for _ in range(2)]
    assert pairs[0].pairs == pairs[1].pairs
    assert {p.stack for p in pairs[0].pairs} <= {3, 4}
    sample = pairs[0][0]
    assert sample["input"][0].min() >= 0, "camera units"
    assert sample["input"][1].abs().max() <= 10, "µm"


def test_a_finished_simulation_is_opened_and_another_ones_refused(
    cache: StackCache, folder: Path
) -> None:
    again = build_cache(folder, SYSTEM, stacks=5, stack_px=48, seed=0, progress=False)
    assert np.array_equal(again.camera[4], cache.camera[4])
    with pytest.raises(DeepZError, match="other settings"):
        build_cache(folder, SYSTEM, stacks=5, stack_px=48, seed=1, progress=False)


def test_the_loss_does_not_reward_dimming() -> None:
    torch.manual_seed(0)
    target = torch.zeros(1, 1, 64, 64)
    target[..., 20:24, 20:24] = 50.0
    loss = RelativeLoss()
    values = [loss(share * target, target).item() for share in (0.0, 0.5, 0.9, 1.0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0
    brighter = loss(3 * 0.5 * target, 3 * target).item()
    assert brighter == pytest.approx(values[1], rel=1e-5), "independent of the brightness"


def test_a_run_writes_weights_with_their_record_and_resumes(tmp_path: Path, folder: Path) -> None:
    run = tmp_path / "run"

    def go(settings: TrainingSettings, resume: bool) -> Path:
        return train(
            SYSTEM,
            settings,
            run,
            preset="lite",
            data_folder=folder,
            resume=resume,
            command="deepz-zoo train",
            progress=False,
        )

    weights = go(SETTINGS, resume=False)
    record = TrainingRecord.model_validate_json((run / "best.json").read_text())
    assert record.system == SYSTEM
    assert record.patches == 2 * record.steps > 0
    assert record.command == "deepz-zoo train"
    generator = load_generator(weights, record.generator)
    assert not torch.all(generator.last.bias == 0.1), "the weights have moved"
    rows = (run / "metrics/version_0/metrics.csv").read_text().splitlines()
    assert "val_correlation" in rows[0]

    with pytest.raises(DeepZError, match="add --resume"):
        go(SETTINGS, resume=False)
    longer = SETTINGS.model_copy(update={"max_steps": 8})
    go(longer, resume=True)
    checkpoint = torch.load(run / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 8
    assert checkpoint["callbacks"]["KeepBest"]["patches"] == 16
    assert checkpoint["callbacks"]["KeepBest"]["commands"] == 2 * ["deepz-zoo train"]
    assert json.loads((run / "best.json").read_text())["hours"] >= 0


def test_nothing_to_resume_from(tmp_path: Path) -> None:
    with pytest.raises(DeepZError, match=r"no last\.ckpt"):
        train(SYSTEM, SETTINGS, tmp_path / "none", preset="lite", resume=True, progress=False)
