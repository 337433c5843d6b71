"""How much is said on standard error: ``--verbose``, ``--quiet``, and the log behind them."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click

LOG = logging.getLogger("deepz_zoo")
"""Warnings, progress (INFO) and tracebacks of errors (DEBUG)."""


class _Lines(logging.Handler):
    """Prints the package's records as lines; those of libraries begin with their names."""

    def emit(self, record: logging.LogRecord) -> None:
        start = "Warning: " if record.levelno == logging.WARNING else ""
        if record.name != LOG.name:
            start = f"{record.name}: "
        # Not by click, which would write into the bars of a progress that is shown.
        print(f"{start}{self.format(record)}", file=sys.stderr, flush=True)


@contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Print the package's warnings and its progress on standard error, and no tracebacks."""
    lines, root = _Lines(), logging.getLogger()
    before = LOG.level, root.level, logging.root.manager.disable
    LOG.addHandler(lines)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    try:
        yield
    finally:
        LOG.removeHandler(lines)
        root.handlers = [handler for handler in root.handlers if not isinstance(handler, _Lines)]
        LOG.setLevel(before[0])
        root.setLevel(before[1])
        logging.disable(before[2])
        logging.captureWarnings(False)
        LOG.propagate = True


def add_verbosity(command: click.Command) -> click.Command:
    """Give a command, or a group, the options ``--verbose`` and ``--quiet``, once."""
    if not any(parameter.name == "quiet" for parameter in command.params):
        command.params += [
            click.Option(
                ["-v", "--verbose"],
                is_flag=True,
                expose_value=False,
                callback=_say_more,
                help="Also print what libraries log, and where in the program an error arose.",
            ),
            click.Option(
                ["-q", "--quiet"],
                is_flag=True,
                expose_value=False,
                callback=_say_less,
                help="Print results and errors only: no warnings, no progress.",
            ),
        ]
    return command


def is_quiet() -> bool:
    """Tell whether progress is not wanted."""
    return not LOG.isEnabledFor(logging.INFO)


def _say_more(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        LOG.setLevel(logging.DEBUG)
        root = logging.getLogger()
        root.setLevel(logging.INFO)
        if not any(isinstance(handler, _Lines) for handler in root.handlers):
            root.addHandler(_Lines())
        logging.captureWarnings(True)
        warnings.simplefilter("default")


def _say_less(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        logging.disable(logging.WARNING)
