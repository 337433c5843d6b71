"""Use the macros in ImageJ's windows as a user does, and take pictures: ``python docs/fiji.py``.

Writes ``fiji_*.png`` beside itself, or into the folder that the first word names (the second is the
side of the image in px), and prints the resulting state as JSON. Needs a display (``xvfb-run -a
python docs/fiji.py`` makes one), ImageJ's ij.jar and the program deepz-zoo beside this Python.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deepz_zoo.fiji import find_imagej, start_imagej
from deepz_zoo.fiji.conversion import to_imageplus
from deepz_zoo.fiji.macro_files import macros_folder
from deepz_zoo.images import Image as Pixels
from deepz_zoo.optics import get_system
from deepz_zoo.simulate import simulate_stack

HERE = Path(__file__).parent
SYSTEM = "leica20x_0.8/TxRd"
DEPTHS = "-6:6:2"
TIMEOUT_S = 240.0
PLUGINS_MENU = (320, 12)
"""Where the menu Plugins lies when ImageJ's window is in the corner of the screen, in px."""
MENU_AREA = (285, 0, 400, 250)
"""What of the screen the picture of that menu shows: left, top, width, height in px."""


class Desktop:
    """ImageJ on a display, with the macros in its menu Plugins > Deep-Z."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(macros_folder(), folder / "plugins" / "Deep-Z")
        installation = replace(find_imagej(), plugins=folder / "plugins")
        self.imagej = start_imagej(installation, window=True)
        self.java = self.imagej.java_class
        self.java("ij.Prefs").set("deepz.program", str(Path(sys.executable).with_name("deepz-zoo")))
        self.window = self.java("ij.ImageJ")()
        self.recorder = self.java("ij.plugin.frame.Recorder")()

    def choose(self, label: str) -> None:
        """Choose a command of the menu Plugins > Deep-Z."""
        bar = self.java("ij.Menus").getMenuBar()
        menus = [bar.getMenu(i) for i in range(bar.getMenuCount())]
        plugins = next(menu for menu in menus if menu.getLabel() == "Plugins")
        items = [plugins.getItem(i) for i in range(plugins.getItemCount())]
        deepz = next(item for item in items if item.getLabel() == "Deep-Z")
        entry = next(
            item
            for item in (deepz.getItem(i) for i in range(deepz.getItemCount()))
            if item.getLabel() == label
        )
        event = self.java("java.awt.event.ActionEvent")
        self.window.actionPerformed(event(entry, event.ACTION_PERFORMED, label))

    def dialog(self, title: str) -> Any:
        """Return the dialog of this title, once it is open."""

        def find() -> Any:
            return next((dialog for dialog in self.dialogs() if dialog.getTitle() == title), None)

        return self.wait_for(find, f"the dialog {title}")

    def dialogs(self) -> list[Any]:
        """Return the dialogs and messages that are open."""
        dialog = self.java("java.awt.Dialog")
        windows = self.java("java.awt.Window").getWindows()
        return [window for window in windows if window.isShowing() and isinstance(window, dialog)]

    def wait_for(self, find: Callable[[], Any], what: str) -> Any:
        """Return what a function finds, as soon as it does; a message instead is an error."""
        end = time.monotonic() + TIMEOUT_S
        while (found := find()) is None:
            for dialog in self.dialogs():
                if dialog.getClass().getSimpleName() == "MessageDialog":
                    raise RuntimeError(f"ImageJ shows a message instead of {what}")
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not appear within {TIMEOUT_S:g} s")
            time.sleep(0.1)
        return found

    def press(self, dialog: Any, button: int) -> None:
        """Press OK (0) or Cancel (1)."""
        pressed = dialog.getButtons()[button]
        event = self.java("java.awt.event.ActionEvent")
        dialog.actionPerformed(event(pressed, event.ACTION_PERFORMED, pressed.getLabel()))

    def open_image(self, title: str) -> Any:
        """Return the image of this title, once it is open."""
        images = self.java("ij.WindowManager")
        return self.wait_for(lambda: images.getImage(title), f"the image {title}")

    def picture(self, *windows: Any) -> Image.Image:
        """Return a picture of the part of the screen that windows cover."""
        bounds = [window.getBounds() for window in windows]
        left, top = min(b.x for b in bounds), min(b.y for b in bounds)
        right = max(b.x + b.width for b in bounds)
        bottom = max(b.y + b.height for b in bounds)
        return self.screenshot(left, top, right - left, bottom - top)

    def screenshot(self, left: int, top: int, width: int, height: int) -> Image.Image:
        """Return a picture of a part of the screen."""
        time.sleep(1.0)  # until it is drawn
        area = self.java("java.awt.Rectangle")(left, top, width, height)
        path = Path(tempfile.mkdtemp()) / "screen.png"
        shot = self.java("java.awt.Robot")().createScreenCapture(area)
        self.java("javax.imageio.ImageIO").write(shot, "png", self.java("java.io.File")(str(path)))
        with Image.open(path) as image:
            picture: Image.Image = image.convert("RGB")
        return picture


def out_of_focus(side_px: int) -> Pixels:
    """Return a simulated image of nuclei, some µm above most of them."""
    system = get_system(SYSTEM)
    stack = simulate_stack(system, "nuclei", seed=3, noise="low", shape=(side_px, side_px))
    plane = stack.camera[int(np.abs(stack.z_um - 4).argmin())]
    return Pixels(np.asarray(plane), "yx", pixel_size_um=system.pixel_size_um)


def refocus(desktop: Desktop, pixels: Pixels, folder: Path) -> dict[str, Any]:
    """Refocus an image by the menu, take pictures, and return what ImageJ has then."""
    image = to_imageplus(desktop.imagej, pixels, title="nuclei.tif")
    image.changes = True
    image.show()
    desktop.choose("Deep-Z Refocus")
    dialog = desktop.dialog("Deep-Z Refocus")
    dialog.getStringFields()[0].setText(DEPTHS)
    dialog.setLocation(20, 320)
    desktop.picture(dialog).save(folder / "fiji_dialog.png", optimize=True)
    desktop.press(dialog, 0)

    result = desktop.open_image("nuclei_refocused")
    image.getWindow().setLocation(20, 320)
    result.getWindow().setLocation(40 + image.getWindow().getWidth(), 320)
    result.setSlice(3)
    windows = (image.getWindow(), result.getWindow())
    desktop.picture(*windows).save(folder / "fiji_result.png", optimize=True)
    calibration = result.getCalibration()
    return {
        "unit": str(calibration.getUnit()),
        "pixel_size_um": float(calibration.pixelWidth),
        "z_step_um": float(calibration.pixelDepth),
        "z_origin": float(calibration.zOrigin),
        "labels": [str(result.getStack().getSliceLabel(i + 1)) for i in range(result.getNSlices())],
        "recorded": str(desktop.recorder.getText()),
        "changed": bool(image.changes),
        "image": str(image.getTitle()),
    }


def look_at_menu(desktop: Desktop, path: Path) -> None:
    """Take a picture of the menu Plugins > Deep-Z, and close it."""
    robot, key = desktop.java("java.awt.Robot")(), desktop.java("java.awt.event.KeyEvent")
    button = desktop.java("java.awt.event.InputEvent").BUTTON1_DOWN_MASK
    desktop.window.setLocation(0, 0)
    desktop.recorder.setLocation(0, 700)
    robot.setAutoDelay(300)
    robot.mouseMove(*PLUGINS_MENU)
    robot.mousePress(button)
    robot.mouseRelease(button)
    for code in (key.VK_UP, key.VK_RIGHT):  # the last entry of the menu, and its own menu
        robot.keyPress(code)
        robot.keyRelease(code)
    desktop.screenshot(*MENU_AREA).save(path, optimize=True)
    for _ in range(3):
        robot.keyPress(key.VK_ESCAPE)
        robot.keyRelease(key.VK_ESCAPE)


def look_at(desktop: Desktop, command: str, path: Path) -> None:
    """Take a picture of the dialog of a command, and cancel it."""
    desktop.choose(command)
    dialog = desktop.dialog(command)
    dialog.setLocation(20, 320)
    desktop.picture(dialog).save(path, optimize=True)
    desktop.press(dialog, 1)


def main() -> None:
    """Take the pictures and print the resulting state."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    pixels = out_of_focus(int(sys.argv[2]) if len(sys.argv) > 2 else 256)
    with tempfile.TemporaryDirectory() as temporary:
        desktop = Desktop(Path(temporary))
        look_at_menu(desktop, folder / "fiji_menu.png")
        facts = refocus(desktop, pixels, folder)
        look_at(desktop, "Deep-Z Refocus Surface", folder / "fiji_surface.png")
        look_at(desktop, "Deep-Z Make DPM", folder / "fiji_make_dpm.png")
    print(json.dumps(facts), flush=True)
    os._exit(0)  # open windows would keep Java alive


if __name__ == "__main__":
    main()
