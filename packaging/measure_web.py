"""Measure how long the web page takes: python packaging/measure_web.py [OBJECTIVE/CHANNEL …].

Serves the page, opens it in Chromium (Debian's package chromium, driven by Playwright), drops a
simulated image of 512 × 512 pixels and turns the depth knob. Printed are seconds from the opened
page to the loaded model, from the drop to the first plane, and the median of the planes after it.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from deepz_zoo.files import temporary_folder
from deepz_zoo.images import Image, write_image
from deepz_zoo.optics import get_system
from deepz_zoo.simulate import simulate_stack
from tests.web.browser import Browser, serving

SIDE_PX = 512
PLANES = 7


def main(names: list[str]) -> None:
    """Print a row for each model."""
    print(f"{os.cpu_count()} processors; seconds")
    print("model                          loaded  first plane  next planes")
    with temporary_folder("measure") as folder, serving() as address, Browser() as browser:
        for name in names:
            print("{:<30} {:>6.1f} {:>12.1f} {:>12.2f}".format(
                name, *_seconds(browser, address, name, _image(name, folder))
            ))  # fmt: skip


def _image(name: str, folder: Path) -> Path:
    system = get_system(name)
    stack = simulate_stack(system, system.specimens[0], seed=3, shape=(SIDE_PX, SIDE_PX))
    path = folder / "image.ome.tif"
    plane = stack.camera[len(stack.z_um) // 2].astype(np.uint16)
    write_image(path, Image(plane, "yx", system.pixel_size_um))
    return path


def _seconds(browser: Browser, address: str, name: str, image: Path) -> tuple[float, float, float]:
    start = time.perf_counter()
    page = browser.open(address, model=name)
    loaded = time.perf_counter()
    page.drop(image)
    first = time.perf_counter()
    for _ in range(PLANES):
        page.turn("Depth", 1)
    return loaded - start, first - loaded, statistics.median(page.seconds_of_planes[1:])


if __name__ == "__main__":
    main(sys.argv[1:] or ["leica20x_0.8/TxRd"])
