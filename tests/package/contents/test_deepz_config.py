"""``config.deepz`` and its published schema; the second opinion is jsonschema's."""

from __future__ import annotations

import copy
import json
import runpy
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from deepz_zoo.errors import DeepZError
from deepz_zoo.package.contents.deepz_config import deepz_config_of, read_deepz_config
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.package.contents.variants import Variant
from deepz_zoo.zoo import get_manifest
from tests.builders import read_yaml

PACKAGING = Path(__file__).parents[3] / "packaging"

pytestmark = pytest.mark.skipif(
    not PACKAGING.is_dir(), reason="needs packaging/: run the tests in a clone of the repository"
)


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    text = (PACKAGING / "deepz_config.schema.json").read_text(encoding="utf-8")
    Draft202012Validator.check_schema(json.loads(text))
    return Draft202012Validator(json.loads(text))


@pytest.fixture(scope="module")
def deepz() -> dict[str, object]:
    """Return what a package of the embedded model states."""
    manifest = get_manifest("leica20x_0.8/TxRd")
    return deepz_config_of(manifest, Variant()).model_dump(mode="json")


def test_published_schema_is_that_of_the_code():
    written = runpy.run_path(str(PACKAGING / "write_schema.py"))["schema_text"]()
    published = (PACKAGING / "deepz_config.schema.json").read_text(encoding="utf-8")
    assert published == written, "run: python packaging/write_schema.py"


def test_packages_follow_the_schema(schema, deepz, unpacked):
    in_package = read_yaml(unpacked / FILES.description)["config"]["deepz"]
    zstack = deepz_config_of(get_manifest("leica20x_0.8/TxRd"), Variant((-1.0, 2.0)))
    for content in (deepz, json.loads(json.dumps(in_package)), zstack.model_dump(mode="json")):
        assert [error.message for error in schema.iter_errors(content)] == []
        read_deepz_config(content)


def test_it_says_what_a_program_has_to_know(deepz):
    lens = deepz["system"]["objective"]
    assert (lens["numerical_aperture"], lens["immersion"]) == (0.8, "air")
    assert deepz["system"]["channel"]["emission_wavelength_um"] == 0.615
    assert deepz["system"]["pixel_size_um"] == 0.325
    assert deepz["dpm"] == {
        "channel_index": 1,
        "channel_name": "dpm",
        "unit": "µm",
        "positive_direction": "increasing stage z",
        "range_um": [-10.0, 10.0],
        "shortest_lateral_period_um": 32.5,
        "scale_um": 10.0,
    }
    manifest = get_manifest("leica20x_0.8/TxRd")
    assert deepz["provenance"]["weights_sha256"] == manifest.sha256
    assert manifest.accuracy is not None
    stated = {
        (row["noise"], row["distance_um"]): row["error_over_rms"] for row in deepz["accuracy"]
    }
    assert stated["low", 5.0] == pytest.approx(manifest.accuracy.error_over_rms(dz=5.0), abs=1e-4)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: d.pop("system"), "config.deepz.system"),
        (lambda d: d["system"].update(pixel_size_um=0), "config.deepz.system.pixel_size_um"),
        (lambda d: d["dpm"].update(unit="nm"), "config.deepz.dpm.unit"),
        (lambda d: d["dpm"].update(sign=1), "config.deepz.dpm.sign"),
        (lambda d: d.update(format_version=2), "config.deepz.format_version"),
        (lambda d: d["provenance"].update(weights_sha256="x"), "weights_sha256"),
    ],
)
def test_what_the_code_refuses_the_schema_refuses_too(schema, deepz, change, place):
    changed = copy.deepcopy(deepz)
    change(changed)
    with pytest.raises(DeepZError, match=place):
        read_deepz_config(changed)
    assert not schema.is_valid(changed)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: s.update(z_range_um=1e9), "axial range in steps"),
        (lambda s: s.update(z_step_um=1e-9), "axial range in steps"),
        (lambda s: s.update(z_range_um=float("nan")), "finite number"),
        (lambda s: s.update(pixel_size_um=1e-12), "pixel size"),
        (lambda s: s["channel"].update(emission_wavelength_um=1e-9), "emission wavelength"),
    ],
)
def test_optics_that_would_fill_the_memory(deepz, change, reason):
    changed = copy.deepcopy(deepz)
    change(changed["system"])
    with pytest.raises(DeepZError, match=f"{reason}|greater than 0"):
        read_deepz_config(changed)


def test_a_model_is_of_one_variant(deepz):
    changed = copy.deepcopy(deepz) | {"dpm": None}
    with pytest.raises(DeepZError, match="expected one"):
        read_deepz_config(changed)
