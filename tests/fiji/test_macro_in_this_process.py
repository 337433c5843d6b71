"""Macros in the ImageJ of this process: results, output, and every kind of error."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji import MacroError, macro_options, run_macro


@pytest.mark.java
def test_options_and_results(imagej):
    options = macro_options({"z": -2.5, "name": "a b", "clip": True, "keep": False})
    assert options == "z=-2.5 name=[a b] clip"
    assert run_macro(imagej, "return getArgument();", options) == options
    code = 'o = "" + call("ij.Macro.getOptions"); return call("ij.Macro.getValue", o, "name", "?");'
    assert run_macro(imagej, code, options) == "a b"
    assert run_macro(imagej, "x = 1;") is None


@pytest.mark.java
def test_output_arrives_as_it_is_printed(imagej):
    lines: list[str] = []
    run_macro(imagej, 'print("z = +2.5 µm"); print("next");', output=lines.append)
    assert lines == ["z = +2.5 µm\n", "next\n"]


@pytest.mark.java
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("y = missing + 1;", r"Undefined variable \(line 1\)"),
        ("\n\nx = parseInt(3;", r"'\)' expected \(line 3\)"),
        ('exit("no model: install one");', "no model: install one"),
        ('run("Nonsense");', 'Unrecognized command: "Nonsense"'),
        ('call("no.such.Class");', "Could not load class no.such"),
        ('open("/no/such.tif");', "File not found: /no/such.tif"),
        ('call("ij.IJ.error", "from a plugin");', "from a plugin"),
        ("getTitle();", "There are no images open"),
        ('run("Invert");', "There are no images open"),
        ('newImage("a", "8-bit", 8, 8, 1); selectImage("b");', '"b" not found'),
        ('newImage("a", "8-bit", 8, 8, 1); saveAs("tiff", "/no/folder/a.tif");', "/no/folder"),
        (
            'newImage("a", "8-bit", 8, 8, 2); run("StackReg ", "transformation=Affine");',
            "no affine",
        ),
        (
            'newImage("a", "8-bit", 8, 8, 2);'
            'for (i = 0; i < 2; i++) { run("StackReg ", "transformation=Affine"); wait(1); }',
            "no affine transformation here$",
        ),
        ('newImage("a", "8-bit", 8, 8, 1); if (true) { run("Size..."); }', "Resizer asked for a"),
        ("if (true) { y = missing + 1; }", r"Undefined variable \(line 1\)"),
        ('if (true) { exit("no model: install one"); }', "^no model: install one$"),
        ('newImage("a", "8-bit", 8, 8, 1); run("Size...");', "asked for a dialog"),
        ('Dialog.create("a"); Dialog.show();', "asked for a dialog or a window"),
    ],
)
def test_errors_are_raised_and_end_the_macro(imagej, code, message):
    lines: list[str] = []
    try:
        with pytest.raises(MacroError, match=message) as caught:
            run_macro(imagej, f'print("begins");{code}print("goes on");', output=lines.append)
    finally:
        run_macro(imagej, "while (nImages > 0) { selectImage(nImages); close(); }")
    assert lines == ["begins\n"]
    assert "\n" not in str(caught.value)


@pytest.mark.java
def test_an_exit_without_a_message_is_no_error(imagej):
    assert run_macro(imagej, 'print("done"); exit;') is None


@pytest.mark.java
def test_a_macro_after_a_failed_one_runs(imagej):
    with pytest.raises(MacroError):
        run_macro(imagej, 'exit("first");')
    assert run_macro(imagej, 'return "second";') == "second"


@pytest.mark.java
def test_a_plain_imagej_knows_its_commands_without_menus(imagej):
    code = (
        'newImage("a", "8-bit black", 8, 8, 1); run("Invert"); run("16-bit"); run("Close All");'
        'newImage("b", "8-bit black", 8, 8, 5); run("StackReg ", "transformation=Translation");'
        'return "" + nSlices;'
    )
    assert run_macro(imagej, code) == "5"
    run_macro(imagej, 'run("Close All");')


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Z": 1}, "lower-case"),
        ({"a b": 1}, "lower-case"),
        ({"path": "a[1].tif"}, "no brackets"),
    ],
)
def test_options_that_imagej_cannot_read(values, message):
    with pytest.raises(DeepZError, match=message):
        macro_options(values)


def test_paths_with_blanks_are_bracketed():
    assert macro_options({"input": Path("/a b/c.tif"), "x": ""}) == "input=[/a b/c.tif] x=[]"
