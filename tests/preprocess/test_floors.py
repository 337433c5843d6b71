"""The folders of the preparation import one way, as those of the package do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from deepz_zoo import preprocess

PACKAGE = Path(preprocess.__file__).parent
ORDER = ("align", "focus", "regions", "dataset")


@pytest.mark.parametrize("folder", ORDER)
def test_a_folder_imports_only_from_those_before_it(folder: str) -> None:
    above = {f"deepz_zoo.preprocess.{name}" for name in ORDER[ORDER.index(folder) + 1 :]}
    imported = {
        ".".join(node.module.split(".")[:3])
        for path in (PACKAGE / folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert not imported & above
