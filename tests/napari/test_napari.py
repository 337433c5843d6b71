"""The widget gives what the library gives, in the place of the layer that it was made from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("napari", reason="pip install 'deepz-zoo[napari]' PyQt6 pytest-qt")
pytest.importorskip("pytestqt", reason="pip install pytest-qt PyQt6")

from napari.utils.notifications import notification_manager

import deepz_zoo
from deepz_zoo.dpm import Cylinder, Tilt
from deepz_zoo.models import load_model
from deepz_zoo.napari.widget import RefocusWidget
from deepz_zoo.refocus import refocus_image

MODEL = "leica20x_0.8/TxRd"

pytestmark = pytest.mark.slow


@pytest.fixture
def camera() -> np.ndarray:
    random = np.random.default_rng(3)
    return random.poisson(100 + 40 * random.gamma(0.3, 9, (48, 64))).astype(np.uint16)


@pytest.fixture
def widget(viewer) -> RefocusWidget:
    made = RefocusWidget(viewer)
    made.model.value, made.engine.value = MODEL, "torch"
    return made


@pytest.fixture
def said():
    """Return the messages that napari has shown since the test began."""
    before = len(notification_manager.records)
    return lambda: [str(record.message) for record in list(notification_manager.records)[before:]]


def add(viewer, widget, data, **properties):
    """Add a layer, choose it, and return it."""
    layer = viewer.add_image(data, **properties)
    widget.reset_choices()
    widget.layer.value = layer
    return layer


def refocused(viewer, widget, qtbot):
    """Press the button, wait, and return the layer that was made."""
    with qtbot.waitSignal(start(widget).finished, timeout=60_000):
        pass
    qtbot.waitUntil(lambda: widget.run.enabled)
    return viewer.layers[-1]


def start(widget):
    widget.run.native.click()
    return widget._worker


def test_planes_lie_where_the_stage_would_show_them(viewer, widget, qtbot, camera):
    add(viewer, widget, camera, name="cells", scale=(0.325, 0.325), units="um", translate=(5, 7))
    widget.z.value = "-1:2:0.5"
    made = refocused(viewer, widget, qtbot)
    model, _ = load_model(MODEL)
    right = refocus_image(model, camera, [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(made.data, right, atol=1e-4 * right.max())
    np.testing.assert_allclose(made.scale, (0.5, 0.325, 0.325))
    np.testing.assert_allclose(made.translate, (-1, 5, 7))
    assert {str(unit) for unit in made.units} == {"micrometer"}
    assert made.metadata["model"] == MODEL


def test_plane_of_a_stack_in_nanometers(viewer, widget, qtbot, camera):
    stack = np.stack([camera[::-1], camera, camera[:, ::-1]])
    add(viewer, widget, stack, scale=(2000, 325, 325), units="nm", translate=(1000, 0, 0))
    viewer.dims.set_current_step(0, 1)
    widget.z.value = "4"
    made = refocused(viewer, widget, qtbot)
    model, _ = load_model(MODEL)
    right = refocus_image(model, camera, 4.0)
    np.testing.assert_allclose(made.data[0], right, atol=1e-4 * right.max())
    # plane 1 lies at 3 µm, the wanted one 4 µm above
    assert (made.translate[0], str(made.units[0])) == (7000, "nanometer")


def test_time_series(viewer, widget, qtbot, camera):
    series = np.stack([camera, camera[::-1]])
    add(viewer, widget, series, scale=(1, 0.325, 0.325), units=("s", "um", "um"))
    widget.series.value, widget.z.value = True, "0,2"
    made = refocused(viewer, widget, qtbot)
    assert made.data.shape == (2, 2, 48, 64)
    right = refocus_image(load_model(MODEL)[0], camera[::-1], 2.0)
    np.testing.assert_allclose(made.data[1, 1], right, atol=1e-4 * right.max())
    assert [str(unit) for unit in made.units] == ["second", "micrometer"] + 2 * ["micrometer"]


@pytest.mark.parametrize("kind", ["tilt", "cylinder", "DPM layer"])
def test_surfaces(viewer, widget, qtbot, camera, kind):
    surface = Cylinder(5000, "x", 1) if kind == "cylinder" else Tilt(4, "x", 1)
    dpm = surface.dpm(camera.shape, 0.325)
    if kind == "DPM layer":
        viewer.add_image(dpm - np.float32(1), name="dpm")
    add(viewer, widget, camera, scale=(0.325, 0.325), units="um")
    widget.onto.value, widget.axis.value, widget.offset.value = kind, "x", 1
    widget.degrees.value, widget.diameter.value = 4, 5000
    if kind == "DPM layer":
        widget.dpm.value = viewer.layers["dpm"]
    made = refocused(viewer, widget, qtbot)
    right = refocus_image(load_model(MODEL)[0], camera, dpm)
    np.testing.assert_allclose(made.data, right, atol=1e-4 * right.max())
    np.testing.assert_allclose(made.scale, (0.325, 0.325))


def test_package_of_a_user(viewer, widget, qtbot, camera, built):
    add(viewer, widget, camera, scale=(0.325, 0.325), units="um")
    widget.weights.value, widget.z.value = built, "1"
    made = refocused(viewer, widget, qtbot)
    right = refocus_image(load_model(built)[0], camera, 1.0)
    np.testing.assert_allclose(made.data[0], right, atol=1e-4 * np.abs(right).max())


def test_layer_without_units_is_warned_of_and_stays_in_place(viewer, widget, qtbot, camera, said):
    add(viewer, widget, camera)
    widget.z.value = "0,3.25"
    made = refocused(viewer, widget, qtbot)
    assert any("assuming the model's 0.325 µm" in line for line in said())
    np.testing.assert_allclose(made.scale, (10, 1, 1))  # in pixels of the layer


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"z": "-20:20:1"}, "stay inside, or set “clip to the trained range”"),
        ({"z": "up"}, "expected a number"),
        ({"z": "0,1,3"}, "not equally spaced"),
        ({"layer": {"scale": (0.5, 0.5), "units": "um"}}, "use “resample” under"),
        ({"layer": {"scale": (0.5, 0.3), "units": "um"}}, "expected square ones"),
        ({"onto": "DPM layer"}, "the height map is|the height map holds"),
        ({"series": True}, "no axis before y and x"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(viewer, widget, qtbot, camera, said, change, line):
    properties = change.pop("layer", {"scale": (0.325, 0.325), "units": "um"})
    add(viewer, widget, camera, **properties)
    for name, value in change.items():
        getattr(widget, name).value = value
    start(widget)
    qtbot.waitUntil(lambda: bool(said()) and widget.run.enabled, timeout=30_000)
    assert any(part in text for part in line.split("|") for text in said())
    assert len(viewer.layers) == 1


def test_no_layer(widget, said):
    start(widget)
    assert said() == ["there is no image layer; open an image, or a sample of Deep-Z"]


def test_cancel_leaves_no_layer(viewer, widget, qtbot, camera):
    add(viewer, widget, np.tile(camera, (4, 4)), scale=(0.325, 0.325), units="um")
    widget.z.value = "-10:10:0.05"
    worker = start(widget)
    qtbot.waitUntil(lambda: widget.progress.value >= 1, timeout=60_000)
    with qtbot.waitSignal(worker.finished, timeout=60_000):
        widget.cancel.native.click()
    qtbot.waitUntil(lambda: widget.run.enabled)
    assert len(viewer.layers) == 1
    assert widget.said.value == "Canceled"


def test_manifest_is_valid_and_what_it_names_exists():
    from npe2 import PluginManifest

    path = Path(deepz_zoo.__file__).parent / "napari" / "napari.yaml"
    validate = [sys.executable, "-m", "npe2", "validate", str(path)]
    done = subprocess.run(validate, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = PluginManifest.from_file(path)
    for command in manifest.contributions.commands:
        assert callable(command.python_name and _import(command.python_name))


def _import(python_name: str) -> object:
    import importlib

    module, _, name = python_name.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("name", ["beads", "worm"])
def test_samples_are_calibrated(viewer, name):
    from deepz_zoo.napari import samples

    ((data, properties, kind),) = getattr(samples, name)()
    assert kind == "image"
    layer = viewer.add_image(data, **properties)
    assert layer.ndim == 2
    np.testing.assert_allclose(layer.scale, 0.325)
    assert str(layer.units[0]) == "micrometer"
