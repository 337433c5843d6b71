"""Draw the pictures of README and documentation: ``python packaging/write_site_pictures.py``.

Writes ``docs/images/sweep.gif``, ``surface.png`` and ``sign_of_z.png``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import get_data_path
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deepz_zoo import Tilt, load_model

IMAGES = Path(__file__).parents[1] / "docs" / "images"
MODEL = "leica20x_0.8/TxRd"
SEED = 1_000_001  # held out from training
SIDE_PX = 256
DEPTHS_UM = np.arange(-6, 6.1, 0.75)
_LEVELS = 48  # of a GIF


def grey(image: NDArray[Any], white: float, black: float) -> NDArray[np.uint8]:
    """Return an image as grey levels of a screen."""
    scaled = (image - black) / (white - black)
    levels = np.rint(np.clip(scaled, 0, 1) ** 0.7 * (_LEVELS - 1))
    return (levels * (255 / (_LEVELS - 1))).astype(np.uint8)


def draw_sweep(path: Path, camera: NDArray[Any], planes: NDArray[Any]) -> None:
    """Draw the image beside its refocused planes, upward and downward."""
    black = float(np.median(camera))
    white_in, white_out = (float(np.percentile(it, 99.8)) for it in (camera, planes))
    font = ImageFont.truetype(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), 13)
    frames = []
    for z_um, plane in zip(DEPTHS_UM, planes, strict=True):
        pair = np.hstack([grey(camera, white_in, black), grey(plane, white_out, black)])
        frame = Image.fromarray(pair)
        draw = ImageDraw.Draw(frame)
        draw.fontmode = "1"
        draw.text((8, 6), "one image", 255, font)
        draw.text((SIDE_PX + 8, 6), f"refocused to {z_um:+.2f} µm", 255, font)
        frames.append(frame)
    there_and_back = frames + frames[-2:0:-1]
    there_and_back[0].save(
        path, save_all=True, append_images=there_and_back[1:], duration=160, loop=0, optimize=True
    )


def draw_surface(path: Path, camera: NDArray[Any], tilt: Tilt, tilted: NDArray[Any]) -> None:
    """Draw an image, a DPM and the image on that surface."""
    figure = Figure(figsize=(9, 3.2), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3)
    dpm = tilt.dpm((SIDE_PX, SIDE_PX), 0.325)
    for ax, data, title in zip(
        axes,
        (camera, dpm, tilted),
        ("image", "DPM: Δz at each pixel", "image on that surface"),
        strict=True,
    ):
        is_dpm = data is dpm
        shown = ax.imshow(
            data,
            cmap="coolwarm" if is_dpm else "gray",
            vmin=None if is_dpm else np.median(camera),
            vmax=None if is_dpm else np.percentile(data, 99.8),
        )
        ax.set(title=title, xticks=[], yticks=[])
        if is_dpm:
            figure.colorbar(shown, ax=ax, label="µm", shrink=0.8)
    figure.savefig(path)


def draw_sign(path: Path) -> None:
    """Draw the planes of a stack, and which of them a positive Δz asks for."""
    figure = Figure(figsize=(7, 3), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.subplots()
    for index, color in enumerate(("0.75", "0.75", "tab:blue", "0.75", "tab:orange")):
        ax.plot([0, 6], [index, index], color=color, lw=5, solid_capstyle="butt")
        ax.text(6.2, index, f"plane {index} of the stack", va="center", color="0.3")
    ax.annotate("", (1.5, 4), (1.5, 2), arrowprops={"arrowstyle": "->", "lw": 2})
    ax.text(1.65, 3.45, "Δz > 0", va="center", fontsize=12)
    ax.text(3, 2.2, "the image that you have", ha="center", color="tab:blue")
    ax.text(3, 4.2, "the wanted plane: a higher index", ha="center", color="tab:orange")
    ax.annotate("", (-0.5, 4.3), (-0.5, -0.3), arrowprops={"arrowstyle": "->", "color": "0.3"})
    ax.text(-0.65, 2, "increasing stage z", rotation=90, ha="right", va="center", color="0.3")
    ax.set(xlim=(-1.3, 9), ylim=(-0.6, 4.8))
    ax.set_axis_off()
    figure.savefig(path)


def main() -> None:
    """Draw all pictures."""
    IMAGES.mkdir(exist_ok=True)
    model = load_model(MODEL)
    stack = model.simulate("filaments", seed=SEED, shape=(SIDE_PX, SIDE_PX), noise="low")
    camera = stack.camera[len(stack.z_um) // 2]
    draw_sweep(IMAGES / "sweep.gif", camera, model.refocus(camera, z=DEPTHS_UM))
    tilt = Tilt(8)
    draw_surface(IMAGES / "surface.png", camera, tilt, model.refocus(camera, dpm=tilt))
    draw_sign(IMAGES / "sign_of_z.png")


if __name__ == "__main__":
    main()
