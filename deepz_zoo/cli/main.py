"""The command group, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import errno
import importlib
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from difflib import get_close_matches

import click

from deepz_zoo import __version__
from deepz_zoo.cli.option_names import OptionNamesGroup
from deepz_zoo.errors import CheckFailed, DeepZError

# Verb → module; a verb's module is imported when it is asked for.
VERBS = {
    "list": "deepz_zoo.cli.list_models",
    "info": "deepz_zoo.cli.info",
    "package": "deepz_zoo.cli.package",
    "validate": "deepz_zoo.cli.validate",
    "verify": "deepz_zoo.cli.verify",
    "diff": "deepz_zoo.cli.diff",
    "export": "deepz_zoo.cli.export",
    "refocus": "deepz_zoo.cli.refocus",
    "simulate": "deepz_zoo.cli.simulate",
    "prepare": "deepz_zoo.cli.prepare",
    "train": "deepz_zoo.cli.train",
    "evaluate": "deepz_zoo.cli.evaluate",
    "card": "deepz_zoo.cli.card",
    "import": "deepz_zoo.cli.import_models",
    "fiji": "deepz_zoo.cli.fiji",
}

STDOUT_ONLY = "--stdout-only"

EXIT_FAULT = 1  # as Python ends after a traceback
EXIT_CHECK_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # as shells report an ended program: 128 + SIGINT
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE


class VerbGroup(OptionNamesGroup):
    """A click group that imports a verb's module when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of `VERBS`, which is that of a user's work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command behind a verb, or None."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(VERBS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name; an unknown verb is told the nearest."""
        verb = args[0]
        if verb not in VERBS and not verb.startswith("-"):
            near = get_close_matches(verb, VERBS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(VERBS)}"
            ctx.fail(f"no verb {verb!r}; {hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=VerbGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="'deepz-zoo VERB --help' says more about one of them.",
)
@click.version_option(__version__, prog_name="deepz-zoo")
@click.option(
    STDOUT_ONLY,
    is_flag=True,
    expose_value=False,
    help="Goes first: send errors to standard output too, and end it with a line 'exit CODE'; "
    "for callers that see nothing else, such as ImageJ's macros.",
)
def cli() -> None:
    """Deep-Z virtual refocusing: models by objective and channel, packaged for bioimage.io.

    Lengths are in µm. A positive z is the direction of increasing stage z: the wanted surface lies
    at a higher index of a stack acquired upward.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    0 done, 1 a check failed, 2 wrong usage or bad input; 130 and 141 where the user interrupted or
    the reader of the output went away. Whatever the user did wrong becomes one line on standard
    error; a traceback is left for faults of the program.

    Parameters
    ----------
    arguments
        The words after ``deepz-zoo``; those of the process by default.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] != [STDOUT_ONLY]:
        return _run(words)
    with _errors_on_stdout():
        try:
            exit_code = _run(words)
        except Exception:
            traceback.print_exc()
            exit_code = EXIT_FAULT
    click.echo(f"exit {exit_code}")
    return exit_code


def _run(arguments: list[str]) -> int:
    """Run the command line and return the exit code, see `main`."""
    try:
        result = cli.main(arguments, prog_name="deepz-zoo", standalone_mode=False)
    except (DeepZError, click.ClickException) as error:
        return _report("Error", _message(error), EXIT_BAD_INPUT)
    except CheckFailed as error:
        return _report("Failed", str(error), EXIT_CHECK_FAILED)
    except (click.Abort, KeyboardInterrupt):
        return _report("Interrupted", "nothing further was written", EXIT_INTERRUPTED)
    except SystemExit as end:
        # No verb exits by itself. click and rich do when nobody reads their output any more, with
        # the code that here means a failed check.
        if end.code == EXIT_CHECK_FAILED:
            return EXIT_BROKEN_PIPE
        raise
    except Exception as error:
        line = _operating_system_message(error) or _missing_library_message(error)
        if line is None:
            raise
        return _report("Error", line, EXIT_BAD_INPUT)
    return result if isinstance(result, int) else 0


@contextmanager
def _errors_on_stdout() -> Iterator[None]:
    """Let standard output take what goes to standard error, also from libraries in C.

    A caller that does not read standard error would block this process once the pipe is full.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(1, 2)
    try:
        with redirect_stderr(sys.stdout):
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 2)
        os.close(kept)


def _message(error: DeepZError | click.ClickException) -> str:
    """Return the one line of an error, with the way to the help where the usage was wrong."""
    if not isinstance(error, click.ClickException):
        return str(error)
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message = f"{message.rstrip('.')} (see '{error.ctx.command_path} --help')"
    return message


def _operating_system_message(error: Exception) -> str | None:
    """Return a line for what the operating system refused, or None for any other error.

    Libraries wrap a full disk into errors of their own, as safetensors does; so the text counts.
    """
    full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    if full or "No space left on device" in str(error):
        place = getattr(error, "filename", None)
        return f"disk full{f' while writing {place}' if place else ''}; free some space and repeat"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return None


def _missing_library_message(error: Exception) -> str | None:
    """Return a line for a library that an extra of this package brings, or None."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    from importlib.metadata import PackageNotFoundError, requires

    library = error.name.partition(".")[0].replace("_", "-")
    try:
        requirements = requires("deepz-zoo") or []
    except PackageNotFoundError:  # run from its sources
        return None
    for requirement in requirements:
        extra = re.fullmatch(rf"{library}\W.*extra == .(fiji|train).", requirement)
        if extra is not None:
            return f"{library} is missing; install it with: pip install 'deepz-zoo[{extra[1]}]'"
    return None


def _report(kind: str, message: str, exit_code: int) -> int:
    """Print one line on standard error and return the exit code."""
    click.echo(f"{kind}: {' '.join(message.split())}", err=True)
    return exit_code
