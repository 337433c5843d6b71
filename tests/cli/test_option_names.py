"""Errors of the package name arguments; those of the command line name its options."""

from __future__ import annotations

import click
import pytest

from deepz_zoo.cli.option_names import warn, with_option_names
from deepz_zoo.cli.verbosity import logging_to_stderr

PARAMETERS = [
    click.Option(["--clip"]),
    click.Option(["-p", "--pixel-size", "pixel_size_um"]),
    click.Option(["-o", "--out", "--output-file", "output"]),
    click.Option(["--old-name", "clip"], hidden=True),
    click.Argument(["image"]),
]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("stay inside, or set `clip`", "stay inside, or set --clip"),
        ("give `pixel_size_um` or `z_step_um`", "give --pixel-size or z_step_um"),
        ("`output` exists", "--out exists"),
        ("`image` is empty", "image is empty"),
        ("nothing to do", "nothing to do"),
    ],
)
def test_arguments_become_options(message, expected):
    assert with_option_names(message, PARAMETERS) == expected


def test_a_warning_names_the_option_of_the_running_command(capsys):
    @click.command(params=PARAMETERS)
    def command(**_):
        warn("set `clip`")

    with logging_to_stderr():
        command.main(["a.tif"], standalone_mode=False)
    assert capsys.readouterr().err == "Warning: set --clip\n"


def test_an_error_of_a_command_names_its_option(run_cli, tmp_path):
    (tmp_path / "a.zip").touch()
    code, _, err = run_cli("package", "--objective", "leica20x_0.8/TxRd", "-o", tmp_path / "a.zip")
    assert code == 2
    assert "set --overwrite" in err
