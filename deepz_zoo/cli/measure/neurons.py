"""``deepz-zoo measure neurons``: where neurons are, and their activity over time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from deepz_zoo.cli.image_options import mismatch_options, tile_option
from deepz_zoo.cli.measure.neuron_outputs import (
    output_names,
    refuse_outputs,
    summary,
    write_outputs,
)
from deepz_zoo.cli.measure.virtual_stacks import VirtualStacks
from deepz_zoo.cli.option_names import warn
from deepz_zoo.cli.options import (
    EngineOptions,
    complete_model,
    engine_options,
    overwrite_option,
    pixel_policy,
    show_progress,
    weights_option,
)
from deepz_zoo.cli.parameters import Integer, Number, PathName
from deepz_zoo.cli.refocus.inputs import normalization_option
from deepz_zoo.cli.refocus.recipe import Models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepz_zoo.measure.neurons import Pairs
    from deepz_zoo.refocus import ImageNormalization


@click.command("neurons")
@click.argument("video", metavar="VIDEO", type=PathName(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    type=PathName(path_type=Path, file_okay=False),
    help="For tables, label volume, plots and report.",
)
@click.option(
    "--nuclei",
    metavar="NAME|NUMBER",
    help="Channel that shows where neurons are: its name, or its number from 1.",
)
@click.option(
    "--activity",
    metavar="NAME|NUMBER",
    help="Channel whose brightness is their activity; of two channels one need be named.",
)
@click.option(
    "--interleaved",
    is_flag=True,
    help="One channel, whose frames show activity and nuclei in turn, as in the paper.",
)
@click.option("--nuclei-first", is_flag=True, help="--interleaved, but the nuclei come first.")
@click.option(
    "--refocus",
    "model_name",
    metavar="MODEL",
    type=PathName(),
    shell_complete=complete_model,
    help="Refocus each frame to a virtual stack by this model: a name of the zoo, a checkpoint or "
    "a package.",
)
@weights_option
@click.option(
    "--refocus-activity",
    "activity_model",
    metavar="MODEL",
    type=PathName(),
    shell_complete=complete_model,
    help="The model of the activity channel.  [default: that of --refocus]",
)
@click.option(
    "--plane-only",
    is_flag=True,
    help="Measure on the plane of the video, without refocusing (Fig. S14b).",
)
@click.option(
    "--z",
    metavar="UM",
    help="Distances of the virtual planes, such as -10:10:0.5.  [default: the model's range in its "
    "steps, which are the paper's]",
)
@click.option("--clip", is_flag=True, help="Clip distances outside the trained range.")
@click.option("--axes", metavar="tyx", help="Name the file's axes, where it does not or is wrong.")
@click.option(
    "--pixel-size",
    "pixel_size_um",
    type=Number(min=0, min_open=True),
    metavar="UM",
    help="Pixel size of the video, where it does not say or is wrong.",
)
@mismatch_options
@normalization_option
@tile_option
@click.option(
    "--transform",
    type=click.Choice(["affine", "projective"]),
    default="affine",
    show_default=True,
    help="What the features of a frame determine.",
)
@click.option(
    "--threshold",
    type=Number(),
    metavar="LEVEL",
    help="Grey level that neurons exceed in the median of the nuclei.  [default: a fifth of the "
    "intensity scale above the background]",
)
@click.option(
    "--min-distance",
    "min_distance_um",
    type=Number(min=0, min_open=True),
    default=1.5,
    show_default=True,
    metavar="UM",
    help="Of two maxima nearer than this, or twice as far in z, the higher one counts.",
)
@click.option(
    "--active",
    type=Integer(min=1),
    metavar="N",
    help="Cluster the N most active neurons.  [default: 45 % of them, as the paper's 70 of 155]",
)
@click.option(
    "--sigma",
    type=Number(min=0, min_open=True),
    default=1.5,
    show_default=True,
    help="Width of the Gaussian similarity of two traces (Eq. 14).",
)
@click.option(
    "--clusters",
    type=Integer(min=1),
    metavar="K",
    help="Number of clusters.  [default: that of the eigengap]",
)
@engine_options()
@overwrite_option
def command(
    *,
    video: Path,
    output: Path,
    nuclei: str | None,
    activity: str | None,
    interleaved: bool,
    nuclei_first: bool,
    model_name: str | None,
    weights: str | None,
    activity_model: str | None,
    plane_only: bool,
    z: str | None,
    clip: bool,
    axes: str | None,
    pixel_size_um: float | None,
    resample: bool,
    ignore_pixel_size: bool,
    normalization: ImageNormalization | None,
    tile_px: int | None,
    transform: Literal["affine", "projective"],
    threshold: float | None,
    min_distance_um: float,
    active: int | None,
    sigma: float,
    clusters: int | None,
    engine_options: EngineOptions,
    overwrite: bool,
) -> None:
    """Find neurons in a video, measure their activity and cluster the most active (Fig. 3).

    VIDEO has two channels: nuclei, which stay as bright as they are, and activity. Its frames are
    registered and refocused to virtual stacks; neurons are segmented in the median of the nuclei.

    \b
    deepz-zoo measure neurons worm.tif -o neurons --nuclei TxRd --refocus leica20x_0.8/TxRd
    deepz-zoo measure neurons worm.tif -o plane --nuclei TxRd --plane-only
    """  # noqa: D301 - click reads the backspace
    from deepz_zoo.extras import require_plots
    from deepz_zoo.measure.neurons import measure_neurons
    from deepz_zoo.measure.neurons.stacks import input_plane
    from deepz_zoo.records.neurons import NeuronSettings

    require_plots("measure neurons")
    refocused = model_name is not None or weights is not None
    if refocused == plane_only:
        found = "both" if refocused else "none of them"
        raise click.UsageError(
            f"give exactly one of --refocus MODEL and --plane-only; found {found}"
        )
    _check_plane_only(plane_only, activity_model=activity_model, z=z)
    if nuclei_first and not interleaved:
        raise click.UsageError("--nuclei-first belongs to --interleaved")
    if interleaved and (nuclei is not None or activity is not None):
        raise click.UsageError("--interleaved and the names of channels exclude each other")
    names: dict[str, tuple[str | None, str | None]] = {"nuclei": (model_name, weights)}
    if activity_model is not None:
        names["activity"] = (activity_model, None)
    refocusing = VirtualStacks(
        Models(names, engine_options, 1),
        z,
        pixel_policy(resample, ignore_pixel_size),
        clip,
        normalization,
        tile_px,
    )
    outputs = output_names(plane_only)
    refuse_outputs(output, outputs, video, overwrite)
    settings = NeuronSettings(
        transform=transform,
        threshold=threshold,
        min_distance_um=(min_distance_um, 2 * min_distance_um),
        active=active,
        sigma=sigma,
        clusters=clusters,
    )
    if not plane_only:
        refocusing.check()
    with (
        _open_pairs(
            video, axes, pixel_size_um, nuclei, activity, interleaved, nuclei_first
        ) as pairs,
        show_progress() as progress,
    ):
        tracks = measure_neurons(
            pairs,
            input_plane if plane_only else refocusing,
            settings,
            video=video.name,
            progress=progress,
        )
    for line in tracks.report.warnings:
        warn(f"{line}.")
    write_outputs(output, outputs, tracks)
    click.echo(summary(tracks.report))
    click.echo(f"{output}: {', '.join(outputs)}")


def _check_plane_only(plane_only: bool, **needing_a_model: str | None) -> None:
    for name, value in needing_a_model.items():
        if plane_only and value is not None:
            option = "--z" if name == "z" else "--refocus-activity"
            raise click.UsageError(f"{option} and --plane-only exclude each other")


@contextmanager
def _open_pairs(
    video: Path,
    axes: str | None,
    pixel_size_um: float | None,
    nuclei: str | None,
    activity: str | None,
    interleaved: bool,
    nuclei_first: bool,
) -> Iterator[Pairs]:
    """Open the video, and yield its two channels."""
    from deepz_zoo.images import open_image
    from deepz_zoo.measure.neurons import pair_channels, pair_interleaved

    with open_image(video, axes=axes) as image:
        if pixel_size_um is not None:
            image = replace(image, pixel_size_um=pixel_size_um)
        if interleaved:
            yield pair_interleaved(image, nuclei_first=nuclei_first)
        else:
            yield pair_channels(image, nuclei, activity)
