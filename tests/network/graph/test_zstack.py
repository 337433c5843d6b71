"""The z-stack graph against the graph that takes a DPM."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from deepz_zoo.engines.onnx_runtime import OnnxFile
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.export import export_onnx, export_torchscript
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.network.graph.zstack import ZStackModel

pytestmark = pytest.mark.slow

Z_UM = (-7.5, 0.0, 2.0)


@pytest.fixture(scope="module")
def model() -> DeepZModel:
    torch.manual_seed(0)
    return DeepZModel(Generator(GeneratorConfig(width=0.08, levels=3))).eval()


@pytest.fixture(scope="module")
def stack(model: DeepZModel) -> ZStackModel:
    return ZStackModel.of(model, Z_UM).eval()


def images(batch: int, ny: int, nx: int) -> torch.Tensor:
    random = np.random.default_rng(ny)
    return torch.from_numpy(random.poisson(300, (batch, 1, ny, nx)).astype(np.float32))


@pytest.mark.parametrize("shape", [(1, 16, 16), (2, 33, 50)])
def test_planes_are_those_of_constant_dpms(model, stack, shape):
    image = images(*shape)
    with torch.no_grad():
        planes = stack(image)
        assert planes.shape == (shape[0], len(Z_UM), *shape[1:])
        for index, z in enumerate(Z_UM):
            expected = model(torch.cat((image, torch.full_like(image, z)), dim=1))
            torch.testing.assert_close(planes[:, index : index + 1], expected)
        assert not torch.allclose(planes[:, 0], planes[:, 2])


def test_weights_are_the_same_under_the_same_names(model, stack):
    ours, theirs = stack.state_dict(), model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(ours[name] is not None and torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 17, 16), (2, 35, 61)])
def test_files_equal_the_model(stack, shape, tmp_path):
    image = images(*shape)
    with torch.no_grad():
        expected = stack(image)
        export_torchscript(stack, tmp_path / "a.pt")
        script = torch.jit.load(str(tmp_path / "a.pt"))
        torch.testing.assert_close(script(image), expected, rtol=1e-5, atol=1e-3)
    export_onnx(stack, tmp_path / "a.onnx")
    output = OnnxFile(tmp_path / "a.onnx")(image.numpy())
    np.testing.assert_allclose(output, expected.numpy(), rtol=1e-5, atol=1e-3)


def test_onnx_file_holds_the_weights_once(stack, tmp_path):
    export_onnx(stack, tmp_path / "a.onnx")
    graph = onnx.load(str(tmp_path / "a.onnx")).graph
    stored = sum(int(np.prod(tensor.dims)) for tensor in graph.initializer)
    parameters = sum(parameter.numel() for parameter in stack.parameters())
    # a little is folded into other constants
    assert 0.95 * parameters < stored < 1.05 * parameters
