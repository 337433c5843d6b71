"""The microscope that makes the benchmark's stacks of one seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from deepz_zoo.evaluation.deconvolution import refocus_richardson_lucy
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.optics.psf import PsfParameters, point_spread_function
from deepz_zoo.simulate.stack import make_microscope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.accuracy import BenchmarkSettings

PSF_SIZE_PX = 121
"""Odd side of the PSF for deconvolution: it holds a point 10 µm out of focus at 20×."""


class Instrument:
    """The microscope of one seed, with its point-spread function."""

    def __init__(self, system: ImagingSystem, seed: int, settings: BenchmarkSettings) -> None:
        # What simulate_stack draws from the same seed; drawn here, so that the costly transfer
        # function is computed once for all specimens and both kinds of noise.
        self.parameters = PsfParameters.draw(system, torch.Generator().manual_seed(seed))
        self.microscope = make_microscope(system, settings.shape_px, self.parameters)
        shifts = {
            round(distance / system.z_step_um)
            for distance in (*settings.distances_um, settings.bead_distance_um, 0.0)
        }
        self._step_um = system.z_step_um
        self._slices = self._psf_slices(sorted(shifts | {-shift for shift in shifts}), system)
        self._iterations = settings.richardson_lucy_iterations

    def deconvolve(self, camera: NDArray[np.generic], dz_um: float) -> NDArray[np.float32]:
        """Refocus a camera image by ``dz_um`` with the point-spread function itself."""
        return refocus_richardson_lucy(
            camera,
            self._psf(-dz_um),
            self._psf(0.0),
            background=intensity_scale(camera).background,
            iterations=self._iterations,
        )

    def _psf(self, defocus_um: float) -> NDArray[np.float32]:
        """Return the PSF slice that a point shows ``defocus_um`` above its own plane."""
        return self._slices[round(defocus_um / self._step_um)]

    def _psf_slices(
        self, shifts: Sequence[int], system: ImagingSystem
    ) -> dict[int, NDArray[np.float32]]:
        psf = point_spread_function(
            self.parameters,
            torch.tensor(shifts) * system.z_step_um,
            size_px=PSF_SIZE_PX + 1,
            pixel_size_um=system.pixel_size_um,
        )
        # An even image has its point right of the middle: the first row and column go.
        return dict(zip(shifts, psf[:, 1:, 1:].numpy(), strict=True))
