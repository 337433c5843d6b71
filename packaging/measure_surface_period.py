"""Measure how finely a DPM may vary: the paper's Fig. S7, on simulated stacks.

For maintainers: ``python packaging/measure_surface_period.py [MODEL]…``. Planes are refocused onto
surfaces that oscillate over 8 µm along x. The error is compared with that of the same surface put
together from uniform planes, in which the DPM does not vary; the period in pixels at which it is
twice as large is interpolated.
"""

from __future__ import annotations

import click
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from deepz_zoo.cli.options import console
from deepz_zoo.dpm import Sinusoid
from deepz_zoo.evaluation.benchmark import FIRST_SEED, benchmark_system
from deepz_zoo.models import load_model
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.refocus import refocus_image
from deepz_zoo.simulate import SimulatedStack, simulate_stack

PERIODS_PX = (20, 30, 45, 70, 100, 150, 256)
LOWEST_UM, HIGHEST_UM = -9.0, -1.0
"""Of the surfaces, those of the paper."""
_STEP_UM = 0.5
SIDE = 256
"""Of the images: a multiple of the longest period."""


@click.command()
@click.argument("models", nargs=-1)
@click.option("--seeds", type=click.IntRange(1), default=2, show_default=True)
def measure(models: tuple[str, ...], seeds: int) -> None:
    """Print the relative error against the period, for each of MODELS."""
    output = console()
    for name in models or ("leica20x_0.8/TxRd",):
        model, manifest = load_model(name)
        system = benchmark_system(manifest)
        ratios = []
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for specimen in system.specimen_kinds:
                shape = (SIDE, SIDE)
                stack = simulate_stack(system, specimen, seed=seed, shape=shape, noise="low")
                ratios.append(_ratios(model, stack))
        medians = np.median(ratios, axis=0)
        output.print(f"{name}: error of the surface over that of uniform planes")
        for period, ratio in zip(PERIODS_PX, medians, strict=True):
            output.print(f"  {period:4d} px: {ratio:.2f}")
        if medians.max() < 2:
            output.print("  nowhere twice as large")
        else:  # the error falls with the period
            doubled = np.interp(-2.0, -medians, PERIODS_PX)
            output.print(f"  twice as large at a period of {doubled:.0f} px")


def _ratios(model: DeepZModel, stack: SimulatedStack) -> list[float]:
    """Return the error for each period, over that of a surface put together from planes."""
    source = int(np.abs(stack.z_um - (stack.z_um.max() - 1.0)).argmin())
    image = stack.camera[source]
    levels_um = np.arange(LOWEST_UM, HIGHEST_UM + _STEP_UM / 2, _STEP_UM)
    planes = refocus_image(model, image, list(levels_um))
    ratios = []
    for period in PERIODS_PX:
        dpm = Sinusoid(period, LOWEST_UM, HIGHEST_UM).dpm(image.shape, 1.0)
        step_um = float(stack.z_um[1] - stack.z_um[0])
        truth = _on_surface(stack.ground_truth, source + dpm / step_um)
        from_planes = _on_surface(planes, (dpm - LOWEST_UM) / _STEP_UM)
        errors = [
            float(np.sqrt(np.mean((made - truth) ** 2)))
            for made in (refocus_image(model, image, dpm), from_planes)
        ]
        ratios.append(errors[0] / errors[1])
    return ratios


def _on_surface(planes: NDArray[np.float32], depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Interpolate planes (nz, y, x) linearly at a depth (y, x) in planes."""
    y, x = np.indices(depth.shape)
    surface: NDArray[np.float32] = map_coordinates(planes, [depth, y, x], order=1, mode="nearest")
    return surface


if __name__ == "__main__":
    measure()
