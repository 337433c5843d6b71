"""Measure how well `refocus --autofocus` follows a specimen that drifts: the case of Video S4.

For maintainers: ``python packaging/measure_drift.py --plot docs/drift.png``. The frames are planes
of simulated stacks of nuclei: the specimen drifts from 2 to 10 µm out of focus, jitters in z, moves
sideways by a pixel or two per frame and bleaches. What is found is compared with the true distance
of the sharpest plane, and the sharpness of the refocused frames with that of true ones in focus.
With the jitter, some frames lie beyond the range of the model.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from deepz_zoo.cli.options import console, show_progress
from deepz_zoo.evaluation.benchmark import FIRST_SEED, benchmark_system
from deepz_zoo.images import Image
from deepz_zoo.models import load_model
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.refocus import RefocusPlan, plan_refocus
from deepz_zoo.refocus.autofocus import distances_to_try, find_track, normalized_variance
from deepz_zoo.refocus.track import plot_track
from deepz_zoo.simulate import SimulatedStack, simulate_stack

SIDE, FRAMES = 256, 24
FROM_UM, TO_UM, JITTER_UM = 2.0, 10.0, 0.5
BLEACHED = 0.3
DEPTH_UM = 20.0
"""Of the stack: the sharpest plane need not be its middle."""


@click.command()
@click.option("--model", "name", default="leica20x_0.8/TxRd", show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=2, show_default=True)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Of the first seed.")
def measure(name: str, seeds: int, plot: Path | None) -> None:
    """Print the errors of the tracks, and how sharp the frames are."""
    model, manifest = load_model(name)
    system = benchmark_system(manifest)
    output = console()
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        shape = (SIDE, SIDE)
        deep = system.model_copy(update={"z_range_um": DEPTH_UM})
        stack = simulate_stack(deep, "nuclei", seed=seed, shape=shape, noise="realistic")
        frames, truth, in_focus = _video(stack, seed)
        video = Image(frames, "tyx", pixel_size_um=system.pixel_size_um)
        plan = plan_refocus(video, manifest, distances_to_try(system))
        with show_progress() as progress:
            track = find_track(plan, model, progress=progress)
        if plot and seed == FIRST_SEED:
            plot_track(plot, track)
        error = np.array(track.dz_um) - truth
        alone = np.array(track.before_smoothing_um) - truth
        output.print(
            f"{name}, seed {seed}: error of the track {np.sqrt(np.mean(error**2)):.2f} µm rms "
            f"({error.mean():+.2f} on average, {np.abs(error).max():.2f} at most), "
            f"before smoothing {np.sqrt(np.mean(alone**2)):.2f} µm",
            soft_wrap=True,
        )
        made, input_ = _sharpness(
            plan_refocus(video, manifest, track), model, track.region, in_focus
        )
        output.print(
            f"  sharpness over that of the true frames in focus: {input_:.2f} before, {made:.2f} "
            "refocused (medians)",
            soft_wrap=True,
        )


def _video(
    stack: SimulatedStack, seed: int
) -> tuple[NDArray[np.uint16], NDArray[np.float64], NDArray[np.float32]]:
    """Return frames, the true Δz of each, and the frames as they are in focus."""
    rng = np.random.default_rng(seed)
    sharpest = int(np.argmax([normalized_variance(plane) for plane in stack.ground_truth]))
    step_um = float(stack.z_um[1] - stack.z_um[0])
    drift = np.linspace(FROM_UM, TO_UM, FRAMES) + rng.normal(0, JITTER_UM, FRAMES)
    source = sharpest + np.rint(drift / step_um).astype(int)
    assert source.max() < len(stack.z_um), "the specimen leaves the stack"
    shifts = np.cumsum(rng.integers(-1, 3, (FRAMES, 2)), axis=0)
    light = 1 - BLEACHED * np.arange(FRAMES) / FRAMES
    background = float(np.median(stack.camera))

    def seen(plane: NDArray[np.floating], number: int) -> NDArray[np.float64]:
        moved = np.roll(plane.astype(np.float64), shifts[number], axis=(0, 1))
        faded: NDArray[np.float64] = background + light[number] * (moved - background)
        return faded

    frames = [seen(stack.camera[index], number) for number, index in enumerate(source)]
    focused = [seen(stack.ground_truth[sharpest], number) for number in range(FRAMES)]
    return (
        np.clip(np.rint(frames), 0, 65535).astype(np.uint16),
        (sharpest - source) * step_um,
        np.asarray(focused, dtype=np.float32),
    )


def _sharpness(
    plan: RefocusPlan, model: DeepZModel, region: NDArray[np.bool_], in_focus: NDArray[np.float32]
) -> tuple[float, float]:
    """Return the sharpness of refocused frames and of those before, over that in focus."""
    true = [normalized_variance(frame[region]) for frame in in_focus]
    made = [normalized_variance(plane[region]) for plane in plan.run(model)]
    before = [normalized_variance(frame[region]) for frame in plan.frames.planes()]
    return float(np.median(np.divide(made, true))), float(np.median(np.divide(before, true)))


if __name__ == "__main__":
    measure()
