"""All commands, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import io
import os
import re
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import click

from deepz_zoo import __version__
from deepz_zoo.cli.command_group import CommandGroup
from deepz_zoo.cli.interruption import Ended, interruptions_unwind
from deepz_zoo.cli.system_errors import system_error_line
from deepz_zoo.cli.verbosity import LOG, add_verbosity, logging_to_stderr
from deepz_zoo.errors import CheckFailed, DeepZError

# In the order of a user's work.
COMMANDS = {
    "list": "deepz_zoo.cli.list_models",
    "info": "deepz_zoo.cli.info",
    "package": "deepz_zoo.cli.package",
    "validate": "deepz_zoo.cli.validate",
    "verify": "deepz_zoo.cli.verify",
    "diff": "deepz_zoo.cli.diff",
    "export": "deepz_zoo.cli.export",
    "refocus": "deepz_zoo.cli.refocus",
    "web": "deepz_zoo.cli.web",
    "engines": "deepz_zoo.cli.engines",
    "simulate": "deepz_zoo.cli.simulate",
    "prepare": "deepz_zoo.cli.prepare",
    "calibrate": "deepz_zoo.cli.calibrate",
    "measure": "deepz_zoo.cli.measure",
    "train": "deepz_zoo.cli.train",
    "evaluate": "deepz_zoo.cli.evaluate",
    "experiment": "deepz_zoo.cli.experiment",
    "card": "deepz_zoo.cli.card",
    "import": "deepz_zoo.cli.import_models",
    "fiji": "deepz_zoo.cli.fiji",
}

STDOUT_ONLY = "--stdout-only"
BACKGROUND = "--background"

_EXTRA = re.compile(r"extra == .([\w-]+).")

EXIT_FAULT = 1  # as Python exits after a traceback
EXIT_CHECK_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # as shells report it: 128 + SIGINT
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE
EXIT_ENDED = 143  # 128 + SIGTERM


@click.group(
    cls=CommandGroup,
    modules=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="'deepz-zoo COMMAND --help' has every option of a command.",
)
@click.version_option(__version__, prog_name="deepz-zoo")
@click.option(
    STDOUT_ONLY,
    is_flag=True,
    expose_value=False,
    help="Must come first: send errors to standard output too, and end it with a line 'exit CODE'; "
    "for callers that read nothing else.",
)
@click.option(
    BACKGROUND,
    metavar="FOLDER",
    expose_value=False,
    hidden=True,
    help="Must come first: return at once, and run for as long as the caller keeps changing the "
    "file 'alive' in this folder, see deepz_zoo.cli.background.",
)
def cli() -> None:
    """Deep-Z virtual refocusing: models by objective and channel, packaged for bioimage.io.

    Lengths are in µm. A positive z is the direction of increasing stage z: the wanted surface lies
    at a higher index of a stack acquired upward.
    """


add_verbosity(cli)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    0: done, 1: a check failed, 2: wrong usage or bad input, 130: interrupted by the user, 141: the
    reader of the output went away, 143: ended by SIGTERM. A mistake of the user becomes one line on
    standard error; only a fault of the program ends with a traceback. Characters that the encoding
    of the output does not have are replaced.

    Parameters
    ----------
    arguments
        What follows ``deepz-zoo``; by default that of this process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    with interruptions_unwind(), logging_to_stderr():
        return _main(words)


def _main(words: list[str]) -> int:
    if words[:1] == [BACKGROUND] and len(words) > 1:
        return _start_in_background(Path(words[1]), words[2:])
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


def _start_in_background(folder: Path, words: list[str]) -> int:
    from deepz_zoo.cli.background import start

    entry = "import sys; from deepz_zoo.cli.entry import run; sys.exit(run())"
    start(folder, [sys.executable, "-c", entry, STDOUT_ONLY, *words])
    click.echo("exit 0")
    return 0


def _run(arguments: list[str]) -> int:
    """Run the command line and return the exit code, see `main`."""
    try:
        _refuse_other_encodings(arguments)
        with warnings.catch_warnings():
            # Those of libraries are for programmers; the package's own are printed by commands.
            warnings.simplefilter("ignore")
            result = cli.main(arguments, prog_name="deepz-zoo", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except (DeepZError, click.ClickException) as error:
        LOG.debug("%s", type(error).__name__, exc_info=error)
        return _report("Error", _message(error), EXIT_BAD_INPUT)
    except CheckFailed as error:
        return _report("Failed", str(error), EXIT_CHECK_FAILED)
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error, Ended) or isinstance(error.__cause__, Ended):
            return _report("Ended", "nothing further was written", EXIT_ENDED)
        return _report("Interrupted", "nothing further was written", EXIT_INTERRUPTED)
    except SystemExit as end:
        # No command exits by itself. click and rich do when the reader of their output has gone
        # away, with the code that means a failed check here.
        if end.code == EXIT_CHECK_FAILED:
            return EXIT_BROKEN_PIPE
        raise
    except Exception as error:
        line = system_error_line(error) or _missing_library_message(error)
        if line is None:
            raise
        LOG.debug("%s", type(error).__name__, exc_info=error)
        return _report("Error", line, EXIT_BAD_INPUT)
    return result if isinstance(result, int) else 0


def _refuse_other_encodings(arguments: list[str]) -> None:
    """Refuse names that are not UTF-8: the formats that are written cannot hold them."""
    for word in arguments:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise DeepZError(f"{word} is not UTF-8; give the file another name") from None


@contextmanager
def _errors_on_stdout() -> Iterator[None]:
    """Send what goes to standard error to standard output, also from libraries in C.

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
    """Return the one line of an error; where the usage was wrong, it points to the help."""
    if not isinstance(error, click.ClickException):
        return str(error)
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message = f"{message.rstrip('.')} (see '{error.ctx.command_path} --help')"
    return message


def _missing_library_message(error: Exception) -> str | None:
    """Return a line for a library that an extra of this package installs, or None."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    from importlib.metadata import PackageNotFoundError, requires

    library = error.name.partition(".")[0].replace("_", "-")
    try:
        requirements = requires("deepz-zoo") or []
    except PackageNotFoundError:  # run from its sources
        return None
    extras = Counter(_EXTRA.findall("\n".join(requirements)))
    named = re.compile(rf"{library}\W.*{_EXTRA.pattern}")
    found = [match[1] for requirement in requirements if (match := named.match(requirement))]
    if not found:
        return None
    smallest = min(found, key=extras.__getitem__)
    return f"{library} is missing; install it with: pip install 'deepz-zoo[{smallest}]'"


def _report(kind: str, message: str, exit_code: int) -> int:
    """Print one line on standard error and return the exit code."""
    click.echo(f"{kind}: {' '.join(message.split())}", err=True)
    return exit_code
