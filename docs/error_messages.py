"""Every error message of the program, from its source, as a page of the site."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "deepz_zoo"
RAISED = {"DeepZError", "CheckFailed", "UsageError", "BadParameter"}
TITLES = {
    "calibrate": "Calibrating a microscope",
    "cli": "Options and arguments",
    "engines": "Engines",
    "evaluation": "Evaluating",
    "fiji": "Fiji and ImageJ",
    "images": "Reading and writing images",
    "optics": "Objectives and channels",
    "package": "Packages",
    "preprocess": "Preparing stacks",
    "refocus": "Refocusing",
    "simulate": "Simulating",
    "training": "Training",
    "zoo": "Models, weights and checkpoints",
}
OTHERS = "Surfaces, files and the rest"


def text_of(node: ast.expr) -> str | None:
    """Return a string with … for what is filled in, or None for what is no string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return f"{text_of(node.left) or '…'}{text_of(node.right) or '…'}"
    return None


def messages() -> Iterator[tuple[str, str]]:
    """Yield the folder of each message, and the message."""
    for path in sorted(PACKAGE.rglob("*.py")):
        folder = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else None
            name = node.func.id if isinstance(node.func, ast.Name) else name
            text = text_of(node.args[0]) if name in RAISED else None
            if text and text.strip("… "):
                yield folder, text


def error_page() -> str:
    """Return the messages by what the user was doing, as Markdown."""
    by_title: dict[str, set[str]] = {}
    for folder, text in messages():
        by_title.setdefault(TITLES.get(folder, OTHERS), set()).add(" ".join(text.split()))
    lines = []
    for title in sorted(by_title, key=lambda title: (title == OTHERS, title)):
        lines += [f"### {title}", ""]
        lines += [f"- ``{text}``" for text in sorted(by_title[title], key=str.lower)]
        lines.append("")
    return "\n".join(lines)
