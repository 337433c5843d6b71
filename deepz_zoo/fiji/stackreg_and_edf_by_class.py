"""StackReg and Extended Depth of Field in the ImageJ of this process, called by their classes.

Their menu labels differ between releases, and a plain ImageJ without a display has no menus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.conversion import from_imageplus, to_imageplus
from deepz_zoo.fiji.gateway import ImageJ
from deepz_zoo.fiji.imagej_calls import NeedsDisplayError, imagej_call
from deepz_zoo.fiji.measured_alignment import measure_alignment
from deepz_zoo.images import Image
from deepz_zoo.preprocess.align.stackreg import align_stack
from deepz_zoo.preprocess.focus.edf import ExtendedDepthOfField
from deepz_zoo.preprocess.focus.projection import Steps, project_by
from deepz_zoo.records.dataset import Edf

STACKREG = "StackReg_"
TURBOREG = "TurboReg_"
EDF = "edfgui.ExtendedDepthOfField"
UPDATE_SITE = "BIG-EPFL"
HOW_TO_GET_PLUGINS = (
    f"in Fiji: Help > Update... > Manage Update Sites, tick {UPDATE_SITE}, apply and restart"
)

TRANSFORMATIONS = ("Translation", "Rigid Body", "Scaled Rotation", "Affine")
BEST_QUALITY = 4
"""Complex wavelets, the method of the paper's reference 46."""


def align_with_stackreg(
    imagej: ImageJ,
    stack: NDArray[Any],
    *,
    anchor: int | None = None,
    transformation: str = "Rigid Body",
) -> NDArray[Any]:
    """Align the planes of a stack with the plugin StackReg.

    Parameters
    ----------
    imagej
        A running ImageJ with StackReg and TurboReg.
    stack
        Shape (nz, ny, nx).
    anchor
        The plane that stays, from 0; the others are aligned from it outward. The middle one by
        default.
    transformation
        One of `TRANSFORMATIONS`.

    Returns
    -------
    NDArray
        The aligned stack, in the type of `stack`.

    Raises
    ------
    DeepZError
        If `stack` is not a stack, the plugin is missing or fails, or it needs a display.
    """
    _check_stack(stack)
    if transformation not in TRANSFORMATIONS:
        raise DeepZError(
            f"transformation {transformation!r}; expected one of {', '.join(TRANSFORMATIONS)}"
        )
    anchor = len(stack) // 2 if anchor is None else anchor
    if not 0 <= anchor < len(stack):
        raise DeepZError(f"plane {anchor + 1} as the anchor; the stack has {len(stack)}")
    require_plugins(imagej, "StackReg", STACKREG, TURBOREG)
    imp = to_imageplus(imagej, Image(stack, "zyx"), title="stack")
    imp.setSlice(anchor + 1)
    try:
        with imagej_call(imagej, f"transformation=[{transformation}]"):
            imagej.java_class("ij.IJ").runPlugIn(imp, STACKREG, "")
    except NeedsDisplayError as error:
        raise DeepZError(
            "StackReg creates a dialog even if its options are given: use a Fiji, which needs no "
            "display for it (`fiji`), or run the plain ImageJ on a display (`window`)"
        ) from error
    return _like(from_imageplus(imp).data, stack)


def project_with_edf(
    imagej: ImageJ,
    stack: NDArray[Any],
    *,
    quality: int = BEST_QUALITY,
    topology: int = 0,
    settings: Mapping[str, bool | int | float | str] | None = None,
) -> ExtendedDepthOfField:
    """Fuse the planes of a stack with the plugin Extended Depth of Field.

    Parameters
    ----------
    imagej
        A running ImageJ with the plugin.
    stack
        Shape (nz, ny, nx).
    quality
        0 Sobel, 1 variance, 2 real wavelets, 3 with a majority check, 4 complex wavelets.
    topology
        Smoothing of the height map, 0 (none) to 4.
    settings
        Further fields of the plugin's ``edfgui.Parameters``, by their names there; they override
        `quality` and `topology`.

    Returns
    -------
    ExtendedDepthOfField
        The image in the type of `stack`, and for each of its pixels the plane of the nearest value.

    Raises
    ------
    DeepZError
        If `stack` is not a stack, the plugin is missing or fails, or there is no such setting.
    """
    _check_stack(stack)
    for name, value in (("quality", quality), ("topology", topology)):
        if not 0 <= value <= 4:
            raise DeepZError(f"{name} {value}; expected 0 to 4")
    require_plugins(imagej, "Extended Depth of Field", EDF)
    imp = to_imageplus(imagej, Image(stack, "zyx"), title="stack")
    parameters = _edf_parameters(imagej, stack.shape[1:], quality, topology, settings or {})
    interpreter = imagej.java_class("ij.macro.Interpreter")
    before, interpreter.batchMode = interpreter.batchMode, True  # its output has no window
    try:
        with imagej_call(imagej):
            imagej.java_class(EDF)(imp, parameters).process()
        output = imagej.java_class("ij.WindowManager").getCurrentImage()
        if output is None or output.equals(imp):
            raise DeepZError("the plugin Extended Depth of Field opened no image")
        image = from_imageplus(output).data
        output.changes = False
        output.close()
    finally:
        interpreter.batchMode = before
    return ExtendedDepthOfField(_like(image, stack), _nearest_plane(image, stack))


