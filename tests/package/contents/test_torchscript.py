from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from deepz_zoo.network.graph.export import export_torchscript
from deepz_zoo.package.contents.torchscript import strip_machine_traces

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


def exported(model, folder: Path, name: str) -> Path:
    folder.mkdir()
    export_torchscript(model, folder / name)
    strip_machine_traces(folder / name)
    return folder / name


def test_stripped_file_computes_the_same(model, tmp_path):
    path = exported(model, tmp_path / "a", "weights.pt")
    x = 100 + 50 * torch.rand(2, 2, 23, 18, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.load(path)(x), model(x), rtol=1e-6, atol=1e-4)


def test_stripped_file_tells_nothing_about_the_machine(model, tmp_path):
    path = exported(model, tmp_path / "a", "weights.pt")
    source = str(Path(__file__).parents[3]).encode()
    installed = str(Path(torch.__file__).parent.parent).encode()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            assert source not in content
            assert installed not in content
            assert "traced_inputs" not in name


EXPORT = """
import sys, torch
from pathlib import Path
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.network.graph.export import export_torchscript
from deepz_zoo.package.contents.torchscript import strip_machine_traces
torch.manual_seed(0)
model = DeepZModel(Generator(GeneratorConfig(width=0.05, levels=2)))
export_torchscript(model, Path(sys.argv[1]))
strip_machine_traces(Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(tmp_path):
    paths = [tmp_path / "a" / "one.pt", tmp_path / "b" / "two.pt"]
    for path in paths:
        path.parent.mkdir()
        subprocess.run([sys.executable, "-c", EXPORT, str(path)], check=True)
        assert list(path.parent.iterdir()) == [path]
    assert paths[0].read_bytes() == paths[1].read_bytes()
