"""``deepz-zoo diff``: what changed between two packages."""

from __future__ import annotations

from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.options import console, json_option, print_json
from deepz_zoo.cli.parameters import PathName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepz_zoo.package.checks.diff import Change, PackageDiff

_MAX_VALUE_CHARACTERS = 60
_MAX_TENSORS = 10


@click.command("diff")
@click.argument("first", metavar="A.zip", type=PathName(path_type=Path))
@click.argument("second", metavar="B.zip", type=PathName(path_type=Path))
@json_option
def command(first: Path, second: Path, as_json: bool) -> None:
    """Say what changed from one package to another.

    Compares the descriptions, the files, the weights tensor by tensor, the measured accuracy, and
    the outputs for the test input of the first. Nothing in the packages is run.
    """
    from deepz_zoo.package.checks.diff import diff_packages

    found = diff_packages(first, second)
    if as_json:
        print_json({"first": str(first), "second": str(second), "same": found.same} | asdict(found))
    elif found.same:
        click.echo("the packages hold the same files")
    else:
        _print(found)


def _print(found: PackageDiff) -> None:
    _table("description", found.description)
    _table("files", found.files, shorten=12)
    tensors = found.weights
    _table(
        f"weights ({len(tensors)} tensors differ)",
        tensors[:_MAX_TENSORS],
        heads=("largest value", "largest change"),
    )
    _table("accuracy", found.accuracy)
    if found.remark:
        click.echo(f"Weights and output were not compared: {found.remark}")
    elif found.output is not None:
        click.echo(
            f"Output for the test input: differs by {found.output.absolute:.3g} grey levels at "
            f"most ({found.output.relative:.1e} of the largest value)"
        )


def _table(
    title: str,
    changes: Sequence[Change],
    *,
    heads: tuple[str, str] = ("before", "after"),
    shorten: int = _MAX_VALUE_CHARACTERS,
) -> None:
    if not changes:
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table(title, *heads, box=None, header_style="bold")
    for change in changes:
        values = (_text(value, shorten) for value in _unlike(change.before, change.after))
        table.add_row(*map(escape, (change.place, *values)))
    console().print(table)


def _unlike(before: Any, after: Any) -> tuple[Any, Any]:
    """Return two values without what a reader would have to compare: what both of them hold."""
    if isinstance(before, list) and isinstance(after, list):
        unlike = [v for v in before if v not in after], [v for v in after if v not in before]
        return unlike if any(unlike) else (before, after)
    if isinstance(before, str) and isinstance(after, str):
        pairs = zip(before, after, strict=False)
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if common > _MAX_VALUE_CHARACTERS // 2:
            start = before.rfind(" ", 0, common) + 1
            return f"…{before[start:]}", f"…{after[start:]}"
    return before, after


def _text(value: Any, longest: int) -> str:
    if value is None:
        return "–"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
