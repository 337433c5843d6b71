"""Images that stay open while their frames are asked for one by one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

Opened = TypeVar("Opened")

_MAX_OPEN = 8


class OpenImages:
    """The images that were used last, and what was made of each when it was opened.

    A copy in another process has none of them.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[Hashable, tuple[ExitStack, Any]] = OrderedDict()

    def __reduce__(self) -> tuple[type[OpenImages], tuple[()]]:
        """Copy nothing: files are opened anew."""
        return OpenImages, ()

    def get(
        self,
        key: Hashable,
        opened: Callable[[], AbstractContextManager[Any]],
        made: Callable[[Any], Opened],
    ) -> Opened:
        """Return what `made` gives for the image of a key, which `opened` opens if it is not open.

        Parameters
        ----------
        key
            What tells images apart.
        opened
            Returns the image as a context manager.
        made
            Takes the image; called once while it is open.
        """
        if key not in self._open:
            if len(self._open) == _MAX_OPEN:
                oldest, _ = self._open.popitem(last=False)[1]
                oldest.close()
            with ExitStack() as stack:  # which closes what cannot be made into anything
                value = made(stack.enter_context(opened()))
                self._open[key] = stack.pop_all(), value
        self._open.move_to_end(key)
        return self._open[key][1]  # type: ignore[no-any-return]
