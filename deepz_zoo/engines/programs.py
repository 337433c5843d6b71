"""Programs that run weights: those of this environment, and the old ones that Fiji brings along.

deepImageJ runs packages with ONNX Runtime up to 1.13 and libtorch up to 2.0, years behind what
exports them. ``packaging/install_engines.sh`` installs such engines into a folder: as
``onnxruntime-node-VERSION`` from npm, and as ``torch-VERSION`` an environment of Python.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.engines.onnx_session import onnx_session
from deepz_zoo.errors import DeepZError

Tensor = NDArray[np.float32]
FileFormat = Literal["torchscript", "onnx"]
FILE_FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)

_PATIENCE_S = 600
_PYTHON = Path("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


Run = Callable[[Path, Sequence[Tensor]], list[Tensor]]
"""Runs a file of weights on tensors, one after the other."""


class EngineError(DeepZError):
    """An engine cannot load or run a file of weights."""


@dataclass(frozen=True)
class Engine:
    """A program that runs the weights of one format.

    Attributes
    ----------
    name, version
        Of the program.
    weight_format
        What it runs.
    run
        Runs it; raises `EngineError` where the engine of another process cannot.
    """

    name: str
    version: str
    weight_format: FileFormat
    run: Run

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def own_engines() -> tuple[Engine, ...]:
    """Return the engines of this environment."""
    return (
        Engine("torch", _release("torch"), "torchscript", _run_torch),
        Engine("onnxruntime", _release("onnxruntime"), "onnx", _run_onnxruntime),
    )


def engines_in(folder: Path) -> tuple[Engine, ...]:
    """Return the old engines that a folder holds, sorted by name.

    Raises
    ------
    DeepZError
        If there is none, or node is missing.
    """
    found = (*_onnxruntimes(folder), *_torches(folder))
    if not found:
        raise DeepZError(
            f"{folder} holds no engines; expected folders such as onnxruntime-node-1.13.1 or "
            "torch-1.13.1, as packaging/install_engines.sh makes them"
        )
    return found


def _onnxruntimes(folder: Path) -> Iterator[Engine]:
    for home in sorted(folder.glob("onnxruntime-node-*")):
        modules = (home / "node_modules").absolute()
        if not (modules / "onnxruntime-node").is_dir():
            continue
        node = shutil.which("node")
        if node is None:
            raise DeepZError(f"{home} needs Node.js, which is not installed")
        command = (node, "onnxruntime_node.js")
        run = partial(_run_program, home.name, command, {"NODE_PATH": str(modules)})
        version = home.name.removeprefix("onnxruntime-node-")
        yield Engine("onnxruntime-node", version, "onnx", run)


def _torches(folder: Path) -> Iterator[Engine]:
    for home in sorted(folder.glob("torch-*")):
        python = (home / _PYTHON).absolute()
        if python.exists():
            run = partial(_run_program, home.name, (str(python), "torchscript.py"), {})
            yield Engine("torch", home.name.removeprefix("torch-"), "torchscript", run)


def _run_torch(weights: Path, tensors: Sequence[Tensor]) -> list[Tensor]:
    import torch

    script = torch.jit.load(str(weights))  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        return [script(torch.from_numpy(tensor)).numpy() for tensor in tensors]


def _run_onnxruntime(weights: Path, tensors: Sequence[Tensor]) -> list[Tensor]:
    session = onnx_session(weights)
    name = session.get_inputs()[0].name
    return [np.asarray(session.run(None, {name: tensor})[0]) for tensor in tensors]


def _run_program(
    name: str,
    command: tuple[str, str],
    environment: Mapping[str, str],
    weights: Path,
    tensors: Sequence[Tensor],
) -> list[Tensor]:
    """Run weights in a process of its own, which reads and writes tensors as raw values.

    Parameters
    ----------
    name
        How an error names the engine.
    command
        The program, and the name of its script in ``deepz_zoo/engines/runners``.
    environment
        Variables to add to those of this process.
    weights, tensors
        As in `Run`.
    """
    program, runner = command
    script = files("deepz_zoo.engines").joinpath("runners").joinpath(runner)
    with TemporaryDirectory(prefix="deepz-engine-") as folder, as_file(script) as path:
        job, outputs = _write_job(Path(folder), weights, tensors)
        done = subprocess.run(
            [program, str(path), str(job)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise EngineError(f"{name} cannot run {weights.name}: {lines[-1]}")
        return [_read_output(output) for output in outputs]


def _release(project: str) -> str:
    """Return the version of an installed project without the name of its build, as in +cpu."""
    return metadata.version(project).partition("+")[0]


def _write_job(
    folder: Path, weights: Path, tensors: Sequence[Tensor]
) -> tuple[Path, tuple[Path, ...]]:
    entries, outputs = [], []
    for index, tensor in enumerate(tensors):
        given, made = folder / f"{index}.input", folder / f"{index}.output"
        np.ascontiguousarray(tensor, np.float32).tofile(given)
        entries.append({"shape": tensor.shape, "input": str(given), "output": str(made)})
        outputs.append(made)
    job = folder / "job.json"
    content = {"weights": str(weights.absolute()), "tensors": entries}
    job.write_text(json.dumps(content), encoding="utf-8")
    return job, tuple(outputs)


def _read_output(path: Path) -> Tensor:
    shape = json.loads(Path(f"{path}.shape").read_text(encoding="utf-8"))
    output: Tensor = np.fromfile(path, np.float32).reshape(shape)
    return output
