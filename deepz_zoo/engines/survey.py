"""Which engines are there, what they compute in, and how fast they are."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import torch

from deepz_zoo.engines.choice import Choice, EngineName, faster_precisions
from deepz_zoo.engines.difference import Difference
from deepz_zoo.engines.openvino_network import has_openvino
from deepz_zoo.engines.versions import version_of
from deepz_zoo.engines.with_engine import run_as_chosen
from deepz_zoo.progress import Progress, no_progress

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.precision import Precision

ENGINES: tuple[EngineName, ...] = get_args(EngineName)
TORCH = Choice("torch", "float32", torch.device("cpu"), "what all others are compared with")


@dataclass(frozen=True)
class EngineState:
    """What there is of an engine.

    Attributes
    ----------
    engine
        Its name.
    version
        None where it is not installed.
    device
        Where it runs.
    precisions
        What it computes in at full speed, float32 first; none where it is not installed.
    """

    engine: EngineName
    version: str | None
    device: torch.device
    precisions: tuple[Precision, ...]


def survey_engines(device: torch.device) -> tuple[EngineState, ...]:
    """Return what there is of each engine.

    Parameters
    ----------
    device
        Where torch would run; the other engines run on the CPU.
    """
    return tuple(_state(engine, device) for engine in ENGINES)


def _state(engine: EngineName, device: torch.device) -> EngineState:
    place = device if engine == "torch" else torch.device("cpu")
    if engine == "openvino" and not has_openvino():
        return EngineState(engine, None, place, ())
    faster = faster_precisions(engine, place)
    return EngineState(engine, version_of(engine), place, ("float32", *faster))


@dataclass(frozen=True)
class Timing:
    """How fast an engine refocuses one plane.

    Attributes
    ----------
    choice
        The engine, its precision and device.
    seconds
        Median over the repeats.
    fastest_s, slowest_s
        The extremes.
    difference
        Largest difference from torch's float32, as a fraction of its largest value.
    """

    choice: Choice
    seconds: float
    fastest_s: float
    slowest_s: float
    difference: float


def time_engines(
    model: DeepZModel,
    choices: Sequence[Choice],
    side_px: int,
    *,
    repeats: int = 5,
    progress: Progress = no_progress,
) -> tuple[Timing, ...]:
    """Time engines on one plane of random numbers.

    Parameters
    ----------
    model
        In float32, on the CPU.
    choices
        What is timed; `choices_of` returns all that is at full speed here.
    side_px
        Side of the plane.
    repeats
        The engines take turns, so that other load on the computer meets all of them alike. One more
        turn, the first, is not counted.
    progress
        Told of each turn.
    """
    runs = [network_run(model, choice, side_px) for choice in choices]
    expected = network_run(model, TORCH, side_px)().numpy()
    outputs = [run().numpy() for run in runs]
    seconds = time_in_turns(runs, repeats, progress)
    return tuple(
        Timing(
            choice,
            statistics.median(times),
            min(times),
            max(times),
            Difference.between(output, expected).relative,
        )
        for choice, times, output in zip(choices, seconds, outputs, strict=True)
    )


def choices_of(states: Iterable[EngineState]) -> list[Choice]:
    """Return every engine that is installed in each of its precisions, torch's float32 first."""
    return [
        Choice(state.engine, precision, state.device, "")
        for state in states
        for precision in state.precisions
    ]


def network_run(model: DeepZModel, choice: Choice, side_px: int) -> Callable[[], torch.Tensor]:
    """Return a function that runs a network once as chosen, on random numbers, and waits for it."""
    network = run_as_chosen(model, choice).generator
    image = torch.rand(1, 2, side_px, side_px, generator=torch.Generator().manual_seed(0))
    image = image.contiguous(memory_format=torch.channels_last).to(choice.device)

    def run() -> torch.Tensor:
        with torch.inference_mode():
            refocused: torch.Tensor = network(image)
            return refocused.cpu()

    return run


def time_in_turns(
    runs: Sequence[Callable[[], object]], repeats: int, progress: Progress = no_progress
) -> list[list[float]]:
    """Return the seconds of each run, taken in turns: one of each, again and again."""
    seconds: list[list[float]] = [[] for _ in runs]
    for turn in range(repeats):
        for run, times in zip(runs, seconds, strict=True):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        progress("Timing", turn + 1, repeats)
    return seconds
