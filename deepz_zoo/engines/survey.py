"""Which engines are there, what they compute in, and how fast they are."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
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
    states: Sequence[EngineState],
    side_px: int,
    *,
    repeats: int = 5,
    progress: Progress = no_progress,
) -> tuple[Timing, ...]:
    """Time all installed engines on one plane, in every precision that they are made for.

    Parameters
    ----------
    model
        In float32, on the CPU.
    states
        From `survey_engines`.
    side_px
        Side of the plane.
    repeats
        The engines take turns, so that other load on the computer meets all of them alike. One more
        turn, the first, is not counted.
    progress
        Told of each turn.
    """
    choices = [
        Choice(state.engine, precision, state.device, "") for state, precision in _all(states)
    ]
    image = torch.rand(1, 2, side_px, side_px, generator=torch.Generator().manual_seed(0))
    image = image.contiguous(memory_format=torch.channels_last)
    runs = [_run(run_as_chosen(model, choice), image, choice.device) for choice in choices]
    expected = _run(model, image, torch.device("cpu"))().numpy()
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


def _all(states: Sequence[EngineState]) -> Iterator[tuple[EngineState, Precision]]:
    for state in states:
        yield from product([state], state.precisions)


def _run(
    model: DeepZModel, image: torch.Tensor, device: torch.device
) -> Callable[[], torch.Tensor]:
    """Return a function that runs the network on an image and waits for the result."""
    on_device = image.to(device)

    def run() -> torch.Tensor:
        with torch.inference_mode():
            refocused: torch.Tensor = model.generator(on_device)
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
