"""The engines that Fiji's model runner brings along give the images of torch.

deepImageJ takes ONNX Runtime 1.13 at most and libtorch 2.0 at most; see the module
`deepz_zoo.engines.old_programs` for what installs them.
"""

from __future__ import annotations

import zipfile

import numpy as np
import onnx
import pytest

from deepz_zoo.engines.difference import probe
from deepz_zoo.engines.engine import EngineError
from deepz_zoo.package.checks.lint.weight_rules import NEWEST_IR, NEWEST_OPSET, NEWEST_TORCHSCRIPT

SHAPES = ((1, 16, 16), (1, 17, 17), (1, 100, 333), (3, 64, 48), (1, 1024, 1024))
SMALL_SHAPES = SHAPES[:2]

ENGINES = ("onnxruntime-node 1.12.1", "onnxruntime-node 1.13.1", "torch 1.")

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(("weights", "shapes"), [("narrow", SHAPES), ("embedded", SMALL_SHAPES)])
def test_old_engine_equals_torch(engine, request, name, weights, shapes):
    old = engine(name)
    exported = request.getfixturevalue(weights)
    tensors = [probe(shape) for shape in shapes]
    outputs = old.open(exported.files[old.weight_format]).run(tensors)
    for shape, tensor, output in zip(shapes, tensors, outputs, strict=True):
        expected = exported.expected(tensor)
        assert output.shape == expected.shape == (shape[0], 1, *shape[1:])
        assert np.abs(output - expected).max() <= 1e-5 * np.abs(expected).max(), shape


@pytest.mark.parametrize("name", ENGINES[:2])
@pytest.mark.parametrize("newer", ["opset", "IR"])
def test_newer_onnx_is_rejected_as_the_lint_says(engine, narrow, tmp_path, name, newer):
    model = onnx.load(narrow.files["onnx"])
    if newer == "opset":
        model.opset_import[0].version = NEWEST_OPSET + 1
    else:
        model.ir_version = NEWEST_IR + 1
    path = tmp_path / "newer.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(EngineError, match=r"newer\.onnx: .*(?i:version|opset)"):
        engine(name).open(path).run([probe((1, 16, 16))])


def test_newer_torchscript_is_rejected_as_the_lint_says(engine, narrow, tmp_path):
    path = tmp_path / "newer.pt"
    with zipfile.ZipFile(narrow.files["torchscript"]) as source, zipfile.ZipFile(path, "w") as new:
        for name in source.namelist():
            version = f"{NEWEST_TORCHSCRIPT + 1}\n".encode()
            new.writestr(name, version if name.endswith("/version") else source.read(name))
    with pytest.raises(EngineError, match=r"newer\.pt: .*version"):
        engine("torch 1.").open(path).run([probe((1, 16, 16))])
