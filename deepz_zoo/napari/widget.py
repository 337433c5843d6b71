"""The dock widget: a model, a layer, where to, and a button."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari.layers
import napari.viewer
from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    FileEdit,
    FloatSpinBox,
    Label,
    LineEdit,
    ProgressBar,
    PushButton,
)
from napari.qt.threading import create_worker
from napari.utils.notifications import show_error, show_warning

from deepz_zoo.dpm import Cylinder, HeightMap, Tilt
from deepz_zoo.errors import DeepZError
from deepz_zoo.napari.layers import layer_image
from deepz_zoo.napari.work import Step, Wish, refocus
from deepz_zoo.optics import list_systems
from deepz_zoo.refocus import parse_depths
from deepz_zoo.zoo import list_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepz_zoo.dpm import Surface

_PLANES, _TILT, _CYLINDER, _MAP = "planes", "tilt", "cylinder", "DPM layer"

# What errors of the package call by the names of arguments.
_LABELS = {
    "clip": "“clip to the trained range”",
    "resample": "“resample” under “other pixel size”",
    "ignore_pixel_size": "“ignore” there",
    "pixel_size_um": "the scale of the layer",
    "um_per_grey_level": "values in µm",
}


class RefocusWidget(Container):  # type: ignore[type-arg]
    """Refocuses the image that a layer shows; the result is a new layer in its place.

    Parameters
    ----------
    viewer
        Whose layers are refocused.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._worker: Any = None
        trained = {manifest.name for manifest in list_models()}
        names = [system.name for system in list_systems() if system.name in trained]
        self.model = ComboBox(label="model", choices=names)
        self.weights = FileEdit(
            label="or package",
            nullable=True,
            filter="*.zip *.safetensors",
            tooltip="A Deep-Z package (.zip) or weights (.safetensors) of your own",
        )
        self.layer = ComboBox(label="layer", choices=self._image_layers)
        self.series = CheckBox(text="all time points (axis before y and x)")
        self.onto = ComboBox(label="onto", choices=[_PLANES, _TILT, _CYLINDER, _MAP])
        self.z = LineEdit(label="z (µm)", value="-10:10:1", tooltip="2.5, or -5,0,5, or -10:10:1")
        self.degrees = FloatSpinBox(label="tilt (°)", min=-89, max=89, step=0.1, value=1.5)
        self.diameter = FloatSpinBox(label="diameter (µm)", min=-1e6, max=1e6, value=7200)
        self.axis = ComboBox(label="along", choices=["y", "x"])
        self.offset = FloatSpinBox(label="at its center (µm)", min=-1e3, max=1e3, step=0.1)
        self.dpm = ComboBox(label="DPM (µm)", choices=self._image_layers)
        self.clip = CheckBox(text="clip to the trained range")
        self.mismatch = ComboBox(label="other pixel size", choices=["refuse", "resample", "ignore"])
        self.engine = ComboBox(label="engine", choices=["auto", "torch", "openvino", "onnxruntime"])
        self.run = PushButton(text="Refocus")
        self.cancel = PushButton(text="Cancel", enabled=False)
        self.progress = ProgressBar(visible=False)
        self.said = Label(value="")
        super().__init__(
            widgets=[
                self.model, self.weights, self.layer, self.series, self.onto, self.z, self.degrees,
                self.diameter, self.axis, self.offset, self.dpm, self.clip, self.mismatch,
                self.engine, self.run, self.cancel, self.progress, self.said,
            ]
        )  # fmt: skip
        self.onto.changed.connect(self._show_fields)
        self.run.changed.connect(self._start)
        self.cancel.changed.connect(self._stop)
        self._show_fields()

    def _image_layers(self, _: object) -> list[napari.layers.Image]:
        return [layer for layer in self._viewer.layers if isinstance(layer, napari.layers.Image)]

    def _show_fields(self) -> None:
        """Show the fields that the kind of target has."""
        kind = self.onto.value
        self.z.visible = kind == _PLANES
        self.degrees.visible = kind == _TILT
        self.diameter.visible = kind == _CYLINDER
        self.axis.visible = kind in (_TILT, _CYLINDER)
        self.offset.visible = kind != _PLANES
        self.dpm.visible = kind == _MAP

    # ------------------------------------------------------------------------------------- work

    def _start(self) -> None:
        try:
            wish = self._wish()
        except DeepZError as error:
            show_error(_with_labels(error))
            return
        self.run.enabled, self.cancel.enabled, self.progress.visible = False, True, True
        self.said.value = "Loading the model …"
        self.progress.max = 0  # until the number of planes is known
        self._worker = create_worker(
            refocus,
            wish,
            _connect={
                "yielded": self._advance,
                "returned": self._add,
                "errored": self._fail,
                "finished": self._rest,
            },
        )

    def _stop(self) -> None:
        self.said.value = "Canceling after this plane …"
        self._worker.quit()

    def _advance(self, step: Step) -> None:
        for line in step.warnings:
            show_warning(f"{_with_labels(line)}.")
        self.progress.max, self.progress.value = step.total, step.done
        self.said.value = f"Plane {step.done} of {step.total}"

    def _add(self, layer: dict[str, Any] | None) -> None:
        if layer is None:  # canceled
            self.said.value = "Canceled"
            return
        self._viewer.add_image(**layer)
        self.said.value = layer["metadata"]["deepz"]

    def _fail(self, error: Exception) -> None:
        self.said.value = ""
        if isinstance(error, DeepZError):
            show_error(_with_labels(error))
        # napari shows any other, with its traceback

    def _rest(self) -> None:
        self.run.enabled, self.cancel.enabled, self.progress.visible = True, False, False
        if self._worker.abort_requested:
            self.said.value = "Canceled"

    # ------------------------------------------------------------------------------------- wish

    def _wish(self) -> Wish:
        """Return what the user has chosen.

        Raises
        ------
        DeepZError
            When something is missing or makes no sense.
        """
        layer = self.layer.value
        if layer is None:
            raise DeepZError("there is no image layer; open an image, or a sample of Deep-Z")
        source = layer_image(layer, self._viewer.dims.point, series=self.series.value)
        target, what = self._target()
        weights = self.weights.value
        return Wish(
            model=self.model.value,
            weights=None if weights is None else Path(str(weights)),
            source=source,
            target=target,
            mismatch=self.mismatch.value,
            clip=self.clip.value,
            engine=self.engine.value,
            name=f"{layer.name} {what}",
        )

    def _target(self) -> tuple[Sequence[float] | Surface, str]:
        """Return where to refocus, and a name for it."""
        kind, axis, offset_um = self.onto.value, self.axis.value, self.offset.value
        if kind == _PLANES:
            return parse_depths(self.z.value), f"z {self.z.value}"
        if kind == _TILT:
            return Tilt(self.degrees.value, axis, offset_um), f"tilt {self.degrees.value:g}°"
        if kind == _CYLINDER:
            return Cylinder(self.diameter.value, axis, offset_um), "cylinder"
        if self.dpm.value is None:
            raise DeepZError("there is no layer with a DPM; add one in µm, as large as the image")
        heights = layer_image(self.dpm.value, self._viewer.dims.point).image.data
        return HeightMap(heights, None, offset_um), f"onto {self.dpm.value.name}"


def _with_labels(message: object) -> str:
    """Return a message of the package with the labels of the widget for its arguments."""
    return re.sub(r"`(\w+)`", lambda found: _LABELS.get(found[1], found[1]), str(message))
