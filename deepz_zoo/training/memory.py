"""How much memory a training takes, before it begins."""

from __future__ import annotations

import copy

import torch

from deepz_zoo.memory import refuse_too_large
from deepz_zoo.training.hardware import Hardware
from deepz_zoo.training.module import GeneratorTraining
from deepz_zoo.training.presets import TrainingSettings

_ADVICE = "choose a smaller `batch_size` or `patch_px`"


def training_memory(module: GeneratorTraining, settings: TrainingSettings) -> int:
    """Return a lower bound of the bytes that one iteration takes.

    These are the patches, and what the generator keeps of them for its gradients. It is found with
    tensors that have a shape and no memory.
    """
    generator = copy.deepcopy(module.generator).to("meta")
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[id(tensor)] = tensor
        return tensor

    side = settings.patch_px
    patch = torch.empty((1, 2, side, side), device="meta")
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        generator(patch)
    parameters = {id(parameter) for parameter in generator.parameters()}
    per_patch = sum(t.nbytes for key, t in kept.items() if key not in parameters)
    return settings.batch_size * (per_patch + 3 * patch[:, :1].nbytes)


def require_training_memory(
    module: GeneratorTraining, settings: TrainingSettings, hardware: Hardware
) -> None:
    """Refuse batches that cannot fit into memory; on a GPU those that cannot be made for it.

    Raises
    ------
    DeepZError
        With the memory that it would take.
    """
    if hardware.on_gpu:
        size = settings.batch_size * 3 * settings.patch_px**2 * 4
    else:
        size = training_memory(module, settings)
    batch = f"a batch of {settings.batch_size:,} patches of {settings.patch_px} px"
    refuse_too_large(size, batch, _ADVICE)
