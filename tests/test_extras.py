"""What is left out of the ordinary installation is named before any work is done."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from deepz_zoo import extras
from deepz_zoo.errors import DeepZError

NAME = "leica20x_0.8/TxRd"
PLOTS = "needs matplotlib, which is not installed: pip install 'deepz-zoo[plots]'"
PACKAGE = "needs bioimageio, which is not installed: pip install 'deepz-zoo[package]'"


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"matplotlib", "bioimageio"}
    monkeypatch.setattr(
        extras, "find_spec", lambda name: None if name in missing else find_spec(name)
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["package", NAME, "-o", "OUT.zip"], [PACKAGE]),
        (["validate", "OUT.zip"], [PACKAGE]),
        (["card", NAME, "-o", "OUT"], [PLOTS]),
        (["evaluate", "limits", NAME, "--plot", "OUT.png"], ["--plot", PLOTS]),
        (["refocus", NAME, "a.tif", "-o", "OUT.tif", "--autofocus"], ["--autofocus", PLOTS]),
        (
            ["calibrate", "a.tif", "-o", "OUT.json", "--report", "OUT.png", "--objective", NAME],
            ["--report", PLOTS],
        ),
        (["measure", "beads", "a.tif", "-o", "OUT"], [PLOTS]),
        (["measure", "neurons", "a.tif", "-o", "OUT", "--plane-only"], [PLOTS]),
    ],
)
def test_a_command_says_at_once_what_it_needs(
    without_extras, run_cli, tmp_path, monkeypatch, words, expected
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run_cli(*words)
    assert code == 2
    assert len(err.splitlines()) == 1
    assert all(part in err for part in expected), err
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_is_there_is_enough() -> None:
    extras.require("package", "bioimageio", "numpy", what="this")
    with pytest.raises(DeepZError, match=r"^this needs no_such_library, which is not installed"):
        extras.require("package", "numpy", "no_such_library", what="this")
