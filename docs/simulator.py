"""Measure simulated images as real ones were measured, and draw them: ``python docs/simulator.py``.

Writes ``docs/simulator.md`` and ``docs/simulator.png``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pictures import shrink
from skimage.filters import threshold_triangle

from deepz_zoo.optics import ImagingSystem, get_system
from deepz_zoo.optics.psf import PsfParameters, point_spread_function
from deepz_zoo.simulate import SPECIMENS, simulate_stack

HERE = Path(__file__).parent
FRACTIONS = (0.2, 0.5, 0.8)

# Medians of 85 isolated beads in three images of an Olympus 20x/0.75, and fifteen images of the
# paper's systems: what a simulated image has to look like.
MEASURED_RINGS = ((8.4, 11.0, 14.0), (5.6, 7.6, 9.9), (2.8, 4.5, 6.6))
MEASURED_FOCUS = (1.4, 2.5, 4.5)
MEASURED_HALO = ((2.2, 3.4, 7.2), (3.6, 6.1, 11.2), (4.6, 8.3, 14.0))
# The same beads' light in the half toward the side of the slide whose beads are rings.
MEASURED_HALF = {"rings": "0.53–0.58", "focus": "–", "core and halo": "0.62–0.68"}


def light_radii(image: NDArray[np.float32]) -> tuple[float, ...]:
    """Return the radii in px that hold 20, 50 and 80 % of the light around the center."""
    half = len(image) // 2
    y, x = np.mgrid[: len(image), : len(image)] - half
    radius = np.hypot(y, x).ravel()
    order = np.argsort(radius, kind="stable")
    fraction = np.cumsum(image.ravel()[order]) / image.sum()
    return tuple(float(np.interp(f, fraction, radius[order])) for f in FRACTIONS)


def brighter_half(image: NDArray[np.float32]) -> float:
    """Return the largest fraction of the light on one side of a line through the center."""
    half = len(image) // 2
    y, x = np.mgrid[: len(image), : len(image)] - half
    angles = np.arange(0, 2 * np.pi, np.pi / 12)
    # Pixels on the line count half on either side.
    sides = (np.sign(np.round(y * np.sin(a) + x * np.cos(a), 6)) / 2 + 0.5 for a in angles)
    return max(float((image * side).sum() / image.sum()) for side in sides)


def simulated_beads(
    draws: int = 12,
) -> tuple[list[float], NDArray[np.float64], NDArray[np.float64]]:
    """Return distances in µm, median light radii and the brighter halves over drawn optics.

    Shapes (distances,), (distances, 3) and (draws, distances).
    """
    system = get_system("olympus20x_0.75/TxRd-beads")
    z = torch.arange(-7.0, 7.5, 1.0)
    radii, halves = [], []
    for seed in range(draws):
        psf = point_spread_function(
            PsfParameters.draw(system, torch.Generator().manual_seed(seed)),
            z,
            size_px=128,
            pixel_size_um=system.pixel_size_um,
        )
        radii.append([light_radii(plane) for plane in psf.numpy()])
        halves.append([brighter_half(plane) for plane in psf.numpy()])
    return z.tolist(), np.median(np.array(radii), axis=0), np.array(halves)


def nearest(radii: NDArray[np.float64], measured: tuple[float, ...]) -> int:
    """Return the plane whose half-light radius is nearest to that of a measured bead."""
    return int(np.abs(radii[:, 1] - measured[1]).argmin())


def bead_table() -> str:
    """Return simulated beside measured radii, matched by the half-light radius on each side."""
    z, radii, halves = simulated_beads()
    middle = len(z) // 2
    lines = [
        "| side | measured 20/50/80 % | simulated 20/50/80 % | simulated z µm "
        "| one half, measured | brighter half, simulated |",
        "|---|---|---|---:|---|---|",
    ]
    sides = (
        ("rings", MEASURED_RINGS, slice(middle, None)),
        ("focus", (MEASURED_FOCUS,), slice(middle, middle + 1)),
        ("core and halo", MEASURED_HALO, slice(0, middle + 1)),
    )
    for name, measurements, side in sides:
        for measured in measurements:
            plane = nearest(radii[side], measured) + (side.start or 0)
            cells = [" / ".join(f"{r:.1f}" for r in row) for row in (measured, radii[plane])]
            half = "{:.2f}–{:.2f}".format(*np.quantile(halves[:, plane], (0, 1)))
            cells += [f"{z[plane]:+g}", MEASURED_HALF[name], half]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def image_table() -> str:
    """Return background, noise, signal and foreground of simulated images of nuclei."""
    rows = []
    for seed in range(8):
        stack = simulate_stack(get_system("leica20x_0.8/TxRd"), "nuclei", seed=seed)
        image = stack.camera[len(stack.camera) // 2]
        median = float(np.median(image))
        dark = image[image < median]
        noise = 1.4826 * float(np.median(median - dark)) if dark.size else 0.0
        signal = (float(np.percentile(image, 99.9)) - median) / max(noise, 1.0)
        rows.append((median, noise, signal, (image > threshold_triangle(image)).mean() * 100))
    low, high = np.min(rows, axis=0), np.max(rows, axis=0)
    real = ("105–484", "3.5–28", "92–329", "3–19 %")
    names = ("background", "its noise", "(p99.9 − median)/noise", "foreground")
    simulated = [f"{a:.0f}–{b:.0f}" for a, b in zip(low, high, strict=True)]
    simulated[3] += " %"
    lines = ["| nuclei, 20x/0.8 | real images | simulated (8 seeds) |", "|---|---|---|"]
    lines += [f"| {n} | {r} | {s} |" for n, r, s in zip(names, real, simulated, strict=True)]
    return "\n".join(lines)


def bead_instruments(system: ImagingSystem) -> dict[str, PsfParameters]:
    """Return the middle of the ranges with an even pupil, and the instrument of the real slides."""
    mean_um, _ = system.aberrations.coverslip_um
    even = replace(PsfParameters.nominal(system), coverslip_um=mean_um, residual_blur_um=0.6)
    fitted = replace(
        even,
        numerical_aperture=0.76,
        coverslip_um=140.0,
        pupil_gradient=(0.8, 0.0),
        coma_waves=(-0.09, 0.07),
        astigmatism_waves=(0.17, 0.0),
    )
    return {"bead": even, "bead, as fitted": fitted}


def draw(path: Path) -> None:
    """Draw beads through focus and each specimen at seven depths."""
    system = get_system("olympus20x_0.75/TxRd-beads")
    z = torch.tensor([-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0])
    figure = Figure(figsize=(10.5, 1.58 * (2 + len(SPECIMENS))), dpi=70, facecolor="black")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2 + len(SPECIMENS), 7)
    for row, (name, parameters) in zip(axes[:2], bead_instruments(system).items(), strict=True):
        psf = point_spread_function(parameters, z, size_px=64, pixel_size_um=system.pixel_size_um)
        for axis, plane, distance in zip(row, psf.numpy(), z.tolist(), strict=True):
            axis.imshow(plane, cmap="gray")
            axis.set_title(f"{name} {distance:+g} µm", color="white", fontsize=8)
    for row, specimen in zip(axes[2:], SPECIMENS, strict=True):
        stack = simulate_stack(get_system("leica20x_0.8/TxRd"), specimen, seed=3, noise="low")
        for axis, distance in zip(row, (-9, -6, -3, 0, 3, 6, 9), strict=True):
            image = stack.camera[int(np.abs(stack.z_um - distance).argmin())]
            axis.imshow(image, cmap="gray", vmax=np.percentile(image, 99.7))
            axis.set_title(f"{specimen} {distance:+g} µm", color="white", fontsize=8)
    for axis in axes.flat:
        axis.axis("off")
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.97, wspace=0.03, hspace=0.12)
    figure.savefig(path)
    shrink(path, path, 640)


def main() -> None:
    """Write the page and its picture."""
    draw(HERE / "simulator.png")
    (HERE / "simulator.md").write_text(
        "# Simulated beside real\n\n"
        "Made by `python docs/simulator.py`.\n\n"
        "## Beads\n\n"
        "Radii in px of 0.325 µm that hold 20, 50 and 80 % of a bead's light: medians of real "
        "isolated beads of an Olympus 20x/0.75 on a 150 µm coverslip, beside the simulated plane "
        "(median of 12 drawn instruments of `olympus20x_0.75/TxRd-beads`) whose half-light radius "
        f"is nearest, on the same side of the focus.\n\n{bead_table()}\n\n"
        "Light in one half of a bead: of the real beads, the half toward the side of the slide "
        "whose beads are rings; of the simulated ones, the brightest half of each of the 12 "
        "instruments, from the least to the greatest. Coma and an uneven pupil make the halves "
        "differ.\n\n"
        "## Images\n\nThe ranges of six real images of worms beside those of simulated ones, which "
        f"cover more exposures on purpose.\n\n{image_table()}\n\n"
        "## What it looks like\n\n![Beads and specimens](simulator.png)\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
