"""Measure what the z-stack packages cost, for their README and for ``docs/package.md``.

For maintainers: ``python packaging/measure_zstack.py`` writes
``deepz_zoo/package/contents/templates/zstack_costs.md``. It reads ``/proc``, so it needs Linux.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import deepz_zoo.package.contents
from deepz_zoo.network.config import GENERATOR_SIZES
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.export import export_onnx
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.package.contents.variants import Variant

COSTS = Path(next(iter(deepz_zoo.package.contents.__path__))) / "templates" / "zstack_costs.md"
PLANES = 21
SIDES = {"lite": (256, 512, 1024), "paper": (256, 512)}


# A process of its own without torch: what it needs is what a program with ONNX Runtime needs.
_RUN = """
import json, pathlib, sys, time
import numpy as np
from onnxruntime import InferenceSession, SessionOptions

path, side = sys.argv[1], int(sys.argv[2])
options = SessionOptions()
options.intra_op_num_threads = 1  # others would wait busily, and their time would count
start = time.process_time()
session = InferenceSession(path, options, providers=["CPUExecutionProvider"])
loaded = time.process_time()
given = session.get_inputs()[0]
image = np.random.default_rng(0).poisson(200, (1, given.shape[1], side, side))
session.run(None, {given.name: image.astype(np.float32)})
end = time.process_time()
status = pathlib.Path("/proc/self/status").read_text().splitlines()
(peak,) = [line.split()[1] for line in status if line.startswith("VmHWM")]
print(json.dumps([loaded - start, end - loaded, int(peak) / 1024]))
"""


def measure() -> None:
    """Measure both sizes of generator with surface and z-stack graphs, and write the table."""
    lines = [
        f"{PLANES} planes with ONNX Runtime {version('onnxruntime')} on one thread of an "
        f"{_processor()}; in brackets a single plane with the ordinary package "
        "(`python packaging/measure_zstack.py`):",
        "",
        "| network | file | loading | image | time | memory of the process |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    with TemporaryDirectory() as folder:
        for size, sides in SIDES.items():
            lines += _rows(Path(folder), size, sides)
    COSTS.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _rows(folder: Path, size: str, sides: tuple[int, ...]) -> list[str]:
    model = DeepZModel(Generator(GENERATOR_SIZES[size])).eval()
    variant = Variant(tuple(np.linspace(-10, 10, PLANES).tolist()))
    one, all_planes = folder / f"{size}.onnx", folder / f"{size}_zstack.onnx"
    export_onnx(model, one)
    export_onnx(variant.graph(model), all_planes)
    megabytes = [path.stat().st_size / 1e6 for path in (all_planes, one)]
    rows = []
    for side in sides:
        (load, seconds, memory), (load_1, seconds_1, memory_1) = (
            _measured(path, side) for path in (all_planes, one)
        )
        rows.append(
            f"| {size} | {megabytes[0]:.1f} MB ({megabytes[1]:.1f}) | {load:.1f} s ({load_1:.1f}) "
            f"| {side}×{side} | {seconds:.1f} s ({seconds_1:.1f}) "
            f"| {memory:.0f} MB ({memory_1:.0f}) |"
        )
    return rows


def _measured(path: Path, side: int) -> tuple[float, float, float]:
    command = [sys.executable, "-c", _RUN, str(path), str(side)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    load, seconds, memory = json.loads(output)
    return load, seconds, memory


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    measure()
