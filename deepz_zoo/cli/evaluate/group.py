"""The group of the evaluations, of which one is the default."""

from __future__ import annotations

from collections.abc import Container, Sequence

import click

from deepz_zoo.cli.option_names import OptionNamesGroup

DEFAULT = "simulated"


class EvaluateGroup(OptionNamesGroup):
    """Evaluations of a model; without a command, that on simulated stacks."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands, the default first."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command first where it is left out."""
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, with_command(args, known))


def with_command(words: Sequence[str], known: Container[str]) -> list[str]:
    """Return the words of a command line with the command first.

    Parameters
    ----------
    words
        What follows ``evaluate``.
    known
        Words that may stand first.

    Examples
    --------
    >>> with_command(["leica20x_0.8/TxRd", "--quick"], {"simulated"})
    ['simulated', 'leica20x_0.8/TxRd', '--quick']

    Until version 0.1 an option chose what is measured; that still works:

    >>> with_command(["leica20x_0.8/TxRd", "--limits", "signal"], {"simulated"})
    ['limits', '--condition', 'signal', 'leica20x_0.8/TxRd']
    >>> with_command(["--stack", "worm.tif", "--beads"], {"simulated"})
    ['stack', 'worm.tif', '--beads']
    """
    if words and words[0] in known:
        return list(words)
    if "--benchmark" in words:
        return ["benchmark", *(word for word in words if word != "--benchmark")]
    limits, conditions, rest = _split_off("--limits", words)
    if limits:
        chosen = [] if "all" in conditions else conditions
        return ["limits", *(word for name in chosen for word in ("--condition", name)), *rest]
    stack, paths, rest = _split_off("--stack", words)
    if stack:
        return ["stack", *paths[-1:], *rest]
    return [DEFAULT, *words]


def _split_off(option: str, words: Sequence[str]) -> tuple[bool, list[str], list[str]]:
    """Return whether an option is there, its values, and the other words."""
    found, values, rest = False, [], []
    waiting = False
    for word in words:
        name, equals, value = word.partition("=")
        if name == option:
            found, waiting = True, not equals
            values += [value] if equals else []
        elif waiting and not word.startswith("-"):
            values.append(word)
            waiting = False
        else:
            rest.append(word)
            waiting = False
    return found, values, rest
