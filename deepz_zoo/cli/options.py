"""Options and printing that several commands share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from deepz_zoo.cli.parameters import PathName

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

    from deepz_zoo.images.sampling import Mismatch
    from deepz_zoo.progress import Progress

Function = TypeVar("Function", bound=Callable[..., Any])


def join_model_name(name: str | None, objective: str | None, channel: str | None) -> str:
    """Return ``objective/channel`` from the two ways in which a user can name a model.

    Parameters
    ----------
    name
        The short form, ``objective/channel``.
    objective, channel
        The values of ``--objective`` and ``--channel``; the objective may hold the short form too.

    Returns
    -------
    str
        ``objective/channel``, or the objective alone where no channel was given. The catalogue
        tells whether there is such a model.

    Raises
    ------
    click.UsageError
        When nothing names a model, or two things name different ones.
    """
    if name is not None and (objective or channel):
        raise click.UsageError(f"name the model either as {name} or with --objective and --channel")
    short = name or objective
    if short is None:
        missing = "name a model" if channel is None else f"--channel {channel} needs --objective"
        raise click.UsageError(
            f"{missing}, as in --objective leica20x_0.8 --channel TxRd; 'deepz-zoo list' shows all"
        )
    if channel is None:
        return short
    objective_id, _, named_channel = short.partition("/")
    if named_channel and named_channel.lower() != channel.lower():
        raise click.UsageError(f"--objective {objective} and --channel {channel} differ")
    return f"{objective_id}/{channel}"


def model_options(
    *, argument: bool = True, required: bool = True
) -> Callable[[Function], Function]:
    """Let the user name a model; the command's function receives ``model_name: str``.

    The name may be left out beside ``--weights`` or a prepared dataset as ``--data``, which both
    record their system; ``model_name`` is None then.

    Adds ``--objective`` and ``--channel`` and, with `argument`, the short form
    ``objective/channel`` as an optional positional argument. Commands with positional arguments of
    their own pass ``argument=False``; their users give the short form to ``--objective``.

    Parameters
    ----------
    argument
        Whether the command takes the short form as a positional argument.
    required
        Whether a name is needed where neither ``--weights`` nor ``--data`` is given.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def with_model_name(
            *args: Any,
            name: str | None = None,
            objective: str | None,
            channel: str | None,
            **kwargs: Any,
        ) -> Any:
            optional = not required or kwargs.get("weights") or kwargs.get("data")
            named = name or objective or channel or not optional
            model_name = join_model_name(name, objective, channel) if named else None
            return function(*args, model_name=model_name, **kwargs)

        command: Any = click.option(
            "--channel", metavar="NAME", help="Fluorescence channel, such as TxRd."
        )(with_model_name)
        command = click.option(
            "--objective",
            "--model",
            "objective",
            metavar="ID",
            help="Objective, such as leica20x_0.8; or the model, leica20x_0.8/TxRd.",
        )(command)
        if argument:
            command = click.argument("name", metavar="[OBJECTIVE/CHANNEL]", required=False)(command)
        return command  # type: ignore[no-any-return]

    return decorate


def weights_option(function: Function) -> Function:
    """Add ``--weights``: what to use in place of the zoo's own weights, or None.

    Adds ``--size`` too, which names a file for ``weights``. Goes below `model_options`.
    """

    @wraps(function)
    def with_weights(
        *args: Any, model_name: str | None, weights: str | None, size: str | None, **kwargs: Any
    ) -> Any:
        if size is not None and weights is not None:
            raise click.UsageError("--weights have a size of their own; leave --size out")
        if size == "paper":
            from deepz_zoo.zoo.store import paper_weights

            if model_name is None:
                raise click.UsageError("--size paper needs the name of a model")
            weights = str(paper_weights(model_name))
        return function(*args, model_name=model_name, weights=weights, **kwargs)

    command: Any = click.option(
        "--size",
        type=click.Choice(["lite", "paper"]),
        help="The zoo's weights of this size; paper from the folder that DEEPZ_WEIGHTS names, the "
        "user's cache or a clone of the repository.  "
        "[default: lite]",
    )(with_weights)
    command = click.option(
        "--weights",
        "weights",
        metavar="FILE",
        type=PathName(),
        help="Use these weights: a checkpoint (best.safetensors with its best.json beside it), or "
        "a Deep-Z package (.zip).",
    )(command)
    return command  # type: ignore[no-any-return]


def input_channel_option(function: Function) -> Function:
    """Add ``--input-channel``: a channel's name or its number, see `images.select`, or None."""
    return click.option(
        "--input-channel",
        metavar="NAME|NUMBER",
        help="Channel of a file with several: its name, or its number from 1.",
    )(function)


def normalization_option(function: Function) -> Function:
    """Add ``--normalization``: a rule to use in place of the model's own, or None."""
    return click.option(
        "--normalization",
        type=click.Choice(["paper", "plugin", "plugin-8bit"]),
        help="The paper's, or that of the authors' Fiji plugin for 16-bit or for 8-bit images.  "
        "[default: the model's own, the paper's]",
    )(function)


def engines_option(function: Function) -> Function:
    """Add ``--engines``: a folder of old engines to compare the weights with too, or None."""
    return click.option(
        "--engines",
        metavar="FOLDER",
        type=PathName(file_okay=False, exists=True, path_type=Path),
        help="Also run the weights with the old engines in this folder, see docs/validation.md.",
    )(function)


def instrument_option(function: Function) -> Function:
    """Add ``--instrument``: a file of 'deepz-zoo calibrate', or None."""
    return click.option(
        "--instrument",
        metavar="microscope.json",
        type=PathName(path_type=Path),
        help="The one instrument that 'deepz-zoo calibrate' measured, not any of the ranges.",
    )(function)


def overwrite_option(function: Function) -> Function:
    """Add ``--overwrite``, a flag."""
    return click.option("--overwrite", is_flag=True, help="Replace an existing output.")(function)


def json_option(function: Function) -> Function:
    """Add ``--json``; the command's function receives it as ``as_json: bool``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")(
        function
    )


def pixel_policy(resample: bool, ignore: bool) -> Mismatch:
    """Return what ``--resample`` and ``--ignore-pixel-size`` say of pixel sizes that differ."""
    if resample and ignore:
        raise click.UsageError("--resample and --ignore-pixel-size exclude each other")
    return "resample" if resample else "ignore" if ignore else "refuse"


def console(*, stderr: bool = False) -> Console:
    """Return a rich console that neither highlights numbers nor cuts tables short in a pipe.

    Without a terminal rich assumes 80 columns, which would cut names that a script reads.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 200
    return Console(stderr=stderr, highlight=False, width=width)


def print_json(data: Any) -> None:
    """Print `data`, made of JSON's own types, to standard output."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Yield a function to report progress to, which draws a bar per step on a terminal."""
    with progress_bar() as bar:
        tasks: dict[str, Any] = {}

        def show(step: str, done: int = 0, total: int = 0) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total or None)
            bar.update(tasks[step], completed=done, total=total or None)

        yield show


@contextmanager
def progress_bar() -> Iterator[Bars]:
    """Yield a rich progress display on standard error, which is visible on a terminal only."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    display = console(stderr=True)
    with Bars(*columns, console=display, transient=True, disable=not display.is_terminal) as bar:
        yield bar
