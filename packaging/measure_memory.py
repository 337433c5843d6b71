"""Measure the memory that `deepz-zoo refocus` takes for a long series and for a large image.

For maintainers, on Linux: ``python packaging/measure_memory.py series``, ``large``, or ``tilted``,
which refocuses the large image onto a tilted surface instead of a plane. The series of 2 GB is
refocused with less address space than it takes itself (``ulimit -v``), where reading it whole
fails. The network of the series and of the tilt is a tiny one with random weights, which takes
minutes instead of an hour. The files lie in a folder of temporary files meanwhile, 7 GB for the
series. Run it from a clone.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import click
import numpy as np

from deepz_zoo.files import temporary_folder
from deepz_zoo.images import Array, Calibration, NewImage, create_image
from deepz_zoo.network.generator import Generator

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.builders import CONFIG, write_run

SIDE_PX = 1024
FRAMES = 1000
LARGE_PX = 16384
LIMIT_KIB = 1_800_000
MODEL = "leica20x_0.8/TxRd"


def spots(side_px: int, seed: int = 0) -> Array:
    """Return spots on a noisy background, uint16."""
    rng = np.random.default_rng(seed)
    image = rng.normal(200, 8, (side_px, side_px))
    y, x = rng.integers(2, side_px - 2, (2, side_px**2 // 2000))
    for dy, dx in np.ndindex(5, 5):
        image[y + dy - 2, x + dx - 2] += 2000 * np.exp(-((dy - 2) ** 2 + (dx - 2) ** 2) / 3)
    return image.clip(0, 65535).astype(np.uint16)


def write_series(path: Path) -> None:
    """Write a series of shifted frames."""
    frame = spots(SIDE_PX)
    new = NewImage((FRAMES, SIDE_PX, SIDE_PX), "tyx", frame.dtype, Calibration(0.325))
    with create_image(path, new) as write:
        for number in range(FRAMES):
            write(np.roll(frame, number, axis=0), number)


def write_large(path: Path) -> None:
    """Write a square of equal parts, in bands."""
    part = spots(LARGE_PX // 4)
    new = NewImage((LARGE_PX, LARGE_PX), "yx", part.dtype, Calibration(0.325))
    with create_image(path, new) as write:
        for row in range(0, LARGE_PX, len(part)):
            write(np.tile(part, (1, 4)), 0, row)


def limit_address_space() -> None:
    """Do what ``ulimit -v`` does."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_KIB * 1024, LIMIT_KIB * 1024))


@click.command()
@click.argument("kind", type=click.Choice(["series", "large", "tilted"]))
def measure(kind: str) -> None:
    """Refocus the image onto one plane or surface, and print the most memory that it took."""
    target = ["--tilt", "0.1"] if kind == "tilted" else ["--z", "2"]
    with temporary_folder("memory") as folder:
        source = folder / f"{kind}.ome.tif"
        (write_series if kind == "series" else write_large)(source)
        if kind == "large":
            chosen = ["--objective", MODEL]
        else:
            chosen = ["--weights", str(write_run(folder / "run", Generator(CONFIG)))]
        click.echo(f"{source.name}: {source.stat().st_size / 1e9:.2f} GB")
        program = [sys.executable, "-m", "deepz_zoo", "refocus", str(source), *chosen]
        done = subprocess.run(
            [*program, "-o", str(folder / "out.tif"), *target],
            preexec_fn=limit_address_space if kind == "series" else None,
        )
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        click.echo(f"at most {peak:.2f} GB of memory, exit code {done.returncode}")


if __name__ == "__main__":
    measure()
