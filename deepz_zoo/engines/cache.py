"""What engines made of a network, kept in the user's cache folder for the next start."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing

if TYPE_CHECKING:
    from torch import nn

MAX_FILES = 24
"""Beyond this number, the files that were used least recently are deleted."""


def cache_folder() -> Path:
    """Return the folder; it may not exist."""
    from platformdirs import user_cache_path

    return user_cache_path("deepz-zoo", appauthor=False) / "engines"


def cache_name(network: nn.Module, *circumstances: str) -> str:
    """Return the file name of what an engine makes of a network on this kind of processor.

    Parameters
    ----------
    network
        Its layers, their settings and their weights are a part of the name.
    circumstances
        What else decides: program, version, precision.
    """
    processor = (platform.machine(), torch.backends.cpu.get_cpu_capability())
    digest = hashlib.sha256(repr((__version__, processor, circumstances)).encode())
    for name, module in network.named_modules():
        settings = {key: value for key, value in vars(module).items() if _is_setting(key, value)}
        digest.update(f"{name} {module.extra_repr()} {sorted(settings.items())}\n".encode())
    for name, weights in network.state_dict().items():
        digest.update(name.encode())
        digest.update(weights.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:40]


def _is_setting(key: str, value: object) -> bool:
    return not key.startswith("_") and isinstance(value, bool | int | float | str)


def read_cached(name: str) -> bytes | None:
    """Return a file of the cache, None where there is none that can be read."""
    path = cache_folder() / name
    try:
        content = path.read_bytes()
        path.touch()
    except OSError:
        return None
    return content


def is_cached(name: str) -> bool:
    """Tell whether the cache has a file."""
    return (cache_folder() / name).is_file()


def write_cached(name: str, content: bytes) -> None:
    """Write a file of the cache, and delete the oldest ones beyond `MAX_FILES`.

    A cache that cannot be written costs time and nothing else: that is no error.
    """
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)
        files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in files[MAX_FILES:]:
            old.unlink(missing_ok=True)
    except (OSError, DeepZError):
        return
