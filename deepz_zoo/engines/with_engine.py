"""A model whose network is run by a chosen engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from deepz_zoo.engines.choice import Choice, EngineName, choose_engine
from deepz_zoo.network.graph.wrapper import DeepZModel

if TYPE_CHECKING:
    from torch import nn

    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.records.precision import Precision


def with_engine(
    model: DeepZModel,
    engine: EngineName | Literal["auto"] = "auto",
    precision: Precision | Literal["auto"] = "auto",
    *,
    device: str = "auto",
    manifest: Manifest | None = None,
) -> DeepZModel:
    """Return a model whose network is run by another engine or in another precision.

    It takes and gives what `model` does; in float32 the images are the same to 1e-4 of their scale.

    Parameters
    ----------
    model
        As `load_model` returns it; its normalization is shared.
    engine, precision, device
        See `choose_engine`.
    manifest
        What is known of the model. Without it ``"auto"`` takes no other precision than float32.

    Raises
    ------
    DeepZError
        If the engine is not installed, or does not compute in the precision or on the device.

    Examples
    --------
    >>> from deepz_zoo.models import load_model
    >>> model, manifest = load_model("leica20x_0.8/TxRd")
    >>> fast = with_engine(model, manifest=manifest)
    """
    costs = () if manifest is None else manifest.precisions
    choice = choose_engine(model.generator, engine, precision, device=device, costs=costs)
    return run_as_chosen(model, choice)


def run_as_chosen(model: DeepZModel, choice: Choice) -> DeepZModel:
    """Return a model whose network runs as chosen; torch's float32 on the CPU is the model itself.

    Parameters
    ----------
    model
        On the CPU, in float32.
    choice
        From `choose_engine`.
    """
    if (choice.engine, choice.precision, choice.device.type) == ("torch", "float32", "cpu"):
        return model
    twin = DeepZModel(_network(model.generator, choice), model.dpm_scale_um).eval()
    twin.normalization = model.normalization
    return twin


def _network(network: nn.Module, choice: Choice) -> nn.Module:
    if choice.engine == "openvino":
        from deepz_zoo.engines.openvino_network import OpenVINONetwork

        return OpenVINONetwork(network, choice.precision)
    if choice.engine == "onnxruntime":
        from deepz_zoo.engines.onnx_network import OnnxNetwork

        return OnnxNetwork(network)
    from deepz_zoo.engines.torch_network import TorchNetwork

    return TorchNetwork(network, choice.precision, choice.device)
