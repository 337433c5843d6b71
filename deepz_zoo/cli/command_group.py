"""A group of commands, each of which is imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import click

from deepz_zoo.cli.option_names import OptionNamesGroup


class CommandGroup(OptionNamesGroup):
    """A click group that imports a command's module when the command is asked for.

    Parameters
    ----------
    modules
        Where each command lies, in the order of the help: ``module:function``, or ``module`` alone
        where the function is called ``command``. Commands that are added in click's own way follow
        them.
    settings
        Those of `click.Group`.
    """

    def __init__(self, *, modules: Mapping[str, str] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.modules = dict(modules or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order in which they were given."""
        return [*self.modules, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None where there is none of that name."""
        if cmd_name not in self.modules:
            return super().get_command(ctx, cmd_name)
        module, _, function = self.modules[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), function or "command")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name; for an unknown name, suggest the nearest."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            names = self.list_commands(ctx)
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
            ctx.fail(f"no command {name!r}; {hint}")
        return super().resolve_command(ctx, args)
