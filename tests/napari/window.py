"""napari with the plugin in a real window, a sample refocused, and a picture of it.

Run in a process of its own: ``PYTHONPATH=. xvfb-run -a python tests/napari/window.py PICTURE.png``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import napari
import napari.qt
from npe2 import PluginManager, PluginManifest

import deepz_zoo

manager = PluginManager.instance()
if "deepz-zoo" not in manager:  # where the package is not installed, but run from its sources
    manager.register(
        PluginManifest.from_file(Path(deepz_zoo.__file__).parent / "napari" / "napari.yaml")
    )
viewer = napari.Viewer()
viewer.open_sample("deepz-zoo", "beads")
dock, widget = viewer.window.add_plugin_dock_widget("deepz-zoo", "Refocus")
widget.model.value, widget.engine.value = "olympus20x_0.75/TxRd-beads", "torch"
widget.z.value = "-6:6:3"
widget.run.native.click()
while not widget.run.enabled:
    napari.qt.get_qapp().processEvents()
    time.sleep(0.05)
print([layer.name for layer in viewer.layers], viewer.layers[-1].data.shape)
print(widget.said.value)
napari.qt.get_qapp().processEvents()
viewer.window.screenshot(sys.argv[1], canvas_only=False, flash=False)
viewer.close()
