"""``deepz-zoo simulate``: calibrated z-stacks of simulated specimens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from deepz_zoo.cli.options import (
    instrument_option,
    model_options,
    overwrite_option,
    show_progress,
)
from deepz_zoo.cli.parameters import Integer, Number, PathName
from deepz_zoo.cli.refocus.targets import read_surface, surface_options
from deepz_zoo.cli.worm_video import simulate_video
from deepz_zoo.errors import DeepZError

if TYPE_CHECKING:
    from deepz_zoo.dpm import Surface

SPECIMENS = (
    "beads", "clusters", "nuclei", "neurons", "filaments", "microtubules", "texture",
)  # fmt: skip
WORM = "worm"
_FRAMES = 60


@click.command("simulate")
@model_options()
@instrument_option
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FILE|FOLDER",
    type=PathName(path_type=Path),
    help="OME-TIFF to write; the noise-free stack goes beside it as NAME_clean, and the confocal "
    "one of a Deep-Z+ model as NAME_confocal. For a video the folder of its files.",
)
@click.option(
    "--specimen", type=click.Choice((*SPECIMENS, WORM)), default="beads", show_default=True
)
@click.option(
    "--video",
    is_flag=True,
    help="With --specimen worm: nuclei and activity of its neurons over time, and their truth.",
)
@click.option(
    "--frames",
    type=Integer(2),
    show_default="60",
    help="Of a video, in each channel; 3.6 are taken in a second.",
)
@click.option(
    "--interleaved",
    is_flag=True,
    help="Write the two channels of a video in turn, as they are taken.",
)
@click.option(
    "--noise",
    type=click.Choice(["realistic", "low"]),
    default="realistic",
    show_default=True,
    help="Any exposure and background, or a well-filled camera over a dark background.",
)
@click.option("--seed", type=Integer(0), default=0, show_default=True)
@click.option(
    "--size",
    type=(Integer(16), Integer(16)),
    default=(256, 256),
    show_default=True,
    metavar="ROWS COLUMNS",
    help="Image size in pixels; even numbers.",
)
@click.option(
    "--drift",
    "drift_px",
    type=Number(0),
    default=0.0,
    help="Lateral drift over the stack in pixels; real ones drift by 0 to 2.",
)
@click.option(
    "--jitter",
    "jitter_px",
    type=Number(0),
    default=0.0,
    help="Standard deviation of each plane's own shift in pixels; about 0.2 in real stacks.",
)
@click.option(
    "--bleaching",
    type=Number(0, 1, max_open=True),
    show_default="0, of a video 0.2",
    help="Fraction of the light that is lost over the stack; real ones lose up to 0.2.",
)
@surface_options
@overwrite_option
def command(
    model_name: str,
    instrument: Path | None,
    output: Path,
    specimen: str,
    video: bool,
    frames: int | None,
    interleaved: bool,
    noise: Literal["low", "realistic"],
    seed: int,
    size: tuple[int, int],
    drift_px: float,
    jitter_px: float,
    bleaching: float | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Simulate a wide-field z-stack as the microscope of a model records it.

    Writes calibrated OME-TIFF files: what the camera recorded, the same without noise, and for
    Deep-Z+ the planes that a confocal microscope shows. Beads lie on a drawn surface, or on the
    one that is given as to 'refocus', at distances from the middle plane; --tilt 0 is a flat one.

    A worm is a video of its neurons, for 'measure neurons':

    \b
    deepz-zoo simulate leica20x_0.8/TxRd --specimen worm --video --size 256 512 -o worm
    """  # noqa: D301 - click reads the backspace
    from deepz_zoo.files import refuse_output
    from deepz_zoo.images import Array, Image, write_image
    from deepz_zoo.optics import get_system
    from deepz_zoo.records.microscope import with_instrument
    from deepz_zoo.simulate import simulate_stack
    from deepz_zoo.simulate.acquisition import Acquisition

    surface = read_surface(**options)
    maps = [options[name] for name in ("dpm", "height_map") if options[name] is not None]
    system = with_instrument(get_system(model_name), instrument)
    if video != (specimen == WORM):
        raise click.UsageError("--specimen worm and --video belong together")
    if video:
        _refuse_for_video(surface, drift_px, jitter_px)
        simulate_video(
            output,
            system,
            seed=seed,
            frames=frames or _FRAMES,
            shape=size,
            noise=noise,
            bleaching=bleaching,
            interleaved=interleaved,
            overwrite=overwrite,
        )
        return
    if frames is not None or interleaved:
        raise click.UsageError("--frames and --interleaved belong to --video")
    if output.is_dir():
        raise DeepZError(f"{output} is a folder; expected the name of a TIFF file")
    if output.suffix.lower() not in (".tif", ".tiff"):
        raise DeepZError(f"{output}: TIFF is written; expected a name that ends in .tif or .tiff")
    is_ome = output.stem.lower().endswith(".ome")
    suffix = output.name[-len(output.suffix) - 4 * is_ome :]
    stem = output.name.removesuffix(suffix)
    clean, confocal = (output.with_name(f"{stem}_{kind}{suffix}") for kind in ("clean", "confocal"))
    for path in (output, clean, confocal) if system.confocal else (output, clean):
        refuse_output(path, overwrite=overwrite, inputs=maps)
    with show_progress() as progress:
        progress("Simulating")
        stack = simulate_stack(
            system,
            specimen,
            seed=seed,
            shape=size,
            noise=noise,
            acquisition=Acquisition(
                drift_px=drift_px, jitter_px=jitter_px, bleaching=bleaching or 0.0
            ),
            surface=surface,
        )
        written: dict[Path, Array] = {output: stack.camera, clean: stack.noise_free}
        if stack.confocal is not None:
            written[confocal] = stack.confocal
        step_um, first_um = system.z_step_um, float(stack.z_um[0])
        for done, (path, data) in enumerate(written.items(), start=1):
            progress("Simulating", done, 1 + len(written))
            write_image(path, Image(data, "zyx", system.pixel_size_um, step_um, first_um))
    planes, rows, columns = stack.camera.shape
    click.echo(f"{output}: {planes} planes of {rows}×{columns} px, {specimen}, seed {seed}")
    click.echo(f"{clean}: the same without noise")
    if stack.confocal is not None:
        click.echo(f"{confocal}: the confocal planes, without noise")


def _refuse_for_video(surface: Surface | None, drift_px: float, jitter_px: float) -> None:
    """Refuse what is said of stacks."""
    if surface is not None:
        raise click.UsageError("a worm lies on no surface; leave it out")
    if drift_px or jitter_px:
        raise click.UsageError("a worm moves by itself; leave --drift and --jitter out")
