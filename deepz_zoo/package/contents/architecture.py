"""The network as one Python file, so that a package rebuilds it without deepz-zoo installed."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepz_zoo.network.config import GeneratorConfig, Normalization

CALLABLE = "deepz_model"

_PACKAGE = "deepz_zoo"
_MODULES = (
    "deepz_zoo.network.config",
    "deepz_zoo.network.layers",
    "deepz_zoo.network.generator",
    "deepz_zoo.network.graph.normalization",
    "deepz_zoo.network.graph.plugin_normalization",
    "deepz_zoo.network.graph.wrapper",
    "deepz_zoo.network.graph.zstack",
)
_HEADER = '''\
"""The Deep-Z network and the graph around it.

Input (b, 2, y, x), float32: the camera image in any intensity unit and the digital propagation
matrix (DPM) in micrometers; of a z-stack, the image alone. Output (b, 1, y, x), or a channel for
each plane of a z-stack: the refocused image in the unit of the camera image, or in the grey levels
of the authors' Fiji plugin. Joined from the sources of deepz-zoo {version}; BSD-3-Clause.
"""
'''
_FOOTER = f'''\
def {CALLABLE}(
    generator: dict[str, Any],
    dpm_scale_um: float,
    normalization: Normalization = "paper",
    z_um: list[float] | None = None,
) -> DeepZModel:
    """Build the model from the settings of its description; with ``z_um``, that of a z-stack."""
    network = Generator(GeneratorConfig(**generator))
    if z_um is None:
        return DeepZModel(network, dpm_scale_um, normalization)
    return ZStackModel(network, dpm_scale_um, normalization, tuple(z_um))
'''


def architecture_source() -> str:
    """Return the source of one Python file that needs nothing but torch and pydantic.

    The modules of the network are joined as they are, without what they import from each other.
    Its function ``deepz_model`` takes what `architecture_arguments` returns.

    Raises
    ------
    ValueError
        If the modules import something of the project that is not among them, or define the same
        name twice; that is a fault of the program.
    """
    from deepz_zoo import __version__

    imports = {"from typing import Any"}
    bodies: list[str] = []
    names: set[str] = set()
    for module in _MODULES:
        body, module_imports, module_names = _split(module)
        if twice := names & module_names:
            raise ValueError(f"{module} defines {sorted(twice)} again")
        imports |= module_imports
        names |= module_names
        bodies.append(body)
    parts = [
        _HEADER.format(version=__version__),
        "from __future__ import annotations\n",
        "\n".join(sorted(imports)) + "\n",
        *bodies,
        _FOOTER,
    ]
    return "\n\n".join(parts)


def architecture_arguments(
    config: GeneratorConfig,
    dpm_scale_um: float,
    normalization: Normalization = "paper",
    z_um: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return the keyword arguments of the file's ``deepz_model``."""
    arguments: dict[str, Any] = {
        "generator": config.model_dump(mode="json"),
        "dpm_scale_um": dpm_scale_um,
    }
    if normalization != "paper":
        arguments["normalization"] = normalization
    if z_um is not None:
        arguments["z_um"] = list(z_um)
    return arguments


def _split(module: str) -> tuple[str, set[str], set[str]]:
    """Return a module's code without imports and docstring, its imports, and what it defines."""
    source = _source_path(module).read_text(encoding="utf-8")
    lines: list[str | None] = list(source.splitlines())
    imports: set[str] = set()
    names: set[str] = set()
    for index, node in enumerate(ast.parse(source).body):
        if index == 0 and _is_docstring(node):
            _drop(lines, node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports |= _foreign(node, module)
            _drop(lines, node)
        elif _is_type_checking(node):
            _drop(lines, node)
        else:
            names |= _defined(node)
    kept = "\n".join(line for line in lines if line is not None).strip("\n")
    return kept + "\n", imports, names


def _source_path(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"the source of {module} is missing")
    return Path(spec.origin)


def _drop(lines: list[str | None], node: ast.stmt) -> None:
    for number in range(node.lineno - 1, node.end_lineno or node.lineno):
        lines[number] = None


def _foreign(node: ast.Import | ast.ImportFrom, module: str) -> set[str]:
    """Return an import of other projects as lines, or nothing for one that the file replaces."""
    if isinstance(node, ast.Import):
        return {f"import {ast.unparse(alias)}" for alias in node.names}
    source = node.module or ""
    if source.split(".")[0] == _PACKAGE:
        if source not in _MODULES:
            raise ValueError(f"{module} imports {source}, which is not part of the architecture")
        return set()
    if source in {"__future__", "typing"}:
        kept = [a for a in node.names if a.name not in {"annotations", "TYPE_CHECKING"}]
    else:
        kept = node.names
    return {f"from {source} import {ast.unparse(alias)}" for alias in kept}


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {
            t.id for target in node.targets for t in ast.walk(target) if isinstance(t, ast.Name)
        }
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return set()
