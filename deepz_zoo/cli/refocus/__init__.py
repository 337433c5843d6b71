"""``deepz-zoo refocus``: images onto other planes, or onto a surface."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.image_options import tile_option
from deepz_zoo.cli.option_names import warn
from deepz_zoo.cli.options import (
    EngineOptions,
    engine_options,
    model_options,
    overwrite_option,
    pixel_policy,
    show_progress,
    weights_option,
)
from deepz_zoo.cli.parameters import PathName
from deepz_zoo.cli.refocus.inputs import input_options, normalization_option
from deepz_zoo.cli.refocus.names import model_and_images_arguments, read_channels
from deepz_zoo.cli.refocus.plate import refocus_plate
from deepz_zoo.cli.refocus.recipe import ONLY, Models, Recipe
from deepz_zoo.cli.refocus.several import refocus_several
from deepz_zoo.cli.refocus.targets import read_target, target_options, written_targets
from deepz_zoo.errors import DeepZError

if TYPE_CHECKING:
    from deepz_zoo.refocus import ImageNormalization
    from deepz_zoo.refocus.distributed import Cluster
    from deepz_zoo.refocus.files import Job

_SUFFIX = "_refocused"


@click.command("refocus")
@model_and_images_arguments
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT.tif|FOLDER",
    type=PathName(),
    help="The file to write; for several images the folder of their outputs.",
)
@click.option(
    "--suffix",
    metavar="TEXT",
    help=f"In a folder worm.tif becomes worm + TEXT + .tif.  [default: {_SUFFIX}]",
)
@click.option("--skip-existing", is_flag=True, help="Leave out images whose output exists.")
@model_options(argument=False)
@weights_option
@click.option(
    "--channels",
    metavar="CHANNEL=MODEL,...",
    help="A model for each channel of the images, all in one output: "
    "TxRd=leica20x_0.8/TxRd,FITC=leica20x_0.8/FITC. A channel is named or numbered from 1.",
)
@click.option(
    "--other-channels",
    type=click.Choice(["leave-out", "pass-through"]),
    default="leave-out",
    show_default=True,
    help="What becomes of channels that --channels does not name.",
)
@target_options
@input_options
@click.option(
    "--format",
    "style",
    type=click.Choice(["ome", "imagej", "ome-zarr", "ome-zarr-0.4"]),
    default="ome",
    show_default=True,
    help="OME-TIFF, the TIFF of ImageJ and Fiji, or OME-Zarr, which -o OUT.ome.zarr means too.",
)
@click.option("--keep-type", is_flag=True, help="Round to the image's type instead of float32.")
@normalization_option
@tile_option
@engine_options()
@click.option(
    "--dask",
    metavar="ADDRESS|local[:N]",
    help="Let the workers of a Dask cluster do it, frame by frame: the address of its scheduler, "
    "or workers on this computer.",
)
@overwrite_option
def command(
    *,
    images: tuple[str, ...],
    output: str,
    suffix: str | None,
    skip_existing: bool,
    model_name: str | None,
    weights: str | None,
    channels: str | None,
    other_channels: str,
    axes: str | None,
    position: int | None,
    input_channel: str | None,
    plane: int | None,
    pixel_size_um: float | None,
    resample: bool,
    ignore_pixel_size: bool,
    clip: bool,
    style: str,
    keep_type: bool,
    normalization: ImageNormalization | None,
    tile_px: int | None,
    engine_options: EngineOptions,
    dask: str | None,
    overwrite: bool,
    **options: Any,
) -> int:
    """Refocus images onto planes (--z) or onto a surface, and write calibrated TIFF or OME-Zarr.

    An IMAGE is a TIFF of any program, OME-Zarr, PNG, LIF, CZI or ND2: one image, a time series, or
    several channels, of which one is chosen or each has its model (--channels). It may be a folder
    of images or a pattern too, such as 'plate/*.tif'; the output of several is a folder, that of a
    plate of OME-Zarr is a plate. Distances are measured from the plane of the image, in µm of
    stage z; a positive one is the direction of increasing stage z.

    \b
    deepz-zoo refocus leica20x_0.8/TxRd worm.tif -o stack.tif --z -10:10:0.5
    deepz-zoo refocus leica20x_0.8/TxRd beads.tif -o flat.tif --tilt 1.5 --tilt-axis y
    deepz-zoo refocus leica20x_0.8/TxRd plate/ -o refocused/ --z 2.5 --skip-existing
    deepz-zoo refocus leica20x_0.8/TxRd video.tif -o sharp.tif --autofocus
    deepz-zoo refocus leica20x_0.8/TxRd video.tif -o sharp.ome.zarr --z 2.5 --dask local:4
    deepz-zoo refocus leica20x_0.8/TxRd plate.ome.zarr -o sharp.ome.zarr --z 2.5
    """  # noqa: D301 - click reads the backspace
    if normalization not in (None, "paper") and resample:
        raise click.UsageError(f"--normalization {normalization} and --resample exclude each other")
    if skip_existing and overwrite:
        raise click.UsageError("--skip-existing and --overwrite exclude each other")
    names = _models(model_name, weights, channels, input_channel)
    target = read_target(**options)
    if target is None and channels is not None:
        raise click.UsageError(
            "--autofocus goes with one model; find the track of one channel, and give it as "
            "--z-track for all"
        )
    if target is None and dask is not None:
        raise click.UsageError(
            "--autofocus and --dask exclude each other; find the track first, and give it as "
            "--z-track"
        )
    mismatch = pixel_policy(resample, ignore_pixel_size)
    in_folder = _is_folder_meant(images, output)
    ending = ".ome.zarr" if style.startswith("ome-zarr") else ".tif"
    if not in_folder and style != "ome" and (ending == ".tif") == output.endswith(".zarr"):
        raise click.UsageError(f"-o {output}: --format {style} is written as NAME{ending}")
    only = None if position is None else position - 1
    jobs = _jobs(images, output, suffix, in_folder, only, ending)
    wanted, existing = _without_existing(jobs, in_folder, skip_existing, overwrite)
    fields = 0 if in_folder or position is not None else _fields(jobs[0], ending)
    if fields and target is None:
        raise click.UsageError("--autofocus follows one video; give a field, such as PLATE/A/1/0")
    recipe = Recipe(
        models=Models(names, engine_options, fields or len(wanted)),
        target=target,
        written_target=written_targets(options),
        axes=axes,
        input_channel=input_channel,
        plane=plane,
        pixel_size_um=pixel_size_um,
        mismatch=mismatch,
        clip=clip,
        style="imagej" if style == "imagej" else "ome",
        zarr_version="0.4" if style == "ome-zarr-0.4" else "0.5",
        keep_type=keep_type,
        normalization=normalization,
        tile_px=tile_px,
        pass_others=other_channels == "pass-through",
        maps=[
            options[name] for name in ("dpm", "height_map", "z_track") if options[name] is not None
        ],
        overwrite=overwrite,
    )
    if in_folder:
        if wanted:
            recipe.check()
        with _connected(dask if wanted else None) as cluster:
            return refocus_several(wanted, recipe, existing, cluster)
    if not wanted:
        click.echo(f"{output}: exists, and was left as it is")
        return 0
    if fields:
        with _connected(dask) as cluster:
            refocus_plate(wanted[0], recipe, cluster)
        return 0
    recipe.check_output(wanted[0])
    with _connected(dask) as cluster, show_progress() as progress:
        line = recipe.refocus(wanted[0], lambda line: warn(f"{line}."), progress, cluster)
    click.echo(line)
    return 0


def _connected(address: str | None) -> AbstractContextManager[Cluster | None]:
    """Return the cluster of an address for the time of a block; None where none is named."""
    if address is None:
        return nullcontext()
    from deepz_zoo.refocus.distributed import connect

    return connect(address)


def _models(
    model_name: str | None, weights: str | None, channels: str | None, input_channel: str | None
) -> Mapping[str, tuple[str | None, str | None]]:
    """Return what names the models, see `Models`."""
    if channels is None:
        return {ONLY: (model_name, weights)}
    for option, given in (("--weights", weights), ("--input-channel", input_channel)):
        if given is not None:
            raise click.UsageError(f"{option} and --channels exclude each other")
    if model_name is not None:
        raise click.UsageError(f"--channels names the models; leave {model_name} out")
    return {channel: (model, None) for channel, model in read_channels(channels).items()}


def _is_folder_meant(images: Sequence[str], output: str) -> bool:
    """Tell whether the output is a folder, for several images or for one."""
    from deepz_zoo.images import has_zarr_name
    from deepz_zoo.refocus.files import is_several

    zarr_named = has_zarr_name(Path(output))
    if (Path(output).is_dir() and not zarr_named) or output.endswith(("/", os.sep)):
        return True
    if len(images) == 1 and not is_several(images[0]):
        return False
    named = zarr_named or Path(output).suffix.lower() in (".tif", ".tiff")
    if Path(output).is_file() or named:
        raise click.UsageError(
            f"-o {output} names a file; the output for {' '.join(images[:3])} is a folder"
        )
    return True


def _jobs(
    images: Sequence[str],
    output: str,
    suffix: str | None,
    in_folder: bool,
    position: int | None,
    ending: str,
) -> list[Job]:
    """Return the images that are meant, and where each goes."""
    from deepz_zoo.refocus.files import Job, find_images, plan_outputs

    if in_folder:
        folder = Path(output)
        if not folder.absolute().parent.is_dir():
            raise DeepZError(f"cannot write {folder}: the folder {folder.parent} does not exist")
        suffix = _SUFFIX if suffix is None else suffix
        return plan_outputs(find_images(images), folder, suffix, position, ending)
    if suffix is not None:
        raise click.UsageError("--suffix is for the outputs in a folder; name the file with -o")
    return [Job(Path(images[0]), Path(output), position)]


def _fields(job: Job, ending: str) -> int:
    """Return the number of fields if a plate is refocused into another one, else 0."""
    from deepz_zoo.images import count_positions, has_zarr_name, is_plate

    to_zarr = ending == ".ome.zarr" or has_zarr_name(job.output)
    return count_positions(job.image) if to_zarr and is_plate(job.image) else 0


def _without_existing(
    jobs: Sequence[Job], in_folder: bool, skip_existing: bool, overwrite: bool
) -> tuple[list[Job], int]:
    """Return the images to refocus, and the number of those that are left out."""
    existing = [job for job in jobs if job.output.exists()]
    if skip_existing:
        return [job for job in jobs if job not in existing], len(existing)
    if in_folder and existing and not overwrite:
        raise DeepZError(
            f"{len(existing)} of {len(jobs)} outputs exist, such as {existing[0].output}; set "
            "`skip_existing` to leave these images out, or `overwrite`"
        )
    return list(jobs), 0
