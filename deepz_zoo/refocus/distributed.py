"""Frames refocused by the workers of a Dask cluster.

Each worker process opens an image and loads a model once, and refocuses one frame at a time. What
it makes is the same as without it. A frame whose worker dies is made again by another one.
"""

from __future__ import annotations

import logging
import re
import signal
from collections import deque
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from deepz_zoo.errors import DeepZError
from deepz_zoo.extras import require
from deepz_zoo.images import PlaneWriter, SharedWriter

if TYPE_CHECKING:
    from deepz_zoo.refocus.output import PlacedRows

LOCAL = re.compile(r"local(?::([1-9]\d*))?")
"""Workers on this computer, as many as named or one for each core."""

_ANSWER_TIMEOUT_S = 5
_IN_FLIGHT = 2  # frames for each worker: one that is made, and one that waits for it

# Engines are not called by two threads at once, and one frame fills the memory that it is given.
_one_frame = Lock()


class FrameSource(Protocol):
    """What refocuses a frame of an image; it is sent to each worker once, which keeps it."""

    def refocus_frame(self, image: Any, number: int) -> Iterator[PlacedRows]:
        """Yield a frame as `refocused_frame` does."""


@contextmanager
def connect(address: str) -> Iterator[Cluster]:
    """Connect to a cluster for the time of a block.

    Parameters
    ----------
    address
        Of a scheduler, such as ``tcp://10.0.0.1:8786``; ``local`` or ``local:N`` starts workers on
        this computer and ends them with the block.

    Raises
    ------
    DeepZError
        If Dask's library ``distributed`` is not installed, nothing answers at the address, or a
        worker has another version of this package.
    """
    require("dask", "distributed", what="a Dask cluster")
    from distributed import Client

    with ExitStack() as stack:
        local = LOCAL.fullmatch(address)
        where = stack.enter_context(_workers_here(local[1])) if local else address
        try:
            # Not the default client: what else uses Dask in this process is left alone.
            connected: Any = Client(  # type: ignore[no-untyped-call]
                where, timeout=_ANSWER_TIMEOUT_S, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise DeepZError(
                f"no Dask scheduler answers at {address} ({_first_line(error)}); start one by "
                "'dask scheduler', or take `dask` local"
            ) from error
        cluster = Cluster(stack.enter_context(connected), address)
        if local:
            connected.register_plugin(_ignoring_interrupts())
        cluster.check_versions()
        yield cluster


def _workers_here(count: str | None) -> Any:
    from dask.system import CPU_COUNT
    from distributed import LocalCluster

    return LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=int(count or CPU_COUNT),
        threads_per_worker=1,
        memory_limit=0,  # none, as without workers
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )


def _ignoring_interrupts() -> Any:
    """Return what keeps Ctrl-C, which all processes of a terminal hear, from the workers."""
    from distributed import WorkerPlugin

    class IgnoreInterrupts(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return IgnoreInterrupts()


class Cluster:
    """A connected cluster.

    Parameters
    ----------
    client
        A ``distributed.Client``.
    address
        As the user wrote it.
    """

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._sources: dict[Hashable, Any] = {}
        self._in_flight: set[Any] = set()

    def check_versions(self) -> None:
        """Refuse workers that have another version of this package.

        Raises
        ------
        DeepZError
            Naming one of them.
        """
        from deepz_zoo import __version__

        try:
            found = self._client.run(_version)
        except ModuleNotFoundError as error:
            raise DeepZError(
                f"a worker of {self._address} lacks {error.name}; install deepz-zoo {__version__} "
                "in the environment that it runs in"
            ) from error
        for worker, version in found.items():
            if version != __version__:
                raise DeepZError(
                    f"worker {worker} has deepz-zoo {version}; expected {__version__}, as here"
                )

    @property
    def frames_in_flight(self) -> int:
        """How many frames are on the way at most: more only fill memory."""
        threads: int = sum(self._client.ncores().values())
        return _IN_FLIGHT * max(1, threads)

    def write(
        self, source: FrameSource, image: Any, frames: int, write: PlaneWriter
    ) -> Iterator[None]:
        """Refocus all frames of an image and write them; yield after each, in their order.

        The workers write into OME-Zarr themselves; into other formats this process writes what
        they send.

        Parameters
        ----------
        source
            What refocuses.
        image
            What the source is called with.
        frames
            Their number.
        write
            What takes the pixels.

        Raises
        ------
        DeepZError
            As the source does; or when several workers died of a frame, or the scheduler is lost.
        """
        numbers, in_flight = iter(range(frames)), deque[Any]()
        try:
            while True:
                while len(in_flight) < self.frames_in_flight:
                    number = next(numbers, None)
                    if number is None:
                        break
                    in_flight.append(self._submit(source, image, number, write))
                    self._in_flight.add(in_flight[-1])
                if not in_flight:
                    return
                made = self._result(in_flight[0], image)
                if isinstance(write, SharedWriter):
                    write.count(made)
                else:
                    for placed in made:
                        write(*placed)
                self._in_flight.discard(in_flight.popleft())
                yield
        finally:
            self._client.cancel(list(in_flight), force=True)
            self._in_flight.difference_update(in_flight)

    def stop(self) -> None:
        """Give up all frames; what waits for them, in other threads, fails."""
        self._client.cancel(list(self._in_flight), force=True)

    def _submit(self, source: FrameSource, image: Any, number: int, write: PlaneWriter) -> Any:
        key = id(source)
        if key not in self._sources:
            # A task of its own, whose result every worker keeps and which is made anew if it dies.
            self._sources[key] = self._client.submit(_kept, source, pure=False)
        task, more = (_write, (write,)) if isinstance(write, SharedWriter) else (_make, ())
        return self._client.submit(task, self._sources[key], image, number, *more, pure=False)

    def _result(self, future: Any, image: Any) -> Any:
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            return future.result()
        except KilledWorker as error:
            raise DeepZError(
                f"{image}: several workers died of it, as they do without memory; give them more, "
                "or a smaller `tile_px`"
            ) from error
        except (CancelledError, CommClosedError, TimeoutError) as error:
            raise DeepZError(f"{image}: the scheduler at {self._address} was lost") from error


def _version() -> str:
    from deepz_zoo import __version__

    return __version__


def _kept(source: FrameSource) -> FrameSource:
    return source


def _make(source: FrameSource, image: Any, number: int) -> list[PlacedRows]:
    """Return a frame."""
    with _one_frame:
        return list(source.refocus_frame(image, number))


def _write(source: FrameSource, image: Any, number: int, write: SharedWriter) -> int:
    """Write a frame, and return how many rows it has."""
    written = 0
    with _one_frame:
        for rows, plane, first in source.refocus_frame(image, number):
            write(rows, plane, first)
            written += len(rows)
    return written


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
