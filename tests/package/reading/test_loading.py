"""The model out of a package, with nothing of the package run and nothing in it believed twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from bioimageio.spec.utils import write_yaml

from deepz_zoo.errors import DeepZError
from deepz_zoo.package.build import build_package
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.package.contents.variants import Variant
from deepz_zoo.package.reading.loading import is_package, load_packaged_model
from tests.builders import read_yaml


def rewrite(folder: Path, change) -> None:
    path = folder / FILES.description
    content = read_yaml(path)
    change(content)
    write_yaml(content, path)


def replace_weights(folder: Path, state: object) -> None:
    """Store other weights with their right hash: only what they hold is wrong."""
    torch.save(state, folder / FILES.state_dict)
    digest = hashlib.sha256((folder / FILES.state_dict).read_bytes()).hexdigest()
    rewrite(folder, lambda rdf: rdf["weights"]["pytorch_state_dict"].update(sha256=digest))


@pytest.mark.slow
@pytest.mark.parametrize("variant", [Variant(), Variant((0.0, 5.0))])
def test_model_of_either_variant_is_the_one_that_was_packaged(
    model, manifest, example, tmp_path, variant
):
    path = tmp_path / "a.zip"
    build_package(model, manifest, path, variant=variant, example=example, test=False)
    loaded, found = load_packaged_model(path)
    assert found == manifest
    tensor = torch.from_numpy(example.tensor)
    with torch.no_grad():
        torch.testing.assert_close(loaded(tensor), model(tensor), rtol=0, atol=0)


def test_folder_loads_like_the_zip(built, unpacked, example):
    (one, _), (other, _) = load_packaged_model(built), load_packaged_model(unpacked)
    tensor = torch.from_numpy(example.tensor)
    with torch.no_grad():
        np.testing.assert_array_equal(one(tensor), other(tensor))


def test_what_is_a_package(built, unpacked, tmp_path):
    assert is_package(built)
    assert is_package(unpacked)
    assert not is_package(tmp_path)
    assert not is_package(tmp_path / "best.safetensors")


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_pickled_program_is_not_run(folder, tmp_path):
    replace_weights(folder, {"generator.last.bias": Payload(tmp_path / "harmed")})
    with pytest.raises(DeepZError, match="not a state dict of tensors"):
        load_packaged_model(folder)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("state", [{}, [torch.zeros(2)], {"generator.last.bias": 3}, None])
def test_weights_of_another_network(folder, state):
    replace_weights(folder, state)
    with pytest.raises(DeepZError, match=r"does not fit a generator of width 0.05 and 2 levels"):
        load_packaged_model(folder)


def test_weights_that_were_exchanged(folder):
    path = folder / FILES.state_dict
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DeepZError, match=r"weights.pt was changed"):
        load_packaged_model(folder)


def other_manifest(folder: Path) -> None:
    path = folder / FILES.manifest
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["system"]["pixel_size_um"] = 0.65
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda f: rewrite(f, lambda rdf: rdf["config"].pop("deepz")), "not a Deep-Z package"),
        (
            lambda f: rewrite(f, lambda rdf: rdf["config"]["deepz"]["system"].pop("z_range_um")),
            r"config.deepz.system.z_range_um: Field required",
        ),
        (
            lambda f: rewrite(f, lambda rdf: rdf["weights"].pop("pytorch_state_dict")),
            "no weights as pytorch_state_dict",
        ),
        (
            lambda f: rewrite(
                f, lambda rdf: rdf["weights"]["pytorch_state_dict"].update(source=[1])
            ),
            "no weights as pytorch_state_dict",
        ),
        (lambda f: (f / FILES.manifest).unlink(), "no manifest.json"),
        (lambda f: (f / FILES.manifest).write_text("{}"), "not a Manifest"),
        (other_manifest, "of different models"),
    ],
)
def test_package_that_is_none_of_ours_or_does_not_agree(folder, damage, reason):
    damage(folder)
    with pytest.raises(DeepZError, match=reason) as error:
        load_packaged_model(folder)
    assert str(folder) in str(error.value)
