"""Measure two faults of refocused images: patterns of the network's grid, and false bright specks.

For maintainers: ``python packaging/measure_patterns.py [MODEL]…``. On the low-noise images of the
benchmark, at each of its distances: the power of patterns with a period of 2 and 4 px (see
`pattern_power`), refocused and in the ground truth, and the brightest pixel over the true one.
"""

from __future__ import annotations

import click
import numpy as np

from deepz_zoo.cli.options import console
from deepz_zoo.evaluation.benchmark import FIRST_SEED, benchmark_system, default_settings
from deepz_zoo.measure.pattern import pattern_power
from deepz_zoo.models import load_model
from deepz_zoo.refocus import refocus_image
from deepz_zoo.simulate import simulate_stack
from deepz_zoo.zoo import list_models

PERIODS_PX = (2, 4)
SIDE = 256
"""Of the images, a multiple of the periods."""


@click.command()
@click.argument("models", nargs=-1)
@click.option("--seeds", type=click.IntRange(1), default=2, show_default=True)
def measure(models: tuple[str, ...], seeds: int) -> None:
    """Print a table for MODELS, or for all of the zoo."""
    output = console()
    output.print(
        "| model | abs Δz, µm | pattern of 2 px: refocused, true | of 4 px | brightest pixel over "
        "the true one: median, highest |\n|---|---:|---|---|---|",
        soft_wrap=True,
    )
    for name in models or [manifest.name for manifest in list_models()]:
        for distance, measured in _measure(name, seeds).items():
            powers = [
                f"{np.median(made):.2f}, {np.median(true):.2f}"
                for made, true in (measured[period] for period in PERIODS_PX)
            ]
            brightest = measured[0][0]
            output.print(
                f"| {name} | {distance:g} | {' | '.join(powers)} | {np.median(brightest):.2f}, "
                f"{max(brightest):.2f} |",
                soft_wrap=True,
            )


def _measure(name: str, seeds: int) -> dict[float, dict[int, tuple[list[float], list[float]]]]:
    """Return, by distance, refocused and true powers by period, and under 0 the brightness."""
    model, manifest = load_model(name)
    system = benchmark_system(manifest)
    distances = [dz for dz in default_settings(system).distances_um if dz > 0]
    found: dict[float, dict[int, tuple[list[float], list[float]]]] = {
        dz: {key: ([], []) for key in (*PERIODS_PX, 0)} for dz in distances
    }
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for specimen in system.specimen_kinds:
            stack = simulate_stack(system, specimen, seed=seed, shape=(SIDE, SIDE), noise="low")
            middle = len(stack.z_um) // 2
            step = float(stack.z_um[1] - stack.z_um[0])
            truth = stack.ground_truth[middle]
            for distance in distances:
                for dz in (-distance, distance):
                    source = middle - round(dz / step)
                    made = refocus_image(model, stack.camera[source], dz)
                    for period in PERIODS_PX:
                        for list_of, image in zip(
                            found[distance][period], (made, truth), strict=True
                        ):
                            list_of.append(pattern_power(image, period))
                    background = np.median(truth)
                    ratio = (made.max() - background) / (truth.max() - background)
                    found[distance][0][0].append(float(ratio))
    return found


if __name__ == "__main__":
    measure()
