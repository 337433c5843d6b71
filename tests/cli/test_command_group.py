"""Groups import their commands late, suggest the nearest name and name options in errors."""

from __future__ import annotations

import sys
import types

import click
import pytest

from deepz_zoo.cli.command_group import CommandGroup
from deepz_zoo.errors import DeepZError


@click.command()
@click.option("--clip", is_flag=True)
def fail(clip: bool) -> None:
    raise DeepZError("too far; set `clip`")


@pytest.fixture
def group(monkeypatch):
    """Return a group of two commands, in a module that is imported late, and a group inside it."""
    module = types.SimpleNamespace(command=click.Command("package"), fail=fail)
    monkeypatch.setitem(sys.modules, "module_of_commands", module)
    outer = CommandGroup(
        name="outer",
        modules={
            "package": "module_of_commands",
            "fail": "module_of_commands:fail",
            "absent": "no_such_module",
        },
    )

    @outer.group("inner", cls=CommandGroup, modules={"fail": "module_of_commands:fail"})
    def inner() -> None:
        """Hold a command."""

    return outer


def run(group, *words):
    return group.main(list(words), standalone_mode=False)


def test_commands_are_listed_in_their_order_without_an_import(group):
    assert group.list_commands(click.Context(group)) == ["package", "fail", "absent", "inner"]


def test_a_module_is_imported_when_its_command_is_asked_for(group):
    assert group.get_command(click.Context(group), "package").name == "package"
    assert group.get_command(click.Context(group), "fail") is fail
    assert group.get_command(click.Context(group), "none") is None
    with pytest.raises(ModuleNotFoundError):
        group.get_command(click.Context(group), "absent")


@pytest.mark.parametrize("words", [["fail"], ["inner", "fail"]])
def test_errors_name_the_options_of_the_command_that_ran(group, words):
    with pytest.raises(DeepZError, match="too far; set --clip"):
        run(group, *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pakage"], "no command 'pakage'; did you mean 'package'\\?"),
        (["zzz"], "no command 'zzz'; there are package, fail, absent, inner"),
        (["inner", "fai"], "no command 'fai'; did you mean 'fail'\\?"),
    ],
)
def test_an_unknown_command_names_the_nearest(group, words, message):
    with pytest.raises(click.UsageError, match=message):
        run(group, *words)
