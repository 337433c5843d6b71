"""A plate of OME-Zarr, refocused into another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.options import show_progress
from deepz_zoo.cli.refocus.several import Warnings, doing

if TYPE_CHECKING:
    from deepz_zoo.cli.refocus.recipe import Recipe
    from deepz_zoo.refocus.distributed import Cluster
    from deepz_zoo.refocus.files import Job


def refocus_plate(job: Job, recipe: Recipe, cluster: Cluster | None = None) -> None:
    """Refocus every field of a plate; the new plate takes its name when it is complete.

    Parameters
    ----------
    job
        The plate, and the one to write.
    recipe
        How.
    cluster
        What refocuses the fields, in place of this process.
    """
    from deepz_zoo.files import replacing_folder
    from deepz_zoo.images import create_plate
    from deepz_zoo.refocus.files import Job

    recipe.check_output(job)
    recipe.check()
    warnings, line = Warnings(), ""
    with replacing_folder(job.output) as plate, show_progress() as progress:
        fields = create_plate(plate, job.image, recipe.zarr_version)
        jobs = [Job(job.image / field, plate / field) for field in fields]
        with doing(jobs, recipe, warnings, progress, cluster) as results:
            for number, result in enumerate(results):
                progress("Images", number, len(jobs))
                line = result()
    warnings.repeat()
    wells = len({field.rpartition("/")[0] for field in fields})
    what = line.removeprefix(f"{plate / fields[-1]}: ")
    click.echo(f"{job.output}: {len(fields)} fields of {wells} wells, each {what}")
