"""``deepz-zoo simulate --specimen worm --video``: a video, and what is true of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from deepz_zoo.cli.options import show_progress
from deepz_zoo.errors import DeepZError

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem

_ACTIVITY_CHANNEL = "FITC"


def simulate_video(
    folder: Path,
    system: ImagingSystem,
    *,
    seed: int,
    frames: int,
    shape: tuple[int, int],
    noise: Literal["low", "realistic"],
    bleaching: float | None,
    interleaved: bool,
    overwrite: bool,
) -> None:
    """Simulate a video of a worm into a folder, and print what is there."""
    from deepz_zoo.files import refuse_output
    from deepz_zoo.simulate.video import simulate_worm
    from deepz_zoo.simulate.video_files import FILES, VIDEO, write_video

    if not folder.absolute().parent.is_dir():
        raise DeepZError(f"cannot write {folder}: the folder {folder.parent} does not exist")
    if folder.exists() and not folder.is_dir():
        raise DeepZError(f"{folder} is a file; a video and its truth are written into a folder")
    for name in FILES if folder.is_dir() else ():
        refuse_output(folder / name, overwrite=overwrite)
    with show_progress() as progress:
        progress("Simulating")
        video = simulate_worm(
            system,
            _of_activity(system),
            seed=seed,
            frames=frames,
            shape=shape,
            noise=noise,
            **({} if bleaching is None else {"bleaching": bleaching}),
        )
        write_video(folder, video, interleaved=interleaved, progress=progress)
    rows, columns = shape
    what = (
        f"{2 * frames} frames, activity and nuclei in turn," if interleaved else f"{frames} frames"
    )
    click.echo(
        f"{folder / VIDEO}: {what} of {rows}×{columns} px, {len(video.nuclei.light)} neurons, "
        f"seed {seed}"
    )
    click.echo(f"{folder / 'truth'}: where they are, what they do, how the worm moves")


def _of_activity(system: ImagingSystem) -> ImagingSystem:
    """Return the system of the same objective that sees GCaMP, or the same one."""
    from deepz_zoo.optics import list_systems

    for other in list_systems():
        if other.objective.id == system.objective.id and other.channel.name == _ACTIVITY_CHANNEL:
            return other
    return system
