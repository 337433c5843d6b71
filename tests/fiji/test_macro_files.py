"""Macros by path and by name."""

from __future__ import annotations

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji import find_macro


def test_what_is_no_macro_is_named(tmp_path):
    with pytest.raises(DeepZError, match="no such macro; expected a file, or one of"):
        find_macro("Deep-Z_Nonsense")
    (binary := tmp_path / "a.ijm").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DeepZError, match="not UTF-8 text"):
        find_macro(binary)


def test_our_macros_are_found_by_name():
    assert find_macro("Deep-Z_Refocus").name == "Deep-Z_Refocus.ijm"
    assert find_macro("Deep-Z_Refocus.ijm") == find_macro("Deep-Z_Refocus")
