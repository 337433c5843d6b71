"""Which engine computes in which precision, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from deepz_zoo.engines.device import choose_device
from deepz_zoo.engines.openvino_network import has_openvino, is_compiled, openvino_precisions
from deepz_zoo.engines.versions import version_of
from deepz_zoo.errors import DeepZError
from deepz_zoo.records.precision import (
    MAX_CORRELATION_LOSS,
    PRECISIONS,
    Precision,
    PrecisionCost,
    cost_of,
)

if TYPE_CHECKING:
    from torch import nn

EngineName = Literal["torch", "openvino", "onnxruntime"]
ENGINE_TITLES: dict[EngineName, str] = {
    "torch": "torch",
    "openvino": "OpenVINO",
    "onnxruntime": "ONNX Runtime",
}

MIN_WORK = 4e12
"""Parameters of the network times pixels from which on it pays to compile for OpenVINO.

Compiling takes one to two seconds, four planes of 1024² of the lite network about as many.
"""
MIN_WORK_COMPILED = 4e11
"""The same where OpenVINO compiled the network before; it starts in a quarter of a second."""


@dataclass(frozen=True)
class Choice:
    """An engine, a precision and a device.

    Attributes
    ----------
    engine, precision, device
        What computes, in what, where.
    reason
        Why, as a part of a sentence.
    """

    engine: EngineName
    precision: Precision
    device: torch.device
    reason: str

    def __str__(self) -> str:
        """Name the engine with its version, the precision, and the device unless it is the CPU."""
        where = "" if self.device.type == "cpu" else f" on {self.device}"
        return f"{ENGINE_TITLES[self.engine]} {version_of(self.engine)}{where}, {self.precision}"


def choose_engine(
    network: nn.Module,
    engine: EngineName | Literal["auto"] = "auto",
    precision: Precision | Literal["auto"] = "auto",
    *,
    device: str = "auto",
    costs: Sequence[PrecisionCost] = (),
    pixels: float | None = None,
) -> Choice:
    """Choose what runs a network.

    Parameters
    ----------
    network
        The generator of a model.
    engine
        ``"auto"`` takes torch on a GPU; on the CPU it takes OpenVINO where it is installed and the
        work is long enough for its start to pay, torch otherwise.
    precision
        ``"auto"`` takes one that is faster than float32 there, if `costs` say that it costs the
        model no more than 0.002 of correlation; float32 otherwise.
    device
        See `choose_device`. OpenVINO and ONNX Runtime run on the CPU.
    costs
        What precisions cost the model, from its manifest.
    pixels
        How many will be refocused, those of every plane counted; None for very many.

    Raises
    ------
    DeepZError
        If the engine is not installed, or does not compute in the precision or on the device.
    """
    if engine == "auto":
        place = choose_device(device)
        if place.type != "cpu":
            return _with_precision("torch", precision, place, costs, "the engine for a GPU")
        return _on_the_cpu(network, precision, costs, pixels)
    place = choose_device("cpu" if device == "auto" and engine != "torch" else device)
    if engine != "torch" and place.type != "cpu":
        raise DeepZError(
            f"{ENGINE_TITLES[engine]} runs on the CPU here, not on {place}; leave `device` out, or "
            "take torch as `engine`"
        )
    if engine == "openvino" and not has_openvino():
        raise DeepZError(
            "OpenVINO is not installed; install it (pip install openvino), or take another `engine`"
        )
    return _with_precision(engine, precision, place, costs, "as asked for")


def _on_the_cpu(
    network: nn.Module,
    precision: Precision | Literal["auto"],
    costs: Sequence[PrecisionCost],
    pixels: float | None,
) -> Choice:
    cpu = torch.device("cpu")
    if not has_openvino():
        return _with_precision("torch", precision, cpu, costs, "OpenVINO is not installed")
    work = None if pixels is None else pixels * sum(p.numel() for p in network.parameters())
    if work is None or work >= MIN_WORK_COMPILED:
        wanted: Iterable[Precision] = openvino_precisions()
        if precision == "auto" or precision in wanted:
            choice = _with_precision("openvino", precision, cpu, costs, "the fastest on this CPU")
            if work is None or work >= MIN_WORK or is_compiled(network, choice.precision):
                return choice
        else:
            why = f"OpenVINO does not compute in {precision} on this processor"
            return _with_precision("torch", precision, cpu, costs, why)
    return _with_precision(
        "torch", precision, cpu, costs, "so little is done before OpenVINO has started"
    )


def _with_precision(
    engine: EngineName,
    precision: Precision | Literal["auto"],
    device: torch.device,
    costs: Sequence[PrecisionCost],
    reason: str,
) -> Choice:
    if precision == "auto":
        chosen, why = _fastest_acceptable(faster_precisions(engine, device), costs)
        return Choice(engine, chosen, device, f"{reason}; {why}")
    possible = precisions_of(engine)
    if precision not in possible:
        raise DeepZError(
            f"{ENGINE_TITLES[engine]} does not compute in {precision} on this processor; expected "
            f"{' or '.join(possible)} as `precision`, or torch as `engine`"
        )
    return Choice(engine, precision, device, reason)


def _fastest_acceptable(
    faster: Sequence[Precision], costs: Sequence[PrecisionCost]
) -> tuple[Precision, str]:
    """Return the first precision that costs the model little, and what to say of it."""
    if not faster:
        return "float32", "nothing is faster than float32 here"
    said = []
    for precision in faster:
        cost = cost_of(precision, costs)
        if cost is None:
            said.append(f"what {precision} costs this model was not measured")
        elif not cost.acceptable:
            said.append(
                f"{precision} costs this model {cost.correlation_loss:.4f} of correlation, more "
                f"than {MAX_CORRELATION_LOSS:g}"
            )
        else:
            loss = max(cost.correlation_loss, 0.0)
            return precision, f"{precision} costs this model {loss:.4f} of correlation"
    return "float32", " and ".join(said)


def precisions_of(engine: EngineName) -> tuple[Precision, ...]:
    """Return what an installed engine can compute in on this computer, however slowly."""
    if engine == "openvino":
        return openvino_precisions()
    return PRECISIONS if engine == "torch" else ("float32",)


def faster_precisions(engine: EngineName, device: torch.device) -> tuple[Precision, ...]:
    """Return the precisions in which an engine is faster than in float32, the best first."""
    if engine == "openvino":
        return openvino_precisions()[1:]
    if engine == "onnxruntime":
        return ()
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return ("bfloat16", "float16") if native else ("float16",)
    if device.type == "mps":
        return ("float16",)
    return ("bfloat16",) if _cpu_computes_in_bfloat16() else ()


def _cpu_computes_in_bfloat16() -> bool:
    """Tell whether torch's convolutions on this CPU are faster in bfloat16; False if unknown."""
    tells = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(tells and tells())
