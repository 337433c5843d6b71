"""Run the commands of ``tutorial.md``, and draw its pictures: ``python docs/tutorial.py``."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pictures import shrink

from deepz_zoo import Tilt, read_image
from deepz_zoo.cli.main import main as deepz_zoo

HERE = Path(__file__).parent
IMAGES = HERE / "images"
PLANE = 20


def commands() -> list[list[str]]:
    """Return the commands of the page."""
    page = (HERE / "tutorial.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(.*?)^```", page, re.S | re.M)
    lines = "".join(blocks).splitlines()
    return [shlex.split(line.removeprefix("deepz-zoo ")) for line in lines]


def draw(path: Path, rows: list[list[NDArray[Any]]], titles: list[str], names: list[str]) -> None:
    """Draw rows of images, those of a column with one contrast."""
    size = (2 * len(titles) + 0.3, 2.1 * len(rows) + 0.3)
    figure = Figure(figsize=size, dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), len(titles), squeeze=False)
    for column, title in enumerate(titles):
        images = [row[column] for row in rows]
        black = min(float(np.median(image)) for image in images)
        white = float(np.percentile(images[0], 99.8))
        for ax, image in zip(axes[:, column], images, strict=True):
            ax.imshow(image, cmap="gray", vmin=black, vmax=white)
            ax.set(xticks=[], yticks=[])
        axes[0, column].set_title(title)
    for ax, name in zip(axes[:, 0], names, strict=True):
        ax.set_ylabel(name)
    figure.savefig(path)
    shrink(path, path)


def surface_of(stack: NDArray[Any], tilt: Tilt, pixel_size_um: float, step_um: float) -> Any:
    """Return what a stack shows along a surface through the plane `PLANE`, its nearest planes."""
    dpm = tilt.dpm(stack.shape[1:], pixel_size_um)
    index = np.clip(np.rint(PLANE + dpm / step_um), 0, len(stack) - 1).astype(int)
    return np.take_along_axis(stack, index[None], axis=0)[0]


def draw_all(folder: Path) -> None:
    """Draw the pictures of what the commands wrote into a folder."""
    stack = read_image(folder / "stack.tif")
    planes, tilted = (
        read_image(folder / name).data for name in ("planes.ome.tif", "tilted.ome.tif")
    )
    pixel_size_um, step_um = stack.pixel_size_um, stack.z_step_um
    assert pixel_size_um is not None
    assert step_um is not None
    depths_um = np.linspace(-6, 6, len(planes))
    truth = [stack.data[PLANE + round(z / step_um)] for z in depths_um]
    titles = [f"Δz = {z:+.0f} µm" for z in depths_um]
    draw(IMAGES / "tutorial_volume.png", [truth, list(planes)], titles, ["recorded", "refocused"])
    along = surface_of(stack.data, Tilt(8), pixel_size_um, step_um)
    draw(
        IMAGES / "tutorial_tilt.png",
        [[stack.data[PLANE], along, tilted]],
        ["plane 20", "recorded on the surface", "refocused onto it"],
        [""],
    )
    shrink(folder / "accuracy.png", IMAGES / "tutorial_accuracy.png", 800)
    with zipfile.ZipFile(folder / "model.zip") as package:
        cover = Path(package.extract("cover.png", folder))
    shrink(cover, IMAGES / "tutorial_cover.png", 500)


def main() -> None:
    """Run the page in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for words in commands():
            if code := deepz_zoo(words):
                raise SystemExit(code)
        draw_all(Path(folder))
        os.chdir(HERE)


if __name__ == "__main__":
    main()
