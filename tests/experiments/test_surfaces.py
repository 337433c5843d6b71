"""Fig. S7 with models whose artifacts are known, and its parts by closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.experiments.catalogue import get_experiment
from deepz_zoo.experiments.on_surface import image_on_surface
from deepz_zoo.experiments.result import Result
from deepz_zoo.experiments.sinusoid import SinusoidResult
from deepz_zoo.experiments.spectrum import harmonics, power_spectrum
from deepz_zoo.experiments.surface_to_surface import SurfaceToSurfaceResult
from tests.evaluation.stand_ins import Identity, StandIn
from tests.experiments.stand_ins import PLANES, Perfect, subject

RIPPLE = 5.0
"""Grey levels per µm."""


class Rippled(StandIn):
    """Returns its input with ripples where the DPM varies."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        dpm = x[:, 1:]
        return x[:, :1] + RIPPLE * (dpm - dpm.mean())


def findings(result: Result) -> dict[str, str]:
    return {finding.quantity: finding.ours for finding in result.findings()}


def test_a_wave_has_its_amplitude_and_its_place_in_the_spectrum() -> None:
    x = np.arange(128)
    wave = 0.3 * np.cos(2 * np.pi * x / 16 + 1) + 0.1 * np.sin(2 * np.pi * x / 8)
    image = np.tile(7 + wave, (4, 1))
    assert harmonics(image, 16, 3) == pytest.approx([0.3, 0.1, 0], abs=1e-9)
    power = power_spectrum(image)
    assert np.argmax(power) == 128 / 16
    assert power[8] == pytest.approx(0.3**2 / 2)
    assert power[16] == pytest.approx(0.1**2 / 2)


def test_pixels_do_not_resolve_half_of_a_period() -> None:
    assert np.isnan(harmonics(np.ones((2, 8)), 2, 3)).all()
    assert np.isnan(harmonics(np.ones((2, 8)), 4, 3)).tolist() == [False, True, True]


def test_between_planes_the_image_is_interpolated_and_beyond_them_it_is_the_last() -> None:
    planes = np.arange(5)[:, None, None] * np.full((5, 2, 3), 10)
    depth = np.array([[0, 0.5, 1.25], [4, 6, -3]])
    assert image_on_surface(planes, depth).tolist() == [[0, 5, 12.5], [40, 40, 0]]


def test_a_model_without_artifacts_is_reliable_at_all_periods() -> None:
    result = get_experiment("sinusoid").run(subject(Identity()))
    assert isinstance(result, SinusoidResult)
    assert (result.lowest_um, result.highest_um) == (-9, -1)
    assert [point.period_px for point in result.points] == [2, 16, 64]
    assert [point.relative_error for point in result.points] == pytest.approx([1, 1, 1])
    assert np.max(result.spectra) == pytest.approx(0, abs=1e-12)
    assert "all, from 2" in findings(result).values()


def test_ripples_of_a_model_are_found_at_the_period_of_the_surface() -> None:
    result = get_experiment("sinusoid").run(subject(Rippled()))
    assert isinstance(result, SinusoidResult)
    point = next(point for point in result.points if point.period_px == 16)
    # surfaces oscillate by 4 µm; the images are not whole numbers of periods wide
    assert point.fundamental == pytest.approx(4 * RIPPLE / PLANES.scale, rel=0.05)
    assert point.second is not None
    assert point.second < 0.15 * point.fundamental
    spectrum = result.spectra[result.points.index(point)]
    peak = result.frequencies_per_um[int(np.argmax(spectrum))]
    width = result.frequencies_per_um[1]
    assert peak == pytest.approx(1 / point.period_um, abs=width)
    assert point.relative_error > 1


def test_a_surface_must_lie_within_the_stack() -> None:
    shallow = replace(
        PLANES,
        camera=PLANES.camera[16:25],
        ground_truth=PLANES.ground_truth[16:25],
        z_um=PLANES.z_um[16:25],
    )
    with pytest.raises(DeepZError, match=r"from -2 to \+2 µm .* expected at least .*deeper stack"):
        get_experiment("sinusoid").run(replace(subject(Identity()), stack=shallow))


def test_pairs_of_planes_within_the_half_range_fill_the_matrix() -> None:
    result = get_experiment("surface-to-surface").run(subject(Perfect()))
    assert isinstance(result, SurfaceToSurfaceResult)
    values, z_um = result.matrix("model", "rmse")
    assert z_um == [-10, -5, 0, 5, 10]
    apart = np.abs(np.subtract.outer(z_um, z_um))
    assert np.array_equal(np.isnan(values), apart > 10)
    assert np.nanmax(values) == 0
    given, _ = result.matrix("input", "rmse")
    assert np.nanmin(given[(apart > 0) & (apart <= 10)]) > 0
    assert "100% of 14" in findings(result).values()
