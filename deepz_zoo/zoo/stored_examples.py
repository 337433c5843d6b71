"""Examples that ship with the models of the zoo.

A simulation gives other grey levels on a processor that rounds differently. With the stored planes,
the packages of the zoo's models have the same bytes wherever they are built.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.optics import ImagingSystem

if TYPE_CHECKING:
    from deepz_zoo.simulate import SimulatedStack

# Of half of the axial range: the planes of the cover, and the middle one in the middle.
_PLANES = (-0.5, -0.25, 0.0, 0.25, 0.5)


@dataclass(frozen=True)
class StoredStack:
    """The planes of a simulated stack that an example needs, in integer grey levels.

    Attributes
    ----------
    camera, noise_free, ground_truth, z_um, system
        As of a `SimulatedStack`.
    """

    camera: NDArray[np.uint16]
    noise_free: NDArray[np.float32]
    ground_truth: NDArray[np.float32]
    z_um: NDArray[np.float64]
    system: ImagingSystem


def example_name(system: ImagingSystem) -> str:
    """Return the name of the file with the example of a system."""
    return f"{system.name.replace('/', '_')}.npz"


def store_stack(folder: Path, stack: SimulatedStack) -> Path:
    """Write the planes of a stack that an example needs, and return the file."""
    system = stack.system
    planes = [int(np.argmin(np.abs(stack.z_um - z))) for z in map(system.whole_steps_um, _PLANES)]
    path = folder / example_name(system)
    np.savez_compressed(
        path,
        camera=stack.camera[planes],
        clean=np.rint(stack.noise_free[planes]).astype(np.uint16),
        truth=np.rint(stack.ground_truth[planes]).astype(np.uint16),
        z_um=stack.z_um[planes],
        system=np.array(system.model_dump_json()),
    )
    return path


def stored_stack(system: ImagingSystem) -> StoredStack | None:
    """Return the stored planes of a system, or None where there are none of exactly this system."""
    resource = files("deepz_zoo.zoo").joinpath("stored").joinpath(example_name(system))
    if not resource.is_file():
        return None
    with as_file(resource) as path, np.load(path, allow_pickle=False) as stored:
        if ImagingSystem.model_validate_json(stored["system"].item()) != system:
            return None
        return StoredStack(
            stored["camera"],
            stored["clean"].astype(np.float32),
            stored["truth"].astype(np.float32),
            stored["z_um"],
            system,
        )
