"""README, reference page and what stands around the documentation keep what they promise."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

import deepz_zoo
from tests.builders import read_yaml

ROOT = Path(__file__).parents[1]
tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")  # pytest's own
README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
HOME = PROJECT["urls"]["Homepage"]


def test_the_reference_page_has_the_names_that_are_exported():
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    listed = re.findall(r"^::: deepz_zoo\.[\w.]*?(\w+)$", page, re.MULTILINE)
    assert sorted(listed) == sorted(set(deepz_zoo.__all__) - {"__version__"})
    for name in listed:
        assert getattr(deepz_zoo, name).__doc__, name


def test_the_readme_is_short_and_starts_with_a_moving_picture():
    assert len(README.splitlines()) < 150
    name = re.search(r"!\[[^]]*\]\(\S+/main/(docs/images/\w+\.gif)\)", README)[1]
    assert README.index(name) < README.index("```")
    path = ROOT / name
    assert path.stat().st_size < 2e6
    with Image.open(path) as picture:
        assert picture.n_frames > 10


def test_links_of_the_readme_work_anywhere_and_name_files_that_exist():
    links = re.findall(r"\]\(([^)]+)\)|^\[\w+\]: (\S+)$", README, re.MULTILINE)
    targets = [inline or reference for inline, reference in links]
    assert len(targets) > 5
    raw = HOME.replace("github.com", "raw.githubusercontent.com")
    for target in targets:
        path = re.sub(f"^({re.escape(HOME)}/blob|{re.escape(raw)})/main/", "", target)
        assert path != target, f"{target} is no link of this repository"
        assert (ROOT / path).exists(), path
    names = set(re.findall(r"\]\[(\w+)\]", README))
    assert names == set(re.findall(r"^\[(\w+)\]:", README, re.MULTILINE))


def test_continuous_integration_runs_the_test_command_of_the_readme():
    commands = re.findall(r"^make [\w-]+", README, re.MULTILINE)
    assert commands == ["make package", "make test"]
    assert "make test " in (ROOT / ".ci" / "run").read_text("utf-8")
    full = read_yaml(ROOT / ".github/workflows/test.yml")["jobs"]["full"]
    assert ".ci/run" in [step.get("run") for step in full["steps"]]


def test_the_readme_is_honest():
    text = " ".join(README.split())
    for words in (
        "**simulated** stacks",
        "not those of the method's authors",
        "patent application",
    ):
        assert words in text


def test_the_conda_recipe_asks_for_what_the_package_asks_for():
    recipe = read_yaml(ROOT / "packaging/conda/recipe.yaml")
    renamed = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
    extras = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *extras["plots"], *extras["package"]]
    names = [re.match(r"[\w.-]+", line)[0] for line in lines if not line.startswith("deepz-zoo[")]
    run = [line.split()[0] for line in recipe["requirements"]["run"]]
    assert run == ["python", *(renamed.get(name, name) for name in names)]
    assert recipe["context"]["version"] == deepz_zoo.__version__


def test_every_page_is_in_the_navigation():
    """Otherwise the site is not built."""
    listed = re.findall(r": (\w+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= set(listed)


def test_pictures_of_the_documentation_are_small():
    for path in (ROOT / "docs").glob("**/*.png"):
        assert path.stat().st_size < 200_000, path.name


@pytest.mark.slow
def test_the_notebook_runs(tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="pip install nbclient ipykernel")
    nbformat = pytest.importorskip("nbformat", reason="pip install nbformat")
    notebook = nbformat.read(ROOT / "docs" / "notebooks" / "first_steps.ipynb", as_version=4)
    specs = pytest.importorskip("jupyter_client.kernelspec", reason="pip install ipykernel")
    kernels = tmp_path / "kernels" / "here"
    kernels.mkdir(parents=True)
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "here",
        "language": "python",
        "env": {
            "PYTHONPATH": str(ROOT),
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        },
    }
    (kernels / "kernel.json").write_text(json.dumps(spec))
    manager = specs.KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")])
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="here",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.create_kernel_manager()
    client.km.kernel_spec_manager = manager
    client.execute()
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert all(outputs), "a cell shows nothing"
