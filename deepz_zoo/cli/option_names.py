"""The names of options in the place of the names of arguments.

The package speaks to its callers in Python of their arguments, in backticks; a user of the command
line knows the same things as options.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import click

from deepz_zoo.errors import DeepZError

_ARGUMENT = re.compile(r"`(\w+)`")


def with_option_names(message: str, parameters: Sequence[click.Parameter]) -> str:
    """Return a message of the package with a command's options in it.

    Parameters
    ----------
    message
        Names arguments in backticks, as in "or set `clip`".
    parameters
        Those of the command; a name that is none of theirs only loses its backticks.

    Examples
    --------
    >>> with_option_names("or set `clip`", [click.Option(["--clip"])])
    'or set --clip'
    """
    options = {
        parameter.name: max(parameter.opts, key=len)
        for parameter in parameters
        if isinstance(parameter, click.Option)
    }
    return _ARGUMENT.sub(lambda found: options.get(found[1], found[1]), message)


class OptionNamesGroup(click.Group):
    """A click group in whose errors the options of the command stand for its arguments."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; where an error names an argument, it names the option instead."""
        try:
            return super().invoke(ctx)
        except DeepZError as error:
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            message = with_option_names(str(error), command.params if command else ())
            if message == str(error):
                raise
            raise DeepZError(message) from error


def warn(message: str) -> None:
    """Print a warning of the package on standard error, with the running command's options."""
    parameters = click.get_current_context().command.params
    click.echo(f"Warning: {with_option_names(message, parameters)}", err=True)
