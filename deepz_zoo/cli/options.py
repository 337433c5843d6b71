"""Options and printing that several commands share."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from deepz_zoo.cli.parameters import PathName
from deepz_zoo.cli.verbosity import LOG, is_quiet
from deepz_zoo.progress import Progress, no_progress

if TYPE_CHECKING:
    from rich.console import Console

    from deepz_zoo.engines.choice import Choice
    from deepz_zoo.images.sampling import Mismatch
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.manifest import Manifest

SECONDS_BETWEEN_LINES = 10.0
"""Of progress, where standard error is no terminal."""

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


def complete_model(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the models that begin so, for a shell; where there are none, files may do."""
    from deepz_zoo.optics import list_systems

    names = [system.name for system in list_systems() if system.name.startswith(incomplete)]
    return [CompletionItem(name) for name in names] or [CompletionItem(incomplete, type="file")]


def model_options(
    *, argument: bool = True, required: bool = True
) -> Callable[[Function], Function]:
    """Let the user name a model; the command's function receives ``model_name: str``.

    The name may be left out beside ``--weights`` or a prepared dataset as ``--data``, which both
    record their system, and beside ``--channels``, which names models; ``model_name`` is None then.

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
            optional = not required or any(map(kwargs.get, ("weights", "data", "channels")))
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
            command = click.argument(
                "name",
                metavar="[OBJECTIVE/CHANNEL]",
                required=False,
                shell_complete=complete_model,
            )(command)
        return command  # type: ignore[no-any-return]

    return decorate


def model_and_file_arguments(parameter: str, metavar: str) -> Callable[[Function], Function]:
    """Add a model, which may be left out, and a file as positional arguments, in either order.

    Goes above ``model_options(argument=False)``.

    Parameters
    ----------
    parameter
        Under which name the command's function receives the file, as a str.
    metavar
        How the help calls it.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def with_file(*args: Any, first: str | None, second: str | None, **kwargs: Any) -> Any:
            if first is None:
                context = click.get_current_context()
                raise click.UsageError(f"Missing argument '{metavar}'.", context)
            name, file = (None, first) if second is None else (first, second)
            if name is not None and Path(name).is_file() and not Path(file).is_file():
                name, file = file, name
            return function(*args, name=name, **{parameter: file}, **kwargs)

        command: Any = click.argument("second", metavar=metavar, required=False, type=PathName())(
            with_file
        )
        command = click.argument(
            "first",
            metavar="[OBJECTIVE/CHANNEL]",
            required=False,
            type=PathName(),
            shell_complete=complete_model,
        )(command)
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
        if size is not None:
            from deepz_zoo.zoo.store import weights_of_size

            if model_name is None:
                raise click.UsageError("--size needs the name of a model")
            weights = str(weights_of_size(model_name, size))
        return function(*args, model_name=model_name, weights=weights, **kwargs)

    command: Any = click.option(
        "--size",
        type=click.Choice(["lite", "half", "paper"]),
        help="The zoo's weights of this size, if it has them ('deepz-zoo list' shows the usual "
        "one); paper from the folder that DEEPZ_WEIGHTS names, the user's cache or a clone of the "
        "repository.",
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


def engine_options(
    engine: str = "auto", precision: str = "auto", device: str = "auto"
) -> Callable[[Function], Function]:
    """Add ``--engine``, ``--precision`` and ``--device``, with these defaults; see `EngineOptions`.

    The command's function receives them as ``engine_options: EngineOptions``.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def with_engine_options(
            *args: Any, engine: Any, precision: Any, device: str, **kwargs: Any
        ) -> Any:
            chosen = EngineOptions(engine, precision, device)
            return function(*args, engine_options=chosen, **kwargs)

        command: Any = click.option(
            "--device",
            default=device,
            show_default=True,
            help="auto, cpu, cuda, cuda:N or mps.",
        )(with_engine_options)
        command = click.option(
            "--precision",
            type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
            default=precision,
            show_default=True,
            help="What the network computes in; auto takes the fastest that costs at most "
            "0.002 of correlation.",
        )(command)
        command = click.option(
            "--engine",
            type=click.Choice(["auto", "torch", "openvino", "onnxruntime"]),
            default=engine,
            show_default=True,
            help="What runs the network; 'deepz-zoo engines' shows what auto takes.",
        )(command)
        return command  # type: ignore[no-any-return]

    return decorate


@dataclass(frozen=True)
class EngineOptions:
    """The values of ``--engine``, ``--precision`` and ``--device``."""

    engine: Any
    precision: Any
    device: str

    def choose(
        self, model: DeepZModel, manifest: Manifest, *, pixels: float | None = None
    ) -> Choice:
        """Return what runs the network of a model; see `choose_engine`."""
        from deepz_zoo.engines.choice import choose_engine

        return choose_engine(
            model.generator,
            self.engine,
            self.precision,
            device=self.device,
            costs=manifest.precisions,
            pixels=pixels,
        )

    def apply(self, model: DeepZModel, manifest: Manifest) -> DeepZModel:
        """Return a model whose network runs as the options say, for much work.

        Where that is not as the figures of models are measured, by torch in float32 on the CPU, it
        is said on standard error.
        """
        from deepz_zoo.engines.with_engine import run_as_chosen

        choice = self.choose(model, manifest)
        chosen = run_as_chosen(model, choice)
        if chosen is not model:
            click.echo(f"Computed by {choice}.", err=True)
        return chosen


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
    """Yield a function to report progress to: bars on a terminal, elsewhere a line now and then."""
    display = console(stderr=True)
    if is_quiet():
        yield no_progress
    elif display.is_terminal:
        with _bars(display) as show:
            yield show
    else:
        yield ProgressLines()


@contextmanager
def _bars(display: Console) -> Iterator[Progress]:
    """Draw a bar per step; a step of unknown length shows one until the next begins."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    # Results that go to a file are not drawn above the bars.
    redirect = sys.stdout.isatty()
    with Bars(*columns, console=display, transient=True, redirect_stdout=redirect) as bars:
        tasks: dict[str, Any] = {}
        endless: list[str] = []

        def show(step: str, done: float = 0, total: int = 0) -> None:
            if step not in tasks:
                while endless:
                    bars.remove_task(tasks.pop(endless.pop()))
                tasks[step] = bars.add_task(step, total=total or None)
                endless.extend([] if total else [step])
            bars.update(tasks[step], completed=done, total=total or None)

        yield show


class ProgressLines:
    """Prints how far the work is, for log files: a line every ten seconds at most."""

    def __init__(self) -> None:
        self._printed = time.monotonic()
        self._step = ""
        self._from: tuple[float, float] | None = None

    def __call__(self, step: str, done: float = 0, total: int = 0) -> None:
        """Take a report, see `Progress`."""
        now = time.monotonic()
        if step != self._step:
            self._step, self._from = step, None
        if self._from is None and done:
            self._from = now, done  # what came before was the start, which takes longer
        if now - self._printed < SECONDS_BETWEEN_LINES:
            return
        self._printed = now
        left = time_left(now, self._from, done, total)
        LOG.info("%s%s%s", step, f": {int(done)} of {total}" if total else "", left)


def time_left(now: float, since: tuple[float, float] | None, done: float, total: int) -> str:
    """Return how long a step will take, after a comma, if it goes on as it did.

    Parameters
    ----------
    now
        A time in seconds.
    since
        An earlier time in seconds and how much was done then.
    done, total
        As of `Progress`.

    Examples
    --------
    >>> time_left(60, (0, 10), 20, 50)
    ', 3 min left'
    """
    if since is None or done <= since[1]:
        return ""
    seconds = (now - since[0]) / (done - since[1]) * (total - done)
    if seconds < 1:
        return ""
    if seconds < 90:
        return f", {seconds:.0f} s left"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f", {f'{hours} h ' if hours else ''}{minutes} min left"
