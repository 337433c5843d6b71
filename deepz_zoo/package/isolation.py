"""The libraries that read packages, kept off the network, the user's home and the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


@contextmanager
def isolated_bioimageio() -> Iterator[None]:
    """Give bioimageio a cache folder of its own, a short patience and no voice on the terminal.

    A package is self-contained: whatever it wants from the network is an error to be reported,
    not to be waited for.
    """
    _silence_telemetry()
    from bioimageio.spec import settings
    from loguru import logger

    before = settings.cache_path, settings.http_timeout
    with TemporaryDirectory(prefix="deepz-cache-", ignore_cleanup_errors=True) as cache:
        settings.cache_path, settings.http_timeout = Path(cache), 1.0
        logger.disable("bioimageio")
        try:
            yield
        finally:
            logger.enable("bioimageio")
            settings.cache_path, settings.http_timeout = before


def onnx_session(path: Path) -> InferenceSession:
    """Open an ONNX file with onnxruntime on the CPU."""
    _silence_telemetry()
    from onnxruntime import InferenceSession

    return InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])


def _silence_telemetry() -> None:
    # From 1.2x on, onnxruntime's Linux wheels leave a device id in the user's cache folder and
    # report to their maker unless told otherwise before the import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
