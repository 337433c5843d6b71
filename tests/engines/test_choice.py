"""What ``auto`` takes and why, and what is refused."""

from __future__ import annotations

import pytest
import torch

from deepz_zoo.engines import choice as choices
from deepz_zoo.engines.choice import choose_engine
from deepz_zoo.errors import DeepZError
from deepz_zoo.records.precision import PrecisionCost


class Network(torch.nn.Module):
    """Stands in for a network of a million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.zeros(1_000_000))


def cost(precision: str, loss: float) -> PrecisionCost:
    return PrecisionCost(
        precision=precision,
        correlation_loss=loss,
        dz_um=5.0,
        error_over_rms_gain=0.001,
        images=12,
        benchmark_version=1,
        code_version="0.1.0",
    )


@pytest.fixture
def computer(monkeypatch):
    """Return a function that makes the tests see another computer."""

    def make(
        device: str = "cpu",
        openvino: tuple[str, ...] | None = ("float32",),
        compiled: bool = False,
        bfloat16: bool = False,
    ) -> None:
        def chosen(name: str = "auto") -> torch.device:
            return torch.device(device if name == "auto" else name)

        monkeypatch.setattr(choices, "choose_device", chosen)
        monkeypatch.setattr(choices, "has_openvino", lambda: openvino is not None)
        monkeypatch.setattr(choices, "openvino_precisions", lambda: openvino)
        monkeypatch.setattr(choices, "is_compiled", lambda *_: compiled)
        monkeypatch.setattr(choices, "_cpu_computes_in_bfloat16", lambda: bfloat16)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: bfloat16)

    make()
    return make


def taken(*arguments, **keywords) -> tuple[str, str]:
    found = choose_engine(Network(), *arguments, **keywords)
    return found.engine, found.precision


def test_on_a_cpu_openvino_is_taken_for_much_work(computer):
    assert taken() == ("openvino", "float32")
    assert taken(pixels=5e6) == ("openvino", "float32")
    for pixels in (256**2, 3e6):  # it has to compile first
        assert taken(pixels=pixels) == ("torch", "float32")
    computer(compiled=True)
    assert taken(pixels=3e6) == ("openvino", "float32")
    assert taken(pixels=256**2) == ("torch", "float32")


def test_little_work_does_not_import_openvino(computer, monkeypatch):
    monkeypatch.setattr(choices, "openvino_precisions", None)
    found = choose_engine(Network(), pixels=256**2)
    assert found.engine == "torch"
    assert "so little is done" in found.reason


def test_torch_is_taken_where_openvino_is_missing(computer):
    computer(openvino=None)
    assert "OpenVINO is not installed" in choose_engine(Network()).reason
    assert taken() == ("torch", "float32")
    with pytest.raises(DeepZError, match="OpenVINO is not installed; install it"):
        choose_engine(Network(), "openvino")


@pytest.mark.parametrize(
    ("costs", "precision", "reason"),
    [
        ((), "float32", "what bfloat16 costs this model was not measured"),
        ((("bfloat16", 0.0004),), "bfloat16", "bfloat16 costs this model 0.0004 of correlation"),
        ((("bfloat16", 0.003),), "float32", "costs this model 0.0030 of correlation, more than"),
        ((("bfloat16", 0.003), ("float16", -0.001)), "float16", "float16 costs this model 0.0000"),
    ],
)
def test_a_precision_is_taken_that_costs_little(computer, costs, precision, reason):
    computer(openvino=("float32", "bfloat16", "float16"))
    found = choose_engine(Network(), costs=[cost(*each) for each in costs])
    assert (found.engine, found.precision) == ("openvino", precision)
    assert reason in found.reason


def test_a_gpu_is_for_torch(computer):
    known = [cost("bfloat16", 0.0), cost("float16", 0.0)]
    computer("cuda", bfloat16=True)
    assert taken(costs=known) == ("torch", "bfloat16")
    assert taken(costs=known, device="cpu") == ("openvino", "float32")
    assert choose_engine(Network(), "openvino").device == torch.device("cpu")
    computer("cuda")
    assert taken(costs=known) == ("torch", "float16")
    computer("mps")
    assert taken(costs=known) == ("torch", "float16")
    with pytest.raises(DeepZError, match="ONNX Runtime runs on the CPU here, not on cuda; leave"):
        choose_engine(Network(), "onnxruntime", device="cuda")


def test_what_is_asked_for_is_taken(computer):
    assert taken("onnxruntime") == ("onnxruntime", "float32")
    assert taken("torch", "bfloat16") == ("torch", "bfloat16")
    assert taken("openvino", pixels=256) == ("openvino", "float32")
    # A precision that OpenVINO would pass over in silence goes to torch, or is refused.
    assert taken("auto", "bfloat16") == ("torch", "bfloat16")
    with pytest.raises(DeepZError, match="OpenVINO does not compute in bfloat16 on this processor"):
        choose_engine(Network(), "openvino", "bfloat16")
    with pytest.raises(DeepZError, match="expected float32 as `precision`, or torch as `engine`"):
        choose_engine(Network(), "onnxruntime", "float16")
    computer(openvino=("float32", "bfloat16"), bfloat16=True)
    assert taken("openvino", "bfloat16") == ("openvino", "bfloat16")
    assert taken("auto", "bfloat16") == ("openvino", "bfloat16")
    assert taken("torch", costs=[cost("bfloat16", 0.0)]) == ("torch", "bfloat16")


def test_a_choice_names_engine_version_and_precision(computer):
    assert str(choose_engine(Network(), "torch")).startswith("torch 2.")
    assert str(choose_engine(Network(), "onnxruntime")).endswith(", float32")
    computer("cuda", bfloat16=True)
    assert " on cuda, float32" in str(choose_engine(Network()))
