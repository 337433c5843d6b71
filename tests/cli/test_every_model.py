"""Every model that ships becomes a valid package and refocuses an image."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from deepz_zoo.images import Image, write_image
from deepz_zoo.records.manifest import Manifest
from deepz_zoo.simulate import simulate_stack
from deepz_zoo.zoo import list_models

every_model = pytest.mark.parametrize("manifest", list_models(), ids=lambda manifest: manifest.name)


@pytest.mark.slow
@every_model
def test_it_packages_and_validates(manifest: Manifest, run_cli, tmp_path) -> None:
    path = tmp_path / "model.zip"
    # `validate` runs what `package` would test, and more.
    code, _, err = run_cli("package", manifest.name, "-o", path, "--no-test")
    assert code == 0, err
    code, out, err = run_cli("validate", path)
    assert code == 0, out + err


@pytest.mark.slow
@every_model
def test_it_refocuses_by_its_name(manifest: Manifest, run_cli, tmp_path) -> None:
    system = manifest.system
    specimen = system.specimen_kinds[0]
    near = system.model_copy(update={"z_range_um": 2 * system.z_step_um})
    stack = simulate_stack(near, specimen, seed=1_950_000, shape=(96, 96), noise="low")
    image, out = tmp_path / "image.tif", tmp_path / "out.ome.tif"
    write_image(image, Image(stack.camera[2], "yx", system.pixel_size_um))
    z = system.z_range_um / 2
    code, _, err = run_cli(
        "refocus", image, "-o", out, "--objective", manifest.name, "--z", f"{-z},0,{z}"
    )
    assert code == 0, err
    planes = tifffile.imread(out)
    assert planes.shape == (3, 96, 96)
    assert np.isfinite(planes).all()
    # In the units of its input, and each plane another one.
    assert planes.max() < 20.0 * stack.camera[2].max()
    assert np.abs(planes[0] - planes[2]).max() > 0.1 * np.ptp(planes[0])
