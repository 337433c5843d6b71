"""Manifests survive their JSON and say what they must."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from deepz_zoo.models import load_model
from deepz_zoo.network.config import GENERATOR_SIZES, GeneratorConfig
from deepz_zoo.records.manifest import Manifest, generator_size


@pytest.fixture
def manifest(run) -> Manifest:
    return load_model(run)[1]


def test_json_round_trip(manifest, accuracy):
    full = manifest.model_copy(update={"accuracy": accuracy})
    assert Manifest.model_validate_json(full.model_dump_json()) == full


def test_it_is_frozen_and_refuses_what_it_does_not_know(manifest):
    with pytest.raises(ValidationError):
        manifest.sha256 = "0" * 64
    with pytest.raises(ValidationError, match="surprise"):
        Manifest.model_validate({**manifest.model_dump(), "surprise": 1})


def test_simulated_weights_say_so(manifest):
    assert manifest.training_data == "simulated"
    assert "simulated" in manifest.provenance
    assert "not the weights of the method's authors" in manifest.provenance
    assert "spherical_aberration" in [mode.cause for mode in manifest.failure_modes]


@pytest.mark.parametrize(
    ("config", "size"),
    [
        (GENERATOR_SIZES["paper"], "paper"),
        (GENERATOR_SIZES["lite"], "lite"),
        (GeneratorConfig(levels=6), "custom"),
        (GeneratorConfig(width=0.05), "custom"),
    ],
)
def test_size_is_the_name_of_the_preset(config, size):
    assert generator_size(config) == size
