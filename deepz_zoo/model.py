"""A loaded model as Python users hold it: `Model`, and the function that loads one."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepz_zoo import models
from deepz_zoo.dpm import Cylinder, HeightMap, Plane, Sinusoid, Surface, Tilt
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image
from deepz_zoo.images.sampling import Mismatch
from deepz_zoo.refocus.arrays import (
    check_intensities,
    is_dask,
    is_xarray,
    pixel_size_of,
    refocus_like,
    spatial_shape,
)
from deepz_zoo.refocus.depths import parse_depths
from deepz_zoo.refocus.plan import RefocusPlan, plan_refocus

if TYPE_CHECKING:
    from deepz_zoo.engines.choice import EngineName
    from deepz_zoo.network.config import Normalization
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.records.microscope import Microscope
    from deepz_zoo.records.precision import Precision
    from deepz_zoo.simulate import SimulatedStack
    from deepz_zoo.simulate.stack import Noise

ImageLike = TypeVar("ImageLike")
"""`Image`, or an array of NumPy, Dask or xarray; results are of the same kind."""


@dataclass(frozen=True, eq=False)
class Model:
    """A Deep-Z model; `load_model` makes it.

    Attributes
    ----------
    network
        What computes: a torch module with normalization and padding inside.
    manifest
        What is known of the model: system, training, accuracy, limits.

    Examples
    --------
    >>> import deepz_zoo
    >>> model = deepz_zoo.load_model("leica20x_0.8/TxRd")
    >>> stack = model.simulate("nuclei", shape=(64, 64))
    >>> planes = model.refocus(stack.camera[10], z=[-5, 0, 5])
    >>> planes.shape
    (3, 64, 64)
    """

    network: DeepZModel
    manifest: Manifest

    @property
    def name(self) -> str:
        """Objective and channel, such as ``leica20x_0.8/TxRd``."""
        return self.manifest.name

    @property
    def pixel_size_um(self) -> float:
        """Pixel size of the images that the model was trained on, in µm."""
        return self.manifest.system.pixel_size_um

    @property
    def z_range_um(self) -> float:
        """Half of the axial range: 10 stands for -10 to +10 µm."""
        return self.manifest.system.z_range_um

    def __repr__(self) -> str:
        """Name the model and its range."""
        return f"<Model {self.name}, ±{self.z_range_um:g} µm, {self.pixel_size_um:g} µm per pixel>"

    def refocus(
        self,
        image: ImageLike,
        z: float | Sequence[float] | NDArray[Any] | str | None = None,
        dpm: Surface | NDArray[Any] | str | Path | None = None,
        *,
        pixel_size_um: float | None = None,
        resample: bool = False,
        ignore_pixel_size: bool = False,
        clip: bool = False,
        tile_px: int | None = None,
    ) -> ImageLike:
        """Refocus an image onto planes or onto a surface.

        Each image is refocused by itself; its intensity scale comes from itself alone. What a user
        should know of the image or the surface is said by `warnings.warn`.

        Parameters
        ----------
        image
            Camera image in any intensity unit: an array of NumPy, Dask or xarray of shape
            (…, y, x), where the axes before y and x are time or channels; or an `Image` from
            `read_image`. A Dask array stays lazy: its images are checked and refocused when the
            result is computed. Dimensions of xarray are named, of them y and x.
        z
            Distances in µm of the wanted planes, positive toward increasing stage z: a number, a
            list, or text such as ``"-10:10:0.5"``.
        dpm
            In place of `z`, a surface: `Tilt`, `Cylinder`, `Sinusoid`, `HeightMap`, or the distance
            in µm of each pixel, as an array of shape (y, x) or an image file.
        pixel_size_um
            Sampling of the image, where it does not say (an `Image` does, and an xarray whose
            coordinate x has the unit µm); without any, that of the model is assumed.
        resample
            Work at the model's pixel size; the result has that of the image again.
        ignore_pixel_size
            Go on although the pixel sizes differ.
        clip
            Clip distances outside of the trained range, instead of refusing them.
        tile_px
            Refocus larger images in tiles of this side, which takes less memory.

        Returns
        -------
        array or Image
            Of the kind of `image`, float32, in its units; shape (…, y, x) for a surface or one
            distance, (…, z, y, x) for a list. An `Image` has z before channels, as files do.

        Raises
        ------
        DeepZError
            If the image or the surface holds NaN, is too small or of another shape, the pixel size
            is not the model's, or a distance lies outside of the trained range.

        Examples
        --------
        >>> import numpy as np
        >>> from deepz_zoo import Tilt, load_model
        >>> model = load_model("leica20x_0.8/TxRd")
        >>> image = model.simulate("nuclei", shape=(64, 64)).camera[10]
        >>> model.refocus(image, dpm=Tilt(2.0)).shape
        (64, 64)
        >>> model.refocus(np.stack([image, image]), z="-2:2:1").shape
        (2, 5, 64, 64)
        """
        target, several = _target(z, dpm)
        mismatch = _mismatch(resample, ignore_pixel_size)
        size_um = pixel_size_of(image) if pixel_size_um is None else pixel_size_um

        def plan(frames: NDArray[Any]) -> RefocusPlan:
            return plan_refocus(
                Image(frames, "yx" if frames.ndim == 2 else "tyx", size_um),
                self.manifest,
                target,
                mismatch=mismatch,
                clip=clip,
            )

        def refocus(frames: NDArray[Any]) -> NDArray[np.float32]:
            check_intensities(frames)
            *leading, ny, nx = frames.shape
            planned = plan(frames if frames.ndim == 2 else frames.reshape(-1, ny, nx))
            for line in planned.warnings:
                warnings.warn(f"{line}.", stacklevel=4)  # the caller of `Model.refocus`
            planes = np.stack(list(planned.run(self.network, tile_px=tile_px)))
            inserted = [len(planned.targets)] if several else []
            return planes.reshape(*leading, *inserted, ny, nx)

        if not isinstance(image, Image):
            shape = spatial_shape(image)
            if is_dask(image) or is_xarray(image):
                plan(np.broadcast_to(np.float32(0), shape))  # says now what is wrong later
        z_um = [float(each) for each in np.asarray(target)] if several else None
        refocused: ImageLike = refocus_like(image, refocus, z_um)
        return refocused

    def with_engine(
        self,
        engine: EngineName | Literal["auto"] = "auto",
        precision: Precision | Literal["auto"] = "auto",
        *,
        device: str = "auto",
    ) -> Model:
        """Return the model, run by another program or in another precision.

        Parameters
        ----------
        engine
            ``"torch"``, ``"openvino"``, ``"onnxruntime"``, or what is fastest here.
        precision
            ``"float32"``, ``"bfloat16"``, ``"float16"``, or what is fastest here and costs the
            model at most 0.002 of correlation.
        device
            ``"cpu"``, ``"cuda"``, ``"mps"``, or the best one here.

        Raises
        ------
        DeepZError
            If the engine is not installed, or does not compute in the precision or on the device.
        """
        from deepz_zoo.engines.with_engine import with_engine

        network = with_engine(
            self.network, engine, precision, device=device, manifest=self.manifest
        )
        return Model(network, self.manifest)

    def simulate(
        self,
        specimen: str = "beads",
        *,
        seed: int = 0,
        shape: tuple[int, int] = (256, 256),
        noise: Noise = "realistic",
        instrument: str | Path | None = None,
    ) -> SimulatedStack:
        """Simulate a z-stack as the microscope of the model records it.

        Parameters
        ----------
        specimen
            ``beads``, ``clusters``, ``nuclei``, ``filaments`` or ``texture``.
        seed
            What is drawn; from 1,000,000 on no training has seen it.
        shape
            Rows and columns of a plane.
        noise
            ``"low"`` or ``"realistic"``.
        instrument
            File from `calibrate`, in place of a drawn instrument.

        Returns
        -------
        SimulatedStack
            Its `camera` is what was recorded, `ground_truth` what a model should make of it.
        """
        from deepz_zoo.records.microscope import with_instrument
        from deepz_zoo.simulate import simulate_stack

        path = None if instrument is None else Path(instrument)
        system = with_instrument(self.manifest.system, path)
        return simulate_stack(system, specimen, seed=seed, shape=shape, noise=noise)

    def package(
        self,
        path: str | Path,
        *,
        z: Sequence[float] | str | None = None,
        overwrite: bool = False,
        test: bool = True,
        accept_license: bool = False,
    ) -> Path:
        """Write the bioimage.io package of the model, and test it.

        Parameters
        ----------
        path
            The ``.zip`` file.
        z
            Distances of a package that takes an image alone and gives these planes; without them it
            takes an image and a DPM.
        overwrite
            Replace an existing file.
        test
            Run bioimageio.core's tests of the finished package.
        accept_license
            Accept the terms of weights of the method's authors: non-commercial research use, not to
            be redistributed.

        Raises
        ------
        DeepZError
            If the file may not be written, or its license is not accepted.
        CheckFailed
            If the package fails its tests; then no file is written.
        """
        from deepz_zoo.package.build import build_package
        from deepz_zoo.package.contents.variants import SURFACE, zstack_variant

        if self.manifest.restricted and not accept_license:
            raise DeepZError(
                f"{self.name}: {self.manifest.license}; a package holds them whole: build one for "
                "yourself with `accept_license`"
            )
        depths = parse_depths(z) if isinstance(z, str) else z
        variant = SURFACE if depths is None else zstack_variant(self.manifest.system, tuple(depths))
        return build_package(
            self.network, self.manifest, Path(path), variant=variant, overwrite=overwrite, test=test
        ).path

    def calibrate(
        self,
        *paths: str | Path,
        surface: Surface | None = None,
        pixel_size_um: float | None = None,
        z_step_um: float | None = None,
        reverse: bool = False,
        input_channel: str | None = None,
        bead_diameter_um: float = 0.0,
    ) -> Microscope:
        """Measure the optics of your microscope by images of beads.

        Parameters
        ----------
        paths
            Z-stacks of sub-resolution beads; or single images, if a surface is given.
        surface
            The surface that the beads lie on in single images, such as ``Tilt(3)``.
        pixel_size_um, z_step_um
            Sampling, where the files do not say or are wrong.
        reverse
            Whether the stacks were acquired with decreasing stage z.
        input_channel
            Name of a channel or its number from 1, where there are several.
        bead_diameter_um
            Of the beads.

        Returns
        -------
        Microscope
            The record that ``deepz-zoo calibrate`` writes.

        Raises
        ------
        DeepZError
            If a file cannot be read, or shows no usable beads.
        """
        from deepz_zoo.calibrate.run import calibrate_stacks, calibrate_surface
        from deepz_zoo.images.stack import read_plane, read_stack

        system, files = self.manifest.system, [Path(path) for path in paths]
        if not files:
            raise DeepZError("no image of beads is named; expected one or more")
        if surface is not None:
            planes = [
                (path, read_plane(path, pixel_size_um=pixel_size_um, input_channel=input_channel))
                for path in files
            ]
            return calibrate_surface(
                system, planes, surface, bead_diameter_um=bead_diameter_um
            ).microscope
        stacks = [
            (
                path,
                read_stack(
                    path,
                    pixel_size_um=pixel_size_um,
                    z_step_um=z_step_um,
                    reverse=reverse,
                    input_channel=input_channel,
                ),
            )
            for path in files
        ]
        return calibrate_stacks(system, stacks, bead_diameter_um=bead_diameter_um).microscope


def load_model(
    name_or_path: str | Path,
    *,
    normalization: Normalization | None = None,
) -> Model:
    """Load a model with its weights; nothing is unpickled and no program in a package is run.

    Parameters
    ----------
    name_or_path
        Name of a model of the zoo, such as ``leica20x_0.8/TxRd``; or the path of a checkpoint (a
        ``.safetensors`` file with its ``.json`` beside it, or a run's folder) or of a Deep-Z
        package (a ``.zip`` file or a folder).
    normalization
        A rule to use in place of the model's own; the manifest then names it, without metrics.

    Returns
    -------
    Model
        Run by torch in float32 on the CPU, as the figures of models are measured;
        `Model.with_engine` is faster.

    Raises
    ------
    DeepZError
        If the name is unknown, or a file is missing, damaged or of another kind.

    Examples
    --------
    >>> load_model("leica20x_0.8/TxRd")
    <Model leica20x_0.8/TxRd, ±10 µm, 0.325 µm per pixel>
    """
    return Model(*models.load_model(name_or_path, normalization=normalization))


def _target(z: Any, dpm: Any) -> tuple[Surface | Sequence[float], bool]:
    """Return what to refocus onto, and whether the result has an axis z."""
    if (z is None) == (dpm is None):
        found = "none of them" if z is None else "both"
        raise DeepZError(f"give exactly one of `z` and `dpm`; found {found}")
    if dpm is not None:
        if isinstance(dpm, Plane):
            return (dpm.z_um,), False
        if isinstance(dpm, Tilt | Cylinder | Sinusoid | HeightMap):
            return dpm, False
        return HeightMap(dpm if isinstance(dpm, str | Path) else np.asarray(dpm)), False
    if isinstance(z, str):
        depths = parse_depths(z)
        return depths, len(depths) > 1 or not _is_number(z)
    try:
        numbers = np.asarray(z, dtype=np.float64)
    except (TypeError, ValueError):
        raise DeepZError(f"z {z!r}: expected a number or a list of numbers in µm") from None
    if numbers.ndim > 1 or numbers.size == 0:
        raise DeepZError(
            f"z of shape {numbers.shape}: expected a number or a list of numbers in µm; a surface "
            "is given as `dpm`"
        )
    return tuple(float(number) for number in numbers.reshape(-1)), numbers.ndim == 1


def _is_number(text: str) -> bool:
    return "," not in text and ":" not in text


def _mismatch(resample: bool, ignore_pixel_size: bool) -> Mismatch:
    if resample and ignore_pixel_size:
        raise DeepZError("`resample` and `ignore_pixel_size` exclude each other")
    return "resample" if resample else "ignore" if ignore_pixel_size else "refuse"
