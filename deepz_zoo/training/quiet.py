"""Hide messages of pytorch-lightning that are for its own users."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("pytorch_lightning", "lightning_fabric")


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide notes and advice on the use of pytorch-lightning; other warnings stay.

    It advertises loggers, lists the devices, recommends more workers for the few validation images,
    calls a deprecated function of torch, and warns that the batches cannot be resumed within an
    epoch, which they can, since they are numbered through the whole run.
    """
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    # Loggers of its modules may have levels of their own, such as that of rank_zero.
    loggers += [
        logger
        for name, logger in logging.Logger.manager.loggerDict.items()
        if isinstance(logger, logging.Logger) and name.startswith(tuple(f"{t}." for t in _LOGGERS))
    ]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*(LeafSpec|_pytree)", FutureWarning)
        warnings.filterwarnings("ignore", r".*(LeafSpec|_pytree)", DeprecationWarning)
        warnings.filterwarnings("ignore", r"The '\w+' does not have many workers")
        warnings.filterwarnings("ignore", r"[^\n]*ended before the epoch ended")
        try:
            for logger in loggers:
                logger.setLevel(max(logging.WARNING, logger.level))
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
