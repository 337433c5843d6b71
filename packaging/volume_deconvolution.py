"""Deconvolve one plane into a volume with its true point-spread function, and look at other planes.

For maintainers: ``python packaging/volume_deconvolution.py``. The volume is that of maximum
likelihood (Richardson–Lucy in three dimensions: light is positive, noise is Poisson's). Where it
explains the plane to within its noise and still shows another plane wrongly, the plane does not
determine the other one; a model that comes nearer to it has learned about specimens. The result is
in docs/accuracy.md.
"""

from __future__ import annotations

from collections import defaultdict

import click
import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.evaluation import benchmark
from deepz_zoo.evaluation.reference import ReferenceStack
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.measure.metrics import image_metrics
from deepz_zoo.models import load_model
from deepz_zoo.optics.psf import PsfParameters, point_spread_function
from deepz_zoo.simulate import simulate_stack
from deepz_zoo.simulate.camera import Camera
from deepz_zoo.simulate.stack import SimulatedStack, make_microscope
from deepz_zoo.simulate.widefield import WideField

_SHAPE = (256, 256)
# Longer steps than Richardson's, once the first steps have found where the light is.
_FIRST_STEPS, _STEP = 5, 1.5


class OnePlane:
    """Imaging of a volume into one plane, slice by slice in the frequencies of y and x.

    Parameters
    ----------
    microscope
        The one that made the stack.
    """

    def __init__(self, microscope: WideField) -> None:
        volume = microscope.volume
        nz, side, _ = volume.shape
        planes = len(microscope.z_um)
        # The distances between any plane and any slice, in steps; both are centered on z = 0.
        self._farthest = (nz - 1) // 2 + (planes - 1) // 2
        self._first = (nz - 1) // 2 - (planes - 1) // 2
        self._slices = torch.arange(nz)
        psf = point_spread_function(
            microscope.parameters,
            torch.arange(-self._farthest, self._farthest + 1) * volume.z_step_um,
            size_px=side,
            pixel_size_um=volume.pixel_size_um,
        )
        self._transfer = torch.fft.rfft2(psf.roll((-(side // 2), -(side // 2)), dims=(1, 2)))

    def transfer(self, plane: int) -> torch.Tensor:
        """Return the transfer functions from every slice to a plane of the stack."""
        distances = plane + self._first - self._slices
        transfer: torch.Tensor = self._transfer[distances + self._farthest]
        return transfer

    @staticmethod
    def image(light: torch.Tensor, transfer: torch.Tensor) -> torch.Tensor:
        """Image a volume (nz, ny, nx) into the plane (ny, nx)."""
        spectrum = (torch.fft.rfft2(light) * transfer).sum(dim=0)
        plane: torch.Tensor = torch.fft.irfft2(spectrum, s=light.shape[1:])
        return plane.clamp(min=0)


def deconvolve(
    electrons: torch.Tensor, background: torch.Tensor, transfer: torch.Tensor, iterations: int
) -> tuple[torch.Tensor, float]:
    """Return the volume that explains a plane best, and its χ² per pixel.

    Parameters
    ----------
    electrons
        Recorded photoelectrons, shape (ny, nx).
    background
        Those expected without the specimen.
    transfer
        Transfer functions from every slice of the volume to the plane.
    iterations
        Of Richardson–Lucy.
    """
    light = torch.full((len(transfer), *electrons.shape), electrons.mean().item() / len(transfer))
    # Light that a slice gives the plane in total: less where it falls outside of the kernel.
    seen = transfer[:, :1, :1].real
    for iteration in range(iterations):
        expected = OnePlane.image(light, transfer) + background
        ratio = torch.fft.rfft2(electrons / expected)
        correction = torch.fft.irfft2(ratio * transfer.conj(), s=electrons.shape) / seen
        light *= correction.clamp(min=0) ** (_STEP if iteration >= _FIRST_STEPS else 1)
    expected = OnePlane.image(light, transfer) + background
    return light, float(((electrons - expected) ** 2 / expected).mean())


def _counts(stack: SimulatedStack, plane: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return electrons and background of a plane; read noise counts as light of that variance."""
    camera = Camera()
    dark = stack.exposure.electrons(torch.tensor([1.0]).expand(_SHAPE)) - stack.exposure.peak
    grey = torch.from_numpy(stack.camera[plane].astype(np.float32)) - camera.offset
    noise = camera.read_noise**2
    return (grey * camera.electrons_per_grey_level + noise).clamp(min=0), dark + noise


def _grey_levels(electrons: torch.Tensor) -> NDArray[np.float32]:
    grey: NDArray[np.float32] = Camera().expected(electrons).numpy()
    return grey


@click.command()
@click.option("--model", "name", default="leica20x_0.8/TxRd", show_default=True)
@click.option("--iterations", type=click.IntRange(1), default=200, show_default=True)
def main(name: str, iterations: int) -> None:
    """Refocus the benchmark's images of its first seed by half and all of the range."""
    model, manifest = load_model(name)
    system, seed = manifest.system, benchmark.FIRST_SEED
    parameters = PsfParameters.draw(system, torch.Generator().manual_seed(seed))
    microscope = make_microscope(system, _SHAPE, parameters)
    one_plane = OnePlane(microscope)
    correlations: dict[float, list[tuple[float, float]]] = defaultdict(list)
    for specimen in system.specimen_kinds:
        stack = simulate_stack(
            system, specimen, seed=seed, shape=_SHAPE, noise="low", microscope=microscope
        )
        reference, random = ReferenceStack.of(stack), np.random.default_rng(seed)
        for dz in (
            sign * system.whole_steps_um(fraction) for fraction in (0.5, 1.0) for sign in (-1, 1)
        ):
            ((source, target),) = reference.draw_pairs(dz, 1, random)
            light, misfit = deconvolve(
                *_counts(stack, source), one_plane.transfer(source), iterations
            )
            image = _grey_levels(OnePlane.image(light, one_plane.transfer(target)))
            ground_truth = stack.ground_truth[target]
            background = intensity_scale(ground_truth).background
            own = image_metrics(image, ground_truth, scale=reference.scale, background=background)
            models = dict(reference.metrics(model, source, target))["model"]
            correlations[abs(dz)].append((own.correlation, models.correlation))
            click.echo(
                f"{specimen}, {dz:+g} µm: volume {own.correlation:.3f} (χ² per pixel "
                f"{misfit:.2f}), {name} {models.correlation:.3f}"
            )
    for distance, pairs in correlations.items():
        volume, models_mean = np.mean(pairs, axis=0)
        click.echo(f"mean at {distance:g} µm: volume {volume:.3f}, {name} {models_mean:.3f}")


if __name__ == "__main__":
    main()
