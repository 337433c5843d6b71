"""Keep to itself what pytorch-lightning tells its own users."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_TALKERS = ("pytorch_lightning", "lightning_fabric")


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide notes and advice on pytorch-lightning's own use; its warnings of substance stay.

    It advertises other loggers, lists the devices it found, recommends more workers for the few
    validation images, calls a function of torch that has a newer name, and takes the batches, which
    are numbered through the run, for ones that cannot be resumed within an epoch.
    """
    loggers = [logging.getLogger(name) for name in _TALKERS]
    # Its modules' loggers have levels of their own where they were set, as for rank_zero.
    loggers += [
        logger
        for name, logger in logging.Logger.manager.loggerDict.items()
        if isinstance(logger, logging.Logger) and name.startswith(tuple(f"{t}." for t in _TALKERS))
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
