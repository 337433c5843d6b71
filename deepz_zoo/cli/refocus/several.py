"""Many images: a line for each, those that failed at the end, and how it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click
from click.globals import push_context

from deepz_zoo.cli.option_names import warn, with_option_names
from deepz_zoo.cli.options import show_progress
from deepz_zoo.cli.system_errors import system_error_line
from deepz_zoo.disk import is_disk_full
from deepz_zoo.errors import DeepZError
from deepz_zoo.progress import no_progress

if TYPE_CHECKING:
    from deepz_zoo.cli.refocus.recipe import Recipe
    from deepz_zoo.progress import Progress
    from deepz_zoo.refocus.distributed import Cluster
    from deepz_zoo.refocus.files import Job

EXIT_SOME_FAILED = 1


def refocus_several(
    jobs: Sequence[Job], recipe: Recipe, skipped: int, cluster: Cluster | None = None
) -> int:
    """Refocus images one by one, or many at a time on a cluster, and return the exit code.

    An image that cannot be refocused does not stop the others; a full disk does.

    Parameters
    ----------
    jobs
        The images to refocus.
    recipe
        How.
    skipped
        How many more were asked for that have their output.
    cluster
        What refocuses them, in place of this process.
    """
    failures: list[str] = []
    warnings = Warnings()
    with show_progress() as progress, doing(jobs, recipe, warnings, progress, cluster) as results:
        for number, (job, result) in enumerate(zip(jobs, results, strict=True)):
            progress("Images", number, len(jobs))
            try:
                line = result()
            except Exception as error:
                failures.append(_line(job, error))
            else:
                print(line, flush=True)  # above the bars, which click would write into
    warnings.repeat()
    for line in failures:
        click.echo(f"Failed: {line}", err=True)
    done = len(jobs) - len(failures)
    counts = [f"{done} of {len(jobs) + skipped} images refocused"]
    counts += [f"{skipped} skipped, whose outputs exist"] if skipped else []
    counts += [f"{len(failures)} failed"] if failures else []
    click.echo(", ".join(counts))
    return EXIT_SOME_FAILED if failures else 0


@contextmanager
def doing(
    jobs: Sequence[Job],
    recipe: Recipe,
    warnings: Warnings,
    progress: Progress,
    cluster: Cluster | None,
) -> Iterator[Iterator[Callable[[], str]]]:
    """Return what gives the line of each image, in their order: now, or when a thread has it."""
    if cluster is None:
        yield (
            partial(
                recipe.refocus, job, warnings.of(str(job)), _part_of(progress, number, len(jobs))
            )
            for number, job in enumerate(jobs)
        )
        return
    # The threads only wait for the workers, and write what these send. Warnings need the context.
    context = click.get_current_context()
    with ThreadPoolExecutor(
        cluster.frames_in_flight, initializer=push_context, initargs=(context,)
    ) as pool:
        futures = [
            pool.submit(recipe.refocus, job, warnings.of(str(job)), no_progress, cluster)
            for job in jobs
        ]
        try:
            yield (future.result for future in futures)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            cluster.stop()
            raise


def _line(job: Job, error: Exception) -> str:
    """Return what a user reads of an error that concerns one image; raise any other."""
    if is_disk_full(error):
        raise error
    if not isinstance(error, DeepZError):
        line = system_error_line(error)
        if line is None:
            raise error
        return f"{job}: {line}"
    message = with_option_names(str(error), click.get_current_context().command.params)
    message = " ".join(message.split())
    return message if str(job) in message else f"{job}: {message}"


def _part_of(progress: Progress, number: int, images: int) -> Progress:
    """Return what counts the progress of one image as a part of that of all."""

    def report(step: str, done: float = 0, total: int = 0) -> None:
        progress("Images", number + (done / total if total else 0), images)

    return report


class Warnings:
    """Prints a warning for the first image that it holds for, and counts the others."""

    def __init__(self) -> None:
        self._repeated: Counter[str] = Counter()

    def of(self, image: str) -> Callable[[str], None]:
        """Return what warns of one image."""

        def warn_of(line: str) -> None:
            if line in self._repeated:
                self._repeated[line] += 1
            else:
                self._repeated[line] = 0
                warn(f"{image}: {line}.")

        return warn_of

    def repeat(self) -> None:
        """Say of how many more images each warning held."""
        for line, count in self._repeated.items():
            if count:
                warn(f"{count} more image{'s' * (count > 1)}: {line}.")
