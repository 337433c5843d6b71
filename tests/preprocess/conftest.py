"""Small stacks: simulated ones, and an acquired one that is not part of the project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.images import Image, write_image
from deepz_zoo.optics import ImagingSystem, get_system
from deepz_zoo.simulate import simulate_stack


@pytest.fixture
def nucleus() -> Path:
    """One nucleus (CC-BY 4.0), confocal in channel 1 and wide field in channel 2."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    path = folder / "01_neubias_hoechst_confocal_widefield_ZCYX.tif"
    if not path.exists():
        pytest.skip(
            "needs image_data/xyzc_16bit__dna_conf_wf.tif of "
            f"https://github.com/NEUBIAS/training-resources as ../shared/data/{path.name}"
        )
    return path


@pytest.fixture(scope="session")
def system() -> ImagingSystem:
    return get_system("leica20x_0.8/TxRd")


@pytest.fixture(scope="session")
def write_stack() -> Callable[..., Path]:
    """Return a function that writes planes as the OME-TIFF of a microscope with 0.325 µm pixels."""

    def write(path: Path, planes: np.ndarray, step_um: float | None = 0.5) -> Path:
        write_image(path, Image(planes, "zyx", pixel_size_um=0.325, z_step_um=step_um))
        return path

    return write


@pytest.fixture(scope="session")
def stacks(
    tmp_path_factory: pytest.TempPathFactory, system: ImagingSystem, write_stack
) -> dict[str, Path]:
    """Simulated stacks by the name of their specimen."""
    folder = tmp_path_factory.mktemp("stacks")
    found = {}
    for seed, specimen in enumerate(("beads", "nuclei")):
        simulated = simulate_stack(system, specimen, seed=seed, shape=(96, 128), noise="low")
        found[specimen] = write_stack(folder / f"{specimen}.ome.tif", simulated.camera)
    return found
