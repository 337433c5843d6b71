"""How much is said: ``--verbose``, ``--quiet``, and progress where there is no terminal."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import click
import pytest

from deepz_zoo.cli import main as entry
from deepz_zoo.cli import options
from deepz_zoo.cli.option_names import warn
from deepz_zoo.cli.options import show_progress
from deepz_zoo.errors import DeepZError


@pytest.fixture(autouse=True)
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a command that says something of every kind, and then fails or not."""

    @click.command("talk")
    @click.option("--fail", is_flag=True)
    def command(fail: bool) -> None:
        warn("dim image")
        logging.getLogger("library").info("opened a file")
        warnings.warn("deprecated function", DeprecationWarning, stacklevel=1)
        with show_progress() as progress:
            progress("refocusing", 3, 7)
        if fail:
            raise DeepZError("bad input")
        click.echo("result")

    monkeypatch.setitem(entry.cli.commands, "talk", command)
    monkeypatch.setattr(options, "SECONDS_BETWEEN_LINES", 0.0)


def test_warnings_and_progress_are_lines(run_cli) -> None:
    assert run_cli("talk") == (0, "result\n", "Warning: dim image\nrefocusing: 3 of 7\n")


@pytest.mark.parametrize("words", [("-q", "talk"), ("talk", "--quiet")])
def test_quiet_leaves_results_and_errors(run_cli, words) -> None:
    assert run_cli(*words) == (0, "result\n", "")
    assert run_cli(*words, "--fail") == (2, "", "Error: bad input\n")
    assert run_cli("talk")[2].startswith("Warning")  # the next command is not quiet


@pytest.mark.parametrize("words", [("-v", "talk"), ("talk", "--verbose")])
def test_verbose_adds_what_libraries_log_and_where_an_error_arose(run_cli, words) -> None:
    code, out, err = run_cli(*words, "--fail")
    assert (code, out) == (2, "")
    assert "library: opened a file\n" in err
    assert "deprecated function" in err
    assert f'File "{Path(__file__)}"' in err
    assert err.endswith("Error: bad input\n")
    assert run_cli("talk", "--fail")[2].count("\n") == 3  # the next command is as usual


def test_progress_does_not_flood_a_log_file(run_cli, monkeypatch) -> None:
    monkeypatch.setattr(options, "SECONDS_BETWEEN_LINES", 3600.0)
    assert run_cli("talk") == (0, "result\n", "Warning: dim image\n")


@pytest.mark.parametrize("command", ["list", "refocus", "train", "fiji", "evaluate"])
def test_every_command_has_both(run_cli, command) -> None:
    _, out, _ = run_cli(command, "--help")
    assert "-q, --quiet" in out
    assert "-v, --verbose" in out
