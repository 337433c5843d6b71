"""Weights of a generator as safetensors: they are read without unpickling anything."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator


def save_generator(path: Path, generator: Generator, *, dtype: torch.dtype = torch.float32) -> None:
    """Write the weights to `path` as `dtype`, by way of a temporary name."""
    state = generator.state_dict().items()
    with replacing(path) as temporary:
        # By way of bytes: safetensors opens no file in a folder whose name is not UTF-8.
        temporary.write_bytes(save({k: v.detach().cpu().to(dtype).contiguous() for k, v in state}))
        temporary.chmod(0o644)


def load_generator(path: Path, config: GeneratorConfig) -> Generator:
    """Read weights into a generator of `config`, in evaluation mode and float32.

    Raises
    ------
    DeepZError
        If the file is missing, is not safetensors, or holds the weights of another network, NaN
        or infinity.
    """
    with torch.device("meta"):  # no time and memory for weights that are replaced at once
        generator = Generator(config)
    try:
        state = {name: weights.float() for name, weights in load(path.read_bytes()).items()}
        generator.load_state_dict(state, assign=True)
    except IsADirectoryError:
        raise DeepZError(f"{path} is a folder; expected weights as .safetensors") from None
    except FileNotFoundError:
        raise DeepZError(f"{path}: no such file; expected weights as .safetensors") from None
    except SafetensorError as error:
        raise DeepZError(f"{path}: not a safetensors file ({error})") from None
    except RuntimeError as error:
        raise DeepZError(
            f"{path}: the weights do not fit a generator of width {config.width:g} and "
            f"{config.levels} levels ({str(error).splitlines()[-1].strip()})"
        ) from None
    bad = [name for name, weights in state.items() if not torch.isfinite(weights).all()]
    if bad:
        raise DeepZError(f"{path}: the weights {bad[0]} hold NaN or infinity; train them anew")
    return generator.eval()
