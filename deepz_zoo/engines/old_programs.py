"""Old engines, which Fiji brings along, run as programs of their own.

deepImageJ runs packages with ONNX Runtime up to 1.13 and libtorch up to 2.0, years older than what
exports them. ``packaging/install_engines.sh`` installs such engines into a folder: as
``onnxruntime-node-VERSION`` from npm, and as ``torch-VERSION`` an environment of Python.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from deepz_zoo.engines.engine import Engine, EngineError, FileFormat, Runtime, Tensor
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import temporary_folder

_TIMEOUT_S = 600
_PYTHON = Path("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def runtimes_in(folder: Path) -> tuple[Runtime, ...]:
    """Return the old runtimes that a folder holds, sorted by name.

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


def _onnxruntimes(folder: Path) -> Iterator[Runtime]:
    for home in sorted(folder.glob("onnxruntime-node-*")):
        modules = (home / "node_modules").absolute()
        if not (modules / "onnxruntime-node").is_dir():
            continue
        node = shutil.which("node")
        if node is None:
            raise DeepZError(f"{home} needs Node.js, which is not installed")
        program = Program(home.name, node, "onnxruntime_node.js", {"NODE_PATH": str(modules)})
        version = home.name.removeprefix("onnxruntime-node-")
        yield _runtime("onnxruntime-node", version, "onnx", program)


def _torches(folder: Path) -> Iterator[Runtime]:
    for home in sorted(folder.glob("torch-*")):
        python = (home / _PYTHON).absolute()
        if python.exists():
            program = Program(home.name, str(python), "torchscript.py")
            yield _runtime("torch", home.name.removeprefix("torch-"), "torchscript", program)


def _runtime(name: str, version: str, weight_format: FileFormat, program: Program) -> Runtime:
    opened = partial(WeightsInProgram, program, f"{name} {version}", weight_format)
    return Runtime(name, version, weight_format, opened)


@dataclass(frozen=True)
class Program:
    """A program that runs weight files, and how it is started.

    Attributes
    ----------
    home
        Name of its folder, by which errors name it.
    executable, runner
        The program, and the name of its script in ``deepz_zoo/engines/runners``.
    environment
        Variables to add to those of this process.
    """

    home: str
    executable: str
    runner: str
    environment: Mapping[str, str] = field(default_factory=dict)


class WeightsInProgram(Engine):
    """Runs a weight file in a process of its own, which reads and writes tensors as raw values."""

    def __init__(
        self, program: Program, name: str, weight_format: FileFormat, weights: Path
    ) -> None:
        self.program = program
        self.name = name
        self.weight_format = weight_format
        self.weights = weights

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Start the program and run the file; see `Engine.run`."""
        script = files("deepz_zoo.engines").joinpath("runners").joinpath(self.program.runner)
        with temporary_folder("engine") as folder, as_file(script) as path:
            job, outputs = _write_job(folder, self.weights, tensors)
            done = subprocess.run(
                [self.program.executable, str(path), str(job)],
                env={**os.environ, **self.program.environment},
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
            if done.returncode:
                lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
                raise EngineError(
                    f"{self.program.home} cannot run {self.weights.name}: {lines[-1]}"
                )
            return [_read_output(output) for output in outputs]


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
