"""What a package takes and gives: a surface by a DPM, or a fixed z-stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from deepz_zoo.errors import DeepZError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.optics import ImagingSystem

VariantName = Literal["surface", "zstack"]
VARIANTS: tuple[VariantName, ...] = get_args(VariantName)

FLUORESCENCE, DPM_CHANNEL = "fluorescence", "dpm"

_DEFAULT_PLANES = 21
# Each plane repeats the graph: about 70 kB in the ONNX file, and 0.3 s in which an engine loads it.
_MAX_PLANES = 101


@dataclass(frozen=True)
class Variant:
    """One of the packages that are made from the same weights.

    Attributes
    ----------
    z_um
        Distances of the planes of a z-stack; None for the model that takes a DPM.
    """

    z_um: tuple[float, ...] | None = None

    @property
    def name(self) -> VariantName:
        """``"surface"`` takes a DPM, ``"zstack"`` makes planes."""
        return "surface" if self.z_um is None else "zstack"

    @property
    def suffix(self) -> str:
        """What tells the variant in names of files; nothing for the ordinary one."""
        return "" if self.z_um is None else f"_{self.name}"

    @property
    def input_channels(self) -> tuple[str, ...]:
        """Names of the input's channels."""
        return (FLUORESCENCE, DPM_CHANNEL) if self.z_um is None else (FLUORESCENCE,)

    @property
    def output_channels(self) -> tuple[str, ...]:
        """Names of the output's channels."""
        return (FLUORESCENCE,) if self.z_um is None else tuple(map(plane_name, self.z_um))

    def graph(self, model: DeepZModel) -> DeepZModel:
        """Return the graph with the weights of a model."""
        if self.z_um is None:
            return model
        from deepz_zoo.network.graph.zstack import ZStackModel

        return ZStackModel.of(model, self.z_um).eval()

    def tensor(self, image_and_dpm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return from an input with a DPM, shape (b, 2, y, x), what this variant takes."""
        return np.ascontiguousarray(image_and_dpm[:, : len(self.input_channels)])


SURFACE = Variant()


def plane_name(z_um: float) -> str:
    """Return the name of a plane's channel, such as ``z_minus_2_5_um``.

    Readers of format 0.5.10 accept nothing but identifiers, which hold neither signs nor points.
    """
    nanometers = round(z_um * 1e3)
    sign = "minus_" if nanometers < 0 else "plus_" if nanometers > 0 else ""
    digits = f"{abs(nanometers) / 1e3:.3f}".rstrip("0").rstrip(".")
    return f"z_{sign}{digits.replace('.', '_')}_um"


def zstack_variant(system: ImagingSystem, z_um: Sequence[float] | None = None) -> Variant:
    """Return the variant that makes planes.

    Parameters
    ----------
    system
        Whose axial range the planes must lie in.
    z_um
        Ascending distances in µm; by default 21 planes over the whole range.

    Raises
    ------
    DeepZError
        If the distances do not ascend, differ by less than a nanometer, lie outside the trained
        range or are too many.
    """
    half_range = system.z_range_um
    if z_um is None:
        z_um = np.round(np.linspace(-half_range, half_range, _DEFAULT_PLANES), 3).tolist()
    planes = tuple(float(z) for z in z_um)
    names = tuple(map(plane_name, planes))
    if list(planes) != sorted(planes) or len(set(names)) < len(names):
        raise DeepZError(
            f"planes at {', '.join(f'{z:g}' for z in planes[:5])}… µm; expected ascending distances"
        )
    if outside := [z for z in planes if abs(z) > half_range * (1 + 1e-5)]:
        raise DeepZError(
            f"a plane at {outside[0]:g} µm; {system.name} was trained from {-half_range:g} to "
            f"{half_range:g} µm: stay inside"
        )
    if len(planes) > _MAX_PLANES:
        raise DeepZError(f"{len(planes)} planes; expected at most {_MAX_PLANES} in one package")
    return Variant(planes)
