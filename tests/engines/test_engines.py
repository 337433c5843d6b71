"""Every engine of this environment gives what the model gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepz_zoo.engines.difference import Difference, probe
from deepz_zoo.engines.engine import Engine
from deepz_zoo.engines.installed import installed_runtimes
from deepz_zoo.engines.torch_model import TorchModel

pytestmark = pytest.mark.slow

TENSORS = [probe((1, 16, 20)), probe((2, 33, 17))]
FILES = {"onnx": "weights.onnx", "torchscript": "weights_torchscript.pt"}


def assert_equals(engine: Engine, model: torch.nn.Module) -> None:
    for tensor, output in zip(TENSORS, engine.run(TENSORS), strict=True):
        with torch.no_grad():
            expected = model(torch.from_numpy(tensor)).numpy()
        np.testing.assert_allclose(output, expected, atol=1e-5 * expected.max())
        assert output.dtype == np.float32


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize("runtime", installed_runtimes(), ids=str)
def test_a_runtime_opens_its_files_as_engines(model, unpacked, runtime):
    engine = runtime.open(unpacked / FILES[runtime.weight_format])
    assert_equals(engine, model)
    assert (engine.name, engine.weight_format) == (str(runtime), runtime.weight_format)


def test_a_model_in_memory_is_an_engine(model):
    engine = TorchModel(model)
    assert_equals(engine, model)
    np.testing.assert_array_equal(engine(TENSORS[0]), engine.run(TENSORS)[0])


def test_versions_do_not_name_the_build():
    runtimes = installed_runtimes()
    assert {runtime.name for runtime in runtimes} == {"torch", "onnxruntime"}
    assert all("+" not in runtime.version for runtime in runtimes)


def test_difference_is_relative_to_the_largest_expected_value():
    expected = np.array([[-4.0, 2.0]], np.float32)
    found = Difference.between(expected + np.array([[0, 1]], np.float32), expected)
    assert (found.absolute, found.relative) == (1.0, 0.25)
    nothing = np.zeros((1, 2), np.float32)
    assert Difference.between(nothing + 3, nothing) == Difference(3.0, 3.0)


def test_probe_is_an_image_with_a_tilted_surface():
    tensor = probe((2, 40, 30))
    np.testing.assert_array_equal(tensor, probe((2, 40, 30)))
    image, surface = tensor[1]
    assert (tensor[0, 0] != tensor[1, 0]).any()
    np.testing.assert_array_equal(image, np.rint(image))
    assert np.ptp(surface[0]) > 1
    assert np.ptp(surface[:, 0]) > 1
