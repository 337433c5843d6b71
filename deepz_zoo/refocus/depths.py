"""The distances that a user asks for, as written on a command line."""

from __future__ import annotations

import math

from deepz_zoo.errors import DeepZError

_FORMS = "expected a number, numbers with commas, or START:STOP:STEP in µm, such as -10:10:0.5"
_MAX_PLANES = 100_000


def parse_depths(text: str) -> tuple[float, ...]:
    """Read distances in µm: ``2.5``, ``-5,0,5`` or ``-10:10:0.5``.

    A range holds its end where the end lies on the grid of its steps, and stops before it
    otherwise.

    Examples
    --------
    >>> parse_depths("-1:1:0.5")
    (-1.0, -0.5, 0.0, 0.5, 1.0)

    Raises
    ------
    DeepZError
        When the text is none of these, or a step leads away from the end.
    """
    numbers = [_number(part, text) for part in text.replace(":", ",").split(",")]
    if ":" not in text:
        return tuple(numbers)
    if "," in text or len(numbers) != 3:
        raise DeepZError(f"z {text!r}: {_FORMS}")
    start, stop, step = numbers
    if step == 0 or (stop - start) * step < 0:
        raise DeepZError(f"z {text!r}: a step of {step:g} does not lead from {start:g} to {stop:g}")
    # A thousandth of a step covers the binary fractions of decimal steps.
    count = math.floor((stop - start) / step + 1e-3) + 1
    if count > _MAX_PLANES:
        raise DeepZError(f"z {text!r} asks for {count} planes; expected {_MAX_PLANES} at most")
    return tuple(round(start + i * step, 9) + 0.0 for i in range(count))


def _number(part: str, text: str) -> float:
    try:
        value = float(part)
    except ValueError:
        raise DeepZError(f"z {text!r}: {_FORMS}") from None
    if not math.isfinite(value):
        raise DeepZError(f"z {text!r}: {_FORMS}")
    return value
