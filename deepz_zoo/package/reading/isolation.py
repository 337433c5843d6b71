"""The libraries that read packages, kept off the network, the user's home and the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from deepz_zoo.engines.onnx_runtime import silence_telemetry
from deepz_zoo.extras import require
from deepz_zoo.files import temporary_folder


@contextmanager
def isolated_bioimageio(*, online: bool = False) -> Iterator[None]:
    """Give bioimageio a cache folder of its own, a short patience and no voice on the terminal.

    A package is self-contained: whatever it wants from the network is an error to be reported,
    not to be waited for.

    Parameters
    ----------
    online
        Let it ask for the addresses in a description. It asks for each to see whether it exists,
        which tells their owner who opens the package.

    Raises
    ------
    DeepZError
        If bioimageio is not installed.
    """
    require("package", "bioimageio", what="a bioimage.io package")
    silence_telemetry()
    from bioimageio.spec import settings
    from loguru import logger

    before = settings.cache_path, settings.http_timeout, settings.allow_pickle
    with temporary_folder("cache") as cache, nullcontext() if online else _without_network():
        settings.cache_path, settings.http_timeout = cache, 1.0
        settings.allow_pickle = False  # whatever the environment says
        logger.disable("bioimageio")
        try:
            yield
        finally:
            logger.enable("bioimageio")
            settings.cache_path, settings.http_timeout, settings.allow_pickle = before


@contextmanager
def _without_network() -> Iterator[None]:
    """Send what bioimageio asks of the network to a proxy that is not there.

    Names of GitHub users are an exception: without GitHub's answer a description with maintainers
    counts as invalid, and its address is not the package's to choose.
    """
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:0")
    names = {**nowhere, "no_proxy": "api.github.com"}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
