"""A simulated video as files: the video, and beside it what is true of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deepz_zoo.files import undone_if_failed, write_record, write_table
from deepz_zoo.images import Calibration, NewImage, create_image
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.simulate.video import CHANNELS, PAIRS_PER_SECOND, WormVideo

VIDEO = "video.ome.tif"
TRUTH = "truth"
_TABLES = ("neurons.csv", "traces.csv", "motion.csv", "video.json")
FILES = (VIDEO, *(f"{TRUTH}/{name}" for name in _TABLES))
"""All that is written, in the folder."""


def write_video(
    folder: Path, video: WormVideo, *, interleaved: bool = False, progress: Progress = no_progress
) -> None:
    """Write a video frame by frame as calibrated OME-TIFF, and its truth as CSV and JSON.

    Parameters
    ----------
    folder
        Made if it is missing.
    video
        From `simulate_worm`.
    interleaved
        Write the frames as the camera took them, activity and nuclei in turn (axes ``tyx``), not as
        two channels (``tcyx``).
    progress
        Called for each pair of frames.

    Notes
    -----
    ``neurons.csv`` has the position of each nucleus in its first frame: x and y in µm from the
    center of the first pixel, z from the focal plane, positive toward increasing stage z; its
    radius, and its cluster or 0. ``traces.csv`` has the change of brightness of each neuron
    relative to that at rest. ``motion.csv`` has the affine part of the motion since the first
    frame of the nuclei, which takes (y, x) in µm to (yy·y + yx·x + y_um, xy·y + xx·x + x_um), and
    the height of the bow that is not affine.
    """
    with undone_if_failed([folder / name for name in FILES]):
        (folder / TRUTH).mkdir(parents=True, exist_ok=True)
        _write_truth(folder / TRUTH, video)
        frames, shape = video.settings.frames, video.settings.shape
        seconds = 1 / PAIRS_PER_SECOND
        known = [video.systems[name] for name in CHANNELS]
        calibration = Calibration(
            pixel_size_um=known[0].pixel_size_um,
            frame_interval_s=seconds / 2 if interleaved else seconds,
            channel_names=() if interleaved else CHANNELS,
            emission_um=()
            if interleaved
            else tuple(s.channel.emission_wavelength_um for s in known),
        )
        text = f"simulated worm, seed {video.settings.seed}"
        dtype, axes = np.dtype(np.uint16), "tyx" if interleaved else "tcyx"
        size = (2 * frames, *shape) if interleaved else (frames, 2, *shape)
        order = ("activity", "nuclei") if interleaved else CHANNELS
        new = NewImage(size, axes, dtype, calibration, text)
        with create_image(folder / VIDEO, new) as write:
            for number, pair in enumerate(video.frames()):
                progress("Simulating", number, frames)
                for place, channel in enumerate(order):
                    write(pair[channel], 2 * number + place)


def _write_truth(folder: Path, video: WormVideo) -> None:
    nuclei, activity, motion = video.nuclei, video.activity, video.motion
    places = zip(
        nuclei.positions_um.tolist(),
        nuclei.radius_um.tolist(),
        activity.cluster.tolist(),
        strict=True,
    )
    write_table(
        folder / "neurons.csv",
        ("neuron", "x_um", "y_um", "z_um", "radius_um", "cluster"),
        (
            (number, x, y, z, radius, cluster)
            for number, ((z, y, x), radius, cluster) in enumerate(places, start=1)
        ),
    )
    write_table(
        folder / "traces.csv",
        ("frame", *(f"neuron_{number:04d}" for number in range(1, len(activity.change) + 1))),
        ((frame, *row) for frame, row in enumerate(activity.change.T.tolist(), start=1)),
    )
    rows = []
    for frame in range(video.settings.frames):
        time = video.exposure_number("nuclei", frame)
        (yy, yx), (xy, xx) = motion.matrix[time].tolist()
        # About the center of the field of view there, about the first pixel here.
        y, x = motion.center_um - motion.matrix[time] @ motion.center_um + motion.shift_um[time]
        rows.append((frame + 1, yy, yx, y, xy, xx, x, motion.bend_um[time]))
    write_table(
        folder / "motion.csv", ("frame", "yy", "yx", "y_um", "xy", "xx", "x_um", "bend_um"), rows
    )
    write_record(folder / "video.json", video.settings)
