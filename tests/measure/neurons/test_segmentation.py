"""Planted neurons are found where they are, each with its own voxels."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.measure.neurons.segmentation import segment
from deepz_zoo.records.neurons import NeuronSettings

VOXEL_UM = (0.325, 0.5)
SHAPE = (21, 60, 72)
PLACES = np.array([(4, 15, 15), (16, 15, 16), (10, 40, 30), (10, 40, 39), (12, 30, 60)])


def volume(places: np.ndarray, noise: float = 3.0) -> np.ndarray:
    """Return Gaussian neurons, the first the brightest, on a background of 100."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    filled = np.full(SHAPE, 100.0)
    for number, (at_z, at_y, at_x) in enumerate(places):
        lateral = ((y - at_y) ** 2 + (x - at_x) ** 2) / 2.5**2
        filled += (900 - 80 * number) * np.exp(-(lateral + ((z - at_z) / 2) ** 2) / 2)
    filled += np.random.default_rng(0).normal(0, noise, SHAPE)
    return filled.astype(np.float32)


def test_neurons_are_found_at_their_places_the_brightest_first():
    found = segment(volume(PLACES), VOXEL_UM, NeuronSettings())
    np.testing.assert_allclose(found.centroids, PLACES, atol=1)
    assert set(np.unique(found.labels)) == {0, 1, 2, 3, 4, 5}
    # inside of the contour at half of the height of a Gaussian: 4/3 π (2 ln 2)^(3/2) σx σy σz
    lateral, axial = np.hypot((2.5, 2), np.divide(NeuronSettings().smoothing_um, VOXEL_UM))
    expected = 4 / 3 * np.pi * (2 * np.log(2)) ** 1.5 * lateral**2 * axial
    np.testing.assert_allclose(found.voxels, expected, rtol=0.15)


def test_one_above_the_other_is_one_neuron_in_a_single_plane():
    plane = volume(PLACES).max(axis=0, keepdims=True)
    found = segment(plane, (0.325, 1.0), NeuronSettings())
    assert len(found.centroids) == 4
    assert found.labels.shape == (1, *SHAPE[1:])


def test_nothing_is_searched_where_frames_do_not_cover_it():
    covered = np.ones(SHAPE[1:], np.bool_)
    covered[:, 50:] = False
    found = segment(volume(PLACES), VOXEL_UM, NeuronSettings(), covered)
    assert len(found.centroids) == 4
    assert not found.labels[:, ~covered].any()


@pytest.mark.parametrize(
    ("median", "settings"),
    [
        (np.full(SHAPE, 100, np.float32), NeuronSettings()),
        (volume(PLACES[:0]), NeuronSettings()),
        (volume(PLACES), NeuronSettings(threshold=2000)),
    ],
    ids=["empty", "noise", "threshold"],
)
def test_no_neurons_is_a_line(median, settings):
    with pytest.raises(DeepZError, match=r"no neurons .* set `threshold`"):
        segment(median, VOXEL_UM, settings)
