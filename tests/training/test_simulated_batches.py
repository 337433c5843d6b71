"""Batches made in torch at once: what they hold is what one plane after the other would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.training.artifacts import HOTTEST, Artifacts
from deepz_zoo.training.draws import Draws
from deepz_zoo.training.simulated_batches import Exposures, SimulatedBatches
from deepz_zoo.training.surfaces import draw_surfaces

PLAIN = {"batch_size": 32, "scale_jitter": 0.0, "background_jitter": 0.0, "artifact_fraction": 0.0}


def batches_of(cache, system, settings, **changes) -> SimulatedBatches:
    settings = settings.model_copy(update=PLAIN | changes)
    return SimulatedBatches(cache, range(4), system, settings)


def draws(images: int, seed: int = 0) -> Draws:
    return Draws(torch.Generator().manual_seed(seed), images)


def test_the_same_plane_as_input_and_target_is_the_same_image_but_for_noise(
    cache, system, settings
) -> None:
    sample = batches_of(cache, system, settings).batch(1, 48, (0.0, 0.0))
    image, target = sample["input"][:, 0], sample["target"][:, 0]
    assert not sample["input"][:, 1].any()
    for noisy, clean in zip(image[::2], target[::2], strict=True):  # those of low noise
        assert np.corrcoef(noisy.ravel(), clean.ravel())[0, 1] > 0.9


def test_targets_are_planes_of_the_stacks_in_all_eight_ways(cache, system, settings) -> None:
    """A target is a linear function of a plane: exposure, camera and normalization are."""
    batches = batches_of(cache, system, settings, turn=True)
    planes: Any = cache.light[:4].reshape(-1, 48, 48).astype(np.float32)
    planes = planes[planes.std(axis=(1, 2)) > 1e-4]
    ways: list[Any] = [np.rot90(planes, turns, (1, 2)) for turns in range(4)]
    ways += [way[:, :, ::-1] for way in ways]
    found = set()
    for target in batches.batch(2, 48, (0.0, 10.0))["target"][:, 0].numpy():
        correlations = np.array([
            [np.corrcoef(target.ravel(), plane.ravel())[0, 1] for plane in way] for way in ways
        ])  # fmt: skip
        # The background may slope: the ramp is no part of the plane.
        assert correlations.max() > 0.96
        found.add(int(correlations.max(axis=1).argmax()))
    assert len(found) >= 6
    still = batches_of(cache, system, settings, turn=False)
    for target in still.batch(2, 48, (0.0, 10.0))["target"][:8, 0].numpy():
        unturned = [np.corrcoef(target.ravel(), plane.ravel())[0, 1] for plane in ways[0]]
        assert max(unturned) > 0.96


def test_distances_are_within_their_limits_and_targets_often_sharp(cache, system, settings) -> None:
    batches = batches_of(cache, system, settings, batch_size=400)
    planes = batches._planes((1.0, 4.0), draws(400))
    z = torch.tensor(cache.z_um)
    distance = (z[planes.target] - z[planes.source]).ravel()
    assert distance.abs().min() >= 1.0 - 1e-6 and distance.abs().max() <= 4.0 + 1e-6
    assert (distance > 0).float().mean() == pytest.approx(0.5, abs=0.15)
    contrast = torch.tensor(np.asarray(cache.contrast))[planes.stack.ravel()]
    of_target = contrast.gather(1, planes.target[:, 0])
    ranks = (contrast > of_target).float().mean(dim=1)
    assert ranks.median() < 0.35


def test_images_are_normalized_as_a_single_image_is(cache, system, settings) -> None:
    """Every second row and column of the noisy plane gives the scale of the whole one."""
    batches = batches_of(cache, system, settings, single_image_fraction=1.0, batch_size=64)
    sample = batches.batch(3, 48, (0.0, 10.0))
    scales = []
    for image in sample["input"][:, 0].numpy():
        grey = (image - image.min()) * 1000  # any linear function of it
        scale = intensity_scale(grey.round().astype(np.float32))
        assert scale.background / 1000 + image.min() == pytest.approx(0, abs=0.4)
        scales.append(scale.scale / 1000)
    # A quarter of 48 × 48 pixels has few bright ones; it varies, and is right in the middle.
    assert np.median(scales) == pytest.approx(1, abs=0.1)
    assert min(scales) > 0.4 and max(scales) < 2.5


def test_a_surface_takes_its_light_between_the_planes(cache, system, settings) -> None:
    batches = batches_of(cache, system, settings, batch_size=2)
    planes = batches._planes((0.0, 4.0), draws(2))
    y, x = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    y, x = y.expand(2, 48, 48), x.expand(2, 48, 48)
    dpm = 0.3 * (y - 20) + torch.tensor([0.25, -0.1])[:, None, None]
    truth, reached = batches._interpolated(planes, dpm, y, x)
    for b in range(2):
        stack, source = int(planes.stack[b]), int(planes.source[b])
        depth = np.clip(source + dpm[b].numpy() / 0.5, 0, len(cache.z_um) - 1)
        volume = cache.target[stack].astype(np.float32)
        for row in (0, 20, 47):
            expected = [
                np.interp(depth[row, column], np.arange(len(volume)), volume[:, row, column])
                for column in range(48)
            ]
            np.testing.assert_allclose(truth[b, row], expected, atol=2e-3)
        np.testing.assert_allclose(reached[b], (depth - source) * 0.5, atol=2e-3)


def test_surfaces_are_smooth_and_within_the_range() -> None:
    surfaces = draw_surfaces(torch.zeros(64, 1, 1), 160, 10.0, draws(64))
    assert surfaces.abs().max() <= 10
    slope = surfaces.diff(dim=2).abs().amax(dim=(1, 2))
    assert slope.min() > 0 and slope.max() < 0.5, "µm from one pixel to the next"
    assert surfaces.std(dim=(1, 2)).median() > 0.5


def test_artifacts_are_in_a_fraction_of_the_images_and_never_in_targets(
    cache, system, settings
) -> None:
    clean = batches_of(cache, system, settings, batch_size=200)
    dirty = batches_of(cache, system, settings, batch_size=200, artifact_fraction=0.5)
    one, other = (batches.batch(4, 48, (0.0, 10.0)) for batches in (clean, dirty))
    artifacts = Artifacts.draw(0.5, 48, draws(200))
    hot, dark = (artifacts.hot > 0).ravel(), (artifacts.columns > 0).ravel()
    assert hot.float().mean() == pytest.approx(0.25, abs=0.1)
    assert dark.float().mean() == pytest.approx(0.25, abs=0.1)
    assert not (hot & dark).any()
    assert artifacts.hot.max() <= HOTTEST
    for before, after in zip(one["target"], other["target"], strict=True):
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.999
    # A hot pixel stands far above everything else of many images.
    highest = other["input"][:, 0].amax(dim=(1, 2)), one["input"][:, 0].amax(dim=(1, 2))
    assert (highest[0] > 3 * highest[1]).float().mean() > 0.05


def test_dark_columns_are_zeros_at_one_edge() -> None:
    artifacts = Artifacts.draw(1.0, 32, draws(100))
    image = torch.full((100, 32, 32), 500.0)
    patches = artifacts.on_patch(image)
    for patch, columns, right in zip(patches, artifacts.columns, artifacts.right, strict=True):
        count = int(columns)
        zeros = (patch == 0).all(dim=0)
        assert zeros.sum() == count <= 8
        if count:
            assert zeros[-count:].all() if bool(right) else zeros[:count].all()
        else:
            assert (patch != 500).sum() == 1, "one hot pixel"


def test_exposures_are_those_of_the_camera(cache, system, settings) -> None:
    """Background and brightest pixel of the targets, back in grey levels, are in the ranges."""
    batches = batches_of(cache, system, settings, single_image_fraction=0.0, batch_size=64)
    planes = batches._planes((0.0, 0.0), draws(64))
    y, x = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    light = batches._take(batches.light, planes, planes.source, y[None], x[None])
    exposures = Exposures.draw(draws(64))
    electrons = exposures.electrons(light, y[None], x[None], 48)
    assert electrons.max() <= 28_000 + 150 * 1.5
    assert electrons.min() >= 5 * (1 - 0.3 * 2**0.5) - 1e-3
    assert (exposures.peak[::2] == 28_000).all() and (exposures.peak[1::2] < 28_000).all()
