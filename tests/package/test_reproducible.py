"""Two builds are the same bytes, whatever the folder, clock, user, locale and processor."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deepz_zoo.network.weights import save_generator

SCRIPT = Path(__file__).with_name("build_elsewhere.py")
BUILDERS = Path(__file__).parents[1] / "builders.py"

HERE = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "1"}
ELSEWHERE = {
    "TZ": "Asia/Kathmandu",
    "LC_ALL": "C",
    "USER": "somebody",
    "LOGNAME": "somebody",
    "PYTHONHASHSEED": "2",
    # libraries compute as on a processor of another kind, on more cores
    "OMP_NUM_THREADS": "2",
    "OMP_WAIT_POLICY": "passive",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
}


@pytest.fixture(scope="module")
def builds(model, manifest, tmp_path_factory) -> tuple[Path, Path]:
    inputs = tmp_path_factory.mktemp("inputs")
    save_generator(inputs / "weights.safetensors", model.generator)
    (inputs / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    folders = []
    for name, environment, days, umask in (
        ("here", HERE, 0, "022"),
        ("a longer name elsewhere", ELSEWHERE, -400, "077"),
    ):
        folder = tmp_path_factory.mktemp(name)
        home = folder / "home"
        (home / ".config" / "matplotlib").mkdir(parents=True)
        if environment is ELSEWHERE:
            settings = home / ".config" / "matplotlib" / "matplotlibrc"
            settings.write_text("font.size: 30\nimage.cmap: hot\n")
        files = BUILDERS, inputs / "manifest.json", inputs / "weights.safetensors"
        subprocess.run(
            [sys.executable, str(SCRIPT), *map(str, files), str(days), umask],
            cwd=folder,
            env={**os.environ, "HOME": str(home), **environment},
            check=True,
        )
        folders.append(folder)
    return folders[0], folders[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["surface.zip", "zstack.zip", "SHA256SUMS"])
def test_builds_are_the_same_bytes(builds, name):
    here, elsewhere = (folder / name for folder in builds)
    if name.endswith(".zip"):
        with zipfile.ZipFile(here) as one, zipfile.ZipFile(elsewhere) as other:
            assert one.namelist() == other.namelist()
            differ = [name for name in one.namelist() if one.read(name) != other.read(name)]
            assert differ == []
    assert here.read_bytes() == elsewhere.read_bytes()
