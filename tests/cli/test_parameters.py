"""Numbers that nobody can compute with, and names of nothing, are refused by every command."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from deepz_zoo.cli.main import cli
from deepz_zoo.cli.parameters import Integer, Number, PathName


def options(
    group: click.Group = cli, *before: str
) -> Iterator[tuple[tuple[str, ...], click.Option]]:
    """Yield the words of every command with each of its options."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from options(command, *before, name)
            continue
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield (*before, name), parameter


def of_type(kind: type[click.ParamType]) -> list[object]:
    return [
        pytest.param(words, option, id=f"{' '.join(words)} {option.opts[0]}")
        for words, option in options()
        if isinstance(option.type, kind)
    ]


@pytest.mark.parametrize(("words", "option"), of_type(click.ParamType))
def test_every_number_and_path_is_of_our_types(words, option):
    plain = (click.types.FloatParamType, click.types.IntParamType, click.Path, click.File)
    kinds = option.type.types if isinstance(option.type, click.Tuple) else [option.type]
    for kind in kinds:
        assert not isinstance(kind, plain) or isinstance(kind, Number | Integer | PathName)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e300", "-1e300", "", "x", "0x10"])
@pytest.mark.parametrize(("words", "option"), of_type(Number))
def test_numbers_that_cannot_be_computed_with(run_cli, words, option, value):
    code, out, err = run_cli(*words, f"{option.opts[0]}={value}")
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert option.opts[0] in err


@pytest.mark.parametrize("value", ["nan", "1.5", "1e300", "", "99999999999999999999"])
@pytest.mark.parametrize(("words", "option"), of_type(Integer))
def test_integers_that_are_none(run_cli, words, option, value):
    code, out, err = run_cli(*words, f"{option.opts[0]}={value}")
    assert (code, out, err.count("\n")) == (2, "", 1), err


@pytest.mark.parametrize("value", ["", "  ", "\t"])
@pytest.mark.parametrize(("words", "option"), of_type(PathName))
def test_a_name_of_nothing(words, option, value):
    with pytest.raises(click.BadParameter, match="the name is empty"):
        option.type.convert(value, option, None)


@pytest.mark.parametrize(("text", "number"), [("-0", 0.0), ("-0.0", 0.0), (" 2.5 ", 2.5)])
def test_minus_zero_is_zero(text, number):
    found = Number().convert(text, None, None)
    assert (found, str(found)) == (number, str(number))
