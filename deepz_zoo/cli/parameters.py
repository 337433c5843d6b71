"""The types of options: numbers that can be computed with, and paths that name something."""

from __future__ import annotations

import math
import os
from typing import Any

import click

_MAX_MAGNITUDE = 1e9
_MAX_INTEGER = 2**31 - 1  # what the random generators of all libraries take


class Number(click.FloatRange):
    """A finite number of sane size; -0 is 0.

    Its limits are those of `click.FloatRange`.
    """

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number that a user wrote, or fail with what is wrong with it."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number) or abs(number) > _MAX_MAGNITUDE:
            self.fail(
                f"{value} is not a number between -{_MAX_MAGNITUDE:g} and {_MAX_MAGNITUDE:g}.",
                param,
                ctx,
            )
        return number + 0.0

    def _describe_range(self) -> str:
        limited = self.min is not None or self.max is not None
        return super()._describe_range() if limited else ""


class Integer(click.IntRange):
    """An integer; its limits are those of `click.IntRange`, at most 2³¹ - 1."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the integer that a user wrote, or fail with what is wrong with it."""
        number = int(super().convert(value, param, ctx))
        if abs(number) > _MAX_INTEGER:
            self.fail(f"{value} is too large; expected at most {_MAX_INTEGER}.", param, ctx)
        return number


class PathName(click.Path):
    """A path; an empty or blank one names nothing and is refused."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Return the path that a user wrote, or fail with what is wrong with it."""
        text = os.fspath(value)
        if not text.strip():
            self.fail("the name is empty; expected a file or a folder.", param, ctx)
        if "\0" in text:
            self.fail("the name holds a NUL character.", param, ctx)
        return super().convert(value, param, ctx)
