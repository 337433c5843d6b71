from __future__ import annotations

import ast
import subprocess
import sys

import numpy as np
import pytest
import torch

from deepz_zoo.network.config import GENERATOR_SIZES, GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.package.contents import architecture

# A fresh interpreter that cannot import the project.
RUN_ALONE = """
import importlib.util, json, sys
sys.modules["deepz_zoo"] = None
import numpy as np, torch
folder, arguments = sys.argv[1], json.loads(sys.argv[2])
spec = importlib.util.spec_from_file_location("network", folder + "/network.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
model = module.deepz_model(**arguments)
model.load_state_dict(torch.load(folder + "/weights.pt", weights_only=True))
with torch.no_grad():
    output = model.eval()(torch.from_numpy(np.load(folder + "/input.npy")))
np.save(folder + "/output.npy", output.numpy())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        GeneratorConfig(width=0.05, levels=2),
        GeneratorConfig(
            width=0.04, levels=3, padding="zeros", up_residual=True, up_kernel=3, skip_first=False
        ),
    ],
)
def test_file_rebuilds_the_model_without_the_project(tmp_path, config):
    import json

    torch.manual_seed(0)
    model = DeepZModel(Generator(config), dpm_scale_um=4.0).eval()
    x = np.random.default_rng(0).uniform(90, 400, (2, 2, 21, 34)).astype(np.float32)
    (tmp_path / "network.py").write_text(architecture.architecture_source(), encoding="utf-8")
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    np.save(tmp_path / "input.npy", x)
    arguments = json.dumps(architecture.architecture_arguments(config, 4.0))
    subprocess.run([sys.executable, "-c", RUN_ALONE, str(tmp_path), arguments], check=True)
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    np.testing.assert_array_equal(np.load(tmp_path / "output.npy"), expected)


def test_file_imports_nothing_but_torch_and_pydantic():
    imported = set()
    for node in ast.walk(ast.parse(architecture.architecture_source())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported - sys.stdlib_module_names == {"torch", "pydantic"}


def test_foreign_module_of_the_project_is_noticed(monkeypatch):
    monkeypatch.setattr(
        architecture, "_MODULES", tuple(m for m in architecture._MODULES if "layers" not in m)
    )
    with pytest.raises(ValueError, match=r"imports deepz_zoo\.network\.layers"):
        architecture.architecture_source()


def test_name_defined_twice_is_noticed(monkeypatch):
    monkeypatch.setattr(
        architecture, "_MODULES", (*architecture._MODULES, "deepz_zoo.network.config")
    )
    with pytest.raises(ValueError, match="again"):
        architecture.architecture_source()


@pytest.mark.parametrize("size", sorted(GENERATOR_SIZES))
def test_arguments_are_plain_data(size):
    import json

    arguments = architecture.architecture_arguments(GENERATOR_SIZES[size], 10.0)
    assert json.loads(json.dumps(arguments)) == arguments
    assert GeneratorConfig(**arguments["generator"]) == GENERATOR_SIZES[size]
