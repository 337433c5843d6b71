"""What all macros share: their headers, their options, and images that they refuse."""

from __future__ import annotations

import re

import pytest

from deepz_zoo.fiji import MacroError
from deepz_zoo.fiji.macro_files import macros_folder

pytestmark = pytest.mark.java

MACROS = sorted(macros_folder().glob("*.ijm"))


@pytest.mark.parametrize("path", MACROS, ids=lambda path: path.stem)
def test_header_explains_every_option(path):
    text = path.read_text(encoding="ascii")  # ImageJ reads macro files as Latin-1, editors as UTF-8
    header = text[: text.index("\n\n")]
    keys = re.search(r'readOptions\("([^"]+)"\)', text)[1].split()
    assert f'run("{path.stem.replace("_", " ")}", "' in header
    options = header[header.index("// Options") :]
    assert [key for key in keys if not re.search(rf"\b{key}\b", options)] == []


def test_shared_parts_are_the_same_in_all_macros(program):
    parts: dict[str, set[str]] = {}
    for path in MACROS:
        text = path.read_text(encoding="ascii")
        for name in re.findall(r"// ---- ([\w ]+): the same in every", text):
            part = re.search(rf"// ---- {name}: .*// ---- end of {name}", text, re.DOTALL)[0]
            parts.setdefault(name, set()).add(part)
    assert {name: len(texts) for name, texts in parts.items()} == {
        "options": 1,
        "pixel size": 1,
        "program": 1,
        "refocusing": 1,
    }


@pytest.mark.parametrize("path", MACROS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("nonsense=1", "there is no option 'nonsense'; there are: "),
        ("input=[/a b/c.tif", "a bracket [ is not closed"),
    ],
)
def test_options_are_checked(play, path, options, message):
    with pytest.raises(MacroError, match=re.escape(message)):
        play(path.stem, options)


@pytest.mark.parametrize("path", MACROS, ids=lambda path: path.stem)
def test_no_image_is_a_message_and_not_the_end_of_imagej(play, path):
    with pytest.raises(MacroError, match="Deep-Z: open the "):
        play(path.stem)


@pytest.mark.parametrize("path", MACROS, ids=lambda path: path.stem)
def test_color_images_are_refused(play, path):
    with pytest.raises(MacroError, match=r'"rgb" (is a color image|has 24 bit)'):
        play(path.stem, before="rgb")
