"""Data to train on, compared with what a model was trained on."""

from __future__ import annotations

from collections.abc import Callable

from deepz_zoo.optics.system import Interval
from deepz_zoo.records.data_ranges import DataRanges, trained_ranges
from deepz_zoo.records.training import TrainingRecord

_TOLERANCE = 0.05


def data_warnings(data: DataRanges, trained: TrainingRecord) -> tuple[str, ...]:
    """Return a line for each quantity of the data that lies more than 5 % outside of a training's.

    Parameters
    ----------
    data
        What the data are like; a quantity that is not known is not compared.
    trained
        Record of the training.
    """
    there = trained_ranges(trained)
    lines = []
    for name, text in _TEXTS.items():
        here, known = getattr(data, name), getattr(there, name)
        if here is not None and known is not None and not _within(here, known):
            lines.append(f"{text(here)}, but the model was trained with {text(known)}")
    return tuple(lines)


def _within(here: Interval, there: Interval) -> bool:
    low, high = (_TOLERANCE * abs(end) for end in there)
    return here[0] >= there[0] - low and here[1] <= there[1] + high


def _number(interval: Interval) -> str:
    low, high = interval
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


_TEXTS: dict[str, Callable[[Interval], str]] = {
    "pixel_size_um": lambda i: f"pixels of {_number(i)} µm",
    "numerical_aperture": lambda i: f"a numerical aperture of {_number(i)}",
    "z_um": lambda i: f"distances of {_number(i)} µm",
    "background": lambda i: f"a background of {_number(i)} grey levels",
    "signal": lambda i: f"a signal of {_number(i)} grey levels",
    "signal_to_noise": lambda i: f"a signal of {_number(i)} times the noise",
}
