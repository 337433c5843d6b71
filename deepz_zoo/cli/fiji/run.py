"""``deepz-zoo fiji run``: a whole macro, from a shell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.fiji.options import imagej_option, window_option
from deepz_zoo.cli.options import show_progress
from deepz_zoo.cli.parameters import Number

if TYPE_CHECKING:
    from collections.abc import Callable

# How a macro reports its progress: print("3/20 frames");
_PROGRESS = re.compile(r"^\s*(\d+)\s*/\s*(\d+)\b\s*(.*)$")


@click.command("run")
@click.argument("macro", metavar="MACRO")
@click.argument("values", metavar="[KEY=VALUE]...", nargs=-1)
@click.option("--input", "input_path", metavar="FILE", help="The macro's option 'input'.")
@click.option("-o", "--output", metavar="FILE", help="The macro's option 'output'.")
@click.option(
    "--timeout",
    "timeout_s",
    type=Number(0, min_open=True),
    metavar="SECONDS",
    help="Stop the macro after this time.",
)
@imagej_option
@window_option
def run(
    *,
    macro: str,
    values: tuple[str, ...],
    input_path: str | None,
    output: str | None,
    timeout_s: float | None,
    fiji: str | None,
    window: bool,
) -> None:
    """Run a macro in ImageJ and print what it prints.

    MACRO is a file, or one of the macros of deepz-zoo by its name. It finds its options in
    getArgument() and in call("ij.Macro.getOptions"). Ctrl-C stops it and all that it started. A
    line such as '3/20 frames' moves the progress bar.

    \b
    deepz-zoo fiji run Deep-Z_Refocus --input worm.tif -o stack.tif z=-5:5:1
    """  # noqa: D301 - click reads the backspace
    options = _options(values)

    from deepz_zoo.fiji import run_macro_file

    with _printing() as show, _log_of_errors():
        done = run_macro_file(
            macro,
            input=input_path,
            output=output,
            options=options,
            fiji=fiji,
            window=window,
            timeout_s=timeout_s,
            on_line=show,
        )
    if done.returned:
        click.echo(done.returned)
    if done.output is not None and done.returned != str(done.output):
        click.echo(str(done.output))


def _options(values: Sequence[str]) -> dict[str, Any]:
    """Return options from words: KEY=VALUE, or KEY alone for a checked box."""
    options: dict[str, Any] = {}
    for value in values:
        key, equals, text = value.partition("=")
        if key in ("input", "output"):
            raise click.UsageError(f"give {key} as --{key}")
        if key in options:
            raise click.UsageError(f"{key} is given twice")
        options[key] = _value(text) if equals else True
    return options


def _value(text: str) -> str | Path:
    """Return the path of a file where there is one: the macro runs in another folder."""
    path = Path(text)
    return path if path.suffix and path.is_file() else text


@contextmanager
def _log_of_errors() -> Iterator[None]:
    """Print what plugins wrote to standard error where the macro fails."""
    from deepz_zoo.fiji import MacroError

    try:
        yield
    except MacroError as error:
        if error.log:
            click.echo(error.log, err=True)
        raise


@contextmanager
def _printing() -> Iterator[Callable[[str], None]]:
    """Yield a function that prints a macro's lines and shows its progress as a bar."""
    with show_progress() as progress:
        progress("ImageJ")

        def show(line: str) -> None:
            if (found := _PROGRESS.match(line)) is None:
                click.echo(line)
                return
            done, total, what = int(found[1]), int(found[2]), found[3]
            progress(what or "ImageJ", done, total)

        yield show
