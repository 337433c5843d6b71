"""Small stacks: simulated ones, and real ones where they lie beside the project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.images import Image, write_image
from deepz_zoo.optics import ImagingSystem, get_system
from deepz_zoo.simulate import simulate_stack

REAL_STACKS = Path(__file__).resolve().parents[3] / "shared" / "data"


def _real(name: str) -> Path:
    if not (REAL_STACKS / name).exists():
        pytest.skip(f"the measured stack {name} is not beside the project")
    return REAL_STACKS / name


@pytest.fixture
def nucleus() -> Path:
    """One nucleus, confocal in channel 1 and wide field in channel 2."""
    return _real("01_neubias_hoechst_confocal_widefield_ZCYX.tif")


@pytest.fixture
def bead() -> Path:
    """One bead in planes of 0.13 µm pixels every 0.3 µm, which the file does not say."""
    return _real("02_pyotf_bead_NA0.85air_520nm_dx130_dz300.tif")


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