def _edf_parameters(
    imagej: ImageJ,
    shape: tuple[int, ...],
    quality: int,
    topology: int,
    settings: Mapping[str, bool | int | float | str],
) -> Any:
    kind = imagej.java_class("edfgui.Parameters")
    parameters = kind()
    ny, nx = shape
    parameters.maxScales = imagej.java_class("edf.Tools").computeScaleAndPowerTwoSize(nx, ny)[0]
    parameters.setQualitySettings(quality)
    parameters.setTopologySettings(topology)
    parameters.color = False
    parameters.showTopology = False
    known = sorted(str(field.getName()) for field in kind.class_.getFields())
    for name, value in settings.items():
        if name not in known:
            raise DeepZError(f"EDF has no setting {name!r}; there are {', '.join(known)}")
        try:
            setattr(parameters, name, value)
        except (TypeError, OverflowError) as error:
            raise DeepZError(f"EDF's setting {name} cannot be {value!r}: {error}") from error
    return parameters


def preparation_steps(imagej: ImageJ, *, align: bool, edf: Edf) -> Steps:
    """Return the steps of a preparation, each by ImageJ's plugin or by this package.

    Parameters
    ----------
    imagej
        A running ImageJ.
    align
        Whether the plugin StackReg aligns.
    edf
        What projects, the plugin Extended Depth of Field if it is ``fiji``.

    Raises
    ------
    DeepZError
        If a plugin is missing.
    """
    if align:
        require_plugins(imagej, "StackReg", STACKREG, TURBOREG)
    if edf == "fiji":
        require_plugins(imagej, "Extended Depth of Field", EDF)
    return Steps(
        align=(lambda stack: measure_alignment(stack, align_with_stackreg(imagej, stack)))
        if align
        else align_stack,
        project=(lambda stack: project_with_edf(imagej, stack))
        if edf == "fiji"
        else project_by(edf),
    )


def require_plugins(imagej: ImageJ, name: str, *classes: str) -> None:
    """Check that the classes of a plugin are installed.

    Raises
    ------
    DeepZError
        If one is missing; the message says how to install the plugin.
    """
    missing = [name for name in classes if not imagej.has_class(name)]
    if missing:
        raise DeepZError(
            f"{imagej.installation} has no {name} (class {missing[0]}); {HOW_TO_GET_PLUGINS}"
        )


def _check_stack(stack: NDArray[Any]) -> None:
    if stack.ndim != 3 or len(stack) < 2:
        raise DeepZError(f"an array of shape {stack.shape}; expected a stack (z, y, x) of planes")
    if stack.dtype.kind not in "iuf":
        raise DeepZError(f"planes of {stack.dtype}; expected integers or floating-point numbers")


def _like(image: NDArray[Any], stack: NDArray[Any]) -> NDArray[Any]:
    """Return an image in the type of a stack, rounded where that is an integer type."""
    if stack.dtype.kind == "f" or image.dtype == stack.dtype:
        return image.astype(stack.dtype)
    limits = np.iinfo(stack.dtype)
    return np.clip(np.floor(image + 0.5), limits.min, limits.max).astype(stack.dtype)


def _nearest_plane(image: NDArray[Any], stack: NDArray[Any]) -> NDArray[np.int32]:
    """Return for each pixel the first plane with the nearest value."""
    distance = np.full(image.shape, np.inf)
    height = np.zeros(image.shape, dtype=np.int32)
    for z, plane in enumerate(stack):
        here = np.abs(plane.astype(float) - image)
        nearer = here < distance
        distance[nearer], height[nearer] = here[nearer], z
    return height
