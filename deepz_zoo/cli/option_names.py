"""Messages of the package with the options of a command in them.

An error or a warning of the package names arguments of Python functions, in backticks. A user of
the command line knows the same things as options.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import click

from deepz_zoo.cli.verbosity import LOG, add_verbosity
from deepz_zoo.errors import DeepZError

_ARGUMENT = re.compile(r"`(\w+)`")


def with_option_names(message: str, parameters: Sequence[click.Parameter]) -> str:
    """Return a message of the package with a command's options in it.

    Parameters
    ----------
    message
        Names arguments in backticks, as in "or set `clip`".
    parameters
        Those of the command. A name that no visible option has only loses its backticks.

    Examples
    --------
    >>> with_option_names("or set `clip`", [click.Option(["--clip"])])
    'or set --clip'
    """
    options = {
        parameter.name: _name_to_show(parameter)
        for parameter in parameters
        if isinstance(parameter, click.Option) and not parameter.hidden
    }
    return _ARGUMENT.sub(lambda found: options.get(found[1], found[1]), message)


def _name_to_show(option: click.Option) -> str:
    """Return the first long name of an option; those after it are former spellings."""
    return next((name for name in option.opts if name.startswith("--")), option.opts[0])


class OptionNamesGroup(click.Group):
    """A click group in whose errors the options of the command stand for its arguments.

    Its commands have the options ``--verbose`` and ``--quiet``.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name, with the options that all have."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and add_verbosity(command), rest

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
    LOG.warning("%s", with_option_names(message, parameters))
