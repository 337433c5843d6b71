"""The commands and examples of the documentation are those of the program."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import deepz_zoo
from deepz_zoo.cli.main import cli
from deepz_zoo.cli.options import join_model_name
from deepz_zoo.optics import get_system

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "model_cards/*.md", "packaging/**/*.md")
    for path in ROOT.glob(pattern)
    if "node_modules" not in path.parts
)
PACKAGE = Path(deepz_zoo.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text("utf-8"))

FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(deepz-zoo [^`]+)`")
PLACEHOLDER = re.compile(r"[A-Z_]+(/[A-Z_]+)?")


def fenced_blocks(page: Path, languages: set[str]) -> Iterator[str]:
    """Yield what stands in the fenced blocks of a page that are in one of the languages."""
    for _, language, content in FENCED.findall(page.read_text("utf-8")):
        if language in languages:
            yield content


def commands_in(page: Path) -> list[str]:
    """Return the lines of a page's fenced blocks that run deepz-zoo, without their comments."""
    lines = (
        line.strip()
        for block in fenced_blocks(page, {"", "bash", "sh", "shell", "console"})
        for line in block.replace("\\\n", " ").splitlines()
    )
    return [line for line in lines if line.startswith("deepz-zoo ")]


def words_of(line: str) -> list[str]:
    """Return the arguments on a line; a shell's variable stands for a number."""
    return shlex.split(re.sub(r"\$\w+", "1", line), comments=True)[1:]


def cases(*starts: str) -> list[Any]:
    """Return the commands of all pages that begin with one of these words, or all of them."""
    lines = [(page.name, words_of(line)) for page in PAGES for line in commands_in(page)]
    return [
        pytest.param(words, id=f"{page}: {' '.join(words)}")
        for page, words in lines
        if not starts or words[0] in starts
    ]


@pytest.mark.parametrize("words", cases())
def test_a_command_is_taken_as_it_stands(words, monkeypatch):
    """Everything happens but the work: click reads the arguments and checks their values."""
    contexts: list[click.Context] = []
    monkeypatch.setattr(click.Command, "invoke", lambda self, context: contexts.append(context))
    # files of examples do not exist
    monkeypatch.setattr(
        click.Path, "convert", lambda self, value, *_: self.coerce_path_result(value)
    )
    cli.main(words, standalone_mode=False)
    command, parameters = contexts[-1].command, contexts[-1].params
    assert not isinstance(command, click.Group), "the name of a command is missing"
    names = [parameters.get(key) for key in ("name", "objective", "channel")]
    if any(names) and not any(PLACEHOLDER.fullmatch(name) for name in names if name):
        get_system(join_model_name(*names))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_text_name_commands_and_options_that_exist(page):
    for line in INLINE.findall(page.read_text("utf-8").replace("\n", " ")):
        words = words_of(line)
        if words[0] == "COMMAND" or words[0].startswith("--"):
            continue
        commands: list[click.Command] = [cli]
        for word in words:
            if not isinstance(commands[-1], click.Group) or not re.fullmatch("[a-z][a-z-]*", word):
                break
            found = commands[-1].get_command(click.Context(commands[-1]), word)
            assert found is not None, line
            commands.append(found)
        if isinstance(commands[-1], click.Group):  # one of its commands may be the default
            commands += commands[-1].commands.values()
        known = {name for it in commands for option in it.params for name in option.opts}
        # A recorded command keeps the spelling of its day, which the command still takes.
        current = commands[-1].context_settings.get("token_normalize_func", str)
        options = {
            f"--{current(word.partition('=')[0][2:])}" for word in words if word.startswith("--")
        }
        assert options <= known | {"--help"}, line


@pytest.mark.parametrize("words", cases("list", "info", "verify", "diff"))
def test_a_command_that_only_reads_runs(words, run_cli, built, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for word in words:
        if word.endswith(".zip"):
            shutil.copy(built, word)
    code, out, err = run_cli(*words)
    assert (code, err) == (0, "")
    assert out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_imports_of_python_blocks_resolve(page):
    for block in fenced_blocks(page, {"python", "py"}):
        tree = ast.parse(block)
        tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(tree, str(page), "exec"), {})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_examples_of_docstrings_give_what_they_show(path):
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    module = importlib.import_module(name.removesuffix(".__init__"))
    assert doctest.testmod(module).failed == 0
