"""Rules on the tensors: how many, their axes and sizes, their processing and their test images."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.package.checks.lint.contents import Contents, NotApplicable, TensorDescription
from deepz_zoo.package.checks.lint.rule import rule
from deepz_zoo.package.contents.variants import DPM_CHANNEL

LARGEST_INPUT = 50_331_648  # 3 · 2²⁴ values

_REFUSED_STEPS = ("softmax", "custom", "scale_mean_variance")


@rule(
    "there is one input tensor",
    "deepimagej",
    "ilastik",
    symptom="both refuse the model; deepImageJ's runner cuts the second input into tiles of 1×1",
    fix="stack the inputs as channels of one tensor",
)
def _one_input(package: Contents) -> Iterator[str]:
    if len(package.inputs) != 1:
        yield f"there are {len(package.inputs)}: {_names(package.inputs)}"


@rule(
    "there is one output tensor",
    "ilastik",
    symptom="ilastik refuses the model",
    fix="stack the outputs as channels of one tensor",
)
def _one_output(package: Contents) -> Iterator[str]:
    if len(package.outputs) != 1:
        yield f"there are {len(package.outputs)}: {_names(package.outputs)}"


@rule(
    "the output has a channel axis",
    "ilastik",
    symptom="ilastik refuses the model",
    fix="return (batch, 1, y, x), not (batch, y, x)",
)
def _channel_of_output(package: Contents) -> Iterator[str]:
    for tensor in package.outputs:
        if "channel" not in tensor.axis_types:
            yield f"{tensor.name} has {', '.join(tensor.axis_types) or 'no axes'}"


@rule(
    "space axes have an id",
    "deepimagej",
    symptom="the model is refused",
    fix="write id: y and id: x",
)
def _ids_of_axes(package: Contents) -> Iterator[str]:
    for place, axis in _axes(package.tensors, "space"):
        if not axis.get("id"):
            yield f"{place} has none"


@rule(
    "channel axes name their channels",
    "deepimagej",
    symptom="NullPointerException, the model is not loaded",
    fix="write channel_names: [...] for each channel axis",
)
def _names_of_channels(package: Contents) -> Iterator[str]:
    for place, axis in _axes(package.tensors, "channel"):
        if not axis.get("channel_names"):
            yield f"{place} has no channel_names"


@rule(
    "the axes of a Deep-Z model are batch, channel, y, x",
    "deepimagej",
    "ilastik",
    "bioimageio",
    symptom="channels or slices are misread",
    fix="write the axes in this order, for input and output",
)
def _order_of_axes(package: Contents) -> Iterator[str]:
    _ = package.deepz
    for tensor in package.tensors:
        found = [str(axis.get("id") or axis.get("type")) for axis in tensor.axes]
        if found != ["batch", "channel", "y", "x"]:
            yield f"{tensor.name} has {', '.join(found)}"


@rule(
    "axes are not scaled",
    "deepimagej",
    symptom="the size of the output is multiplied by the pixel size",
    fix="leave scale out and keep the pixel size in config",
)
def _scale_of_axes(package: Contents) -> Iterator[str]:
    for place, axis in _axes(package.tensors, "space"):
        if axis.get("scale", 1) != 1:
            yield f"{place} has scale {axis['scale']}"


@rule(
    "the smallest size is a multiple of the step",
    "deepimagej",
    symptom='"Invalid tile size" for every image',
    fix="choose a min that is a multiple of step, or step 1",
)
def _min_of_sizes(package: Contents) -> Iterator[str]:
    for place, smallest, step in _steps(package):
        if smallest % step:
            yield f"{place} has min {smallest}, step {step}"


@rule(
    "the step of sizes is 1",
    "deepimagej",
    symptom="an image of another size costs four nearly full tiles",
    fix="pad and crop inside the model and write step: 1",
    advice=True,
)
def _step_of_sizes(package: Contents) -> Iterator[str]:
    for place, _, step in _steps(package):
        if step != 1:
            yield f"{place} has step {step}"


@rule(
    "the smallest input is not too large for deepImageJ",
    "deepimagej",
    symptom=f"more than {LARGEST_INPUT / 1e6:.1f} million input values end in an endless loop",
    fix="let the size vary, or make it smaller",
)
def _smallest_input(package: Contents) -> Iterator[str]:
    for tensor in package.inputs:
        values = 1
        for axis in tensor.axes:
            values *= _smallest_size(axis)
        if values > LARGEST_INPUT:
            yield f"{tensor.name} has at least {values / 1e6:.1f} million values"


@rule(
    "deepImageJ knows the processing steps",
    "deepimagej",
    symptom="the model is refused",
    fix=f"do without {', '.join(_REFUSED_STEPS)}: compute inside the model",
)
def _known_steps(package: Contents) -> Iterator[str]:
    for tensor, name, _ in _processing(package):
        if name in _REFUSED_STEPS:
            yield f"{tensor.name} has {name}"


@rule(
    "linear scaling is the same for all channels",
    "deepimagej",
    symptom="the gain of the first channel is used for every channel",
    fix="scale inside the model, or by one gain",
)
def _one_gain(package: Contents) -> Iterator[str]:
    for tensor, name, kwargs in _processing(package):
        values = [kwargs.get(key) for key in ("gain", "offset")]
        if name == "scale_linear" and any(isinstance(v, list) and len(v) > 1 for v in values):
            yield f"{tensor.name} has scale_linear by channel"


@rule(
    "the DPM is in µm",
    "bioimageio",
    symptom="nothing tells a program that the DPM holds lengths",
    fix="describe the data of each channel, with unit: µm for the DPM",
)
def _unit_of_dpm(package: Contents) -> Iterator[str]:
    tensor, channel = _dpm_channel(package)
    data = tensor.entry.get("data")
    described = data[channel] if isinstance(data, list) and channel < len(data) else data
    unit = described.get("unit") if isinstance(described, Mapping) else None
    if unit != "µm":
        yield f"its unit is {unit!r}"


@rule(
    "processing leaves the DPM alone",
    "deepimagej",
    "ilastik",
    "bioimageio",
    symptom="normalizing over y and x turns a constant DPM into 0: every plane is the same",
    fix="leave preprocessing and postprocessing empty: the model normalizes inside",
)
def _no_processing(package: Contents) -> Iterator[str]:
    _ = package.deepz
    for tensor, name, _ in _processing(package):
        if name != "ensure_dtype":
            yield f"{tensor.name} has {name}"


@rule(
    "channels of the test image vary",
    "bioimageio",
    symptom="a test with a constant channel cannot reveal that it is ignored or swapped",
    fix="test with an image that varies in every channel",
    advice=True,
)
def _varying_channels(package: Contents) -> Iterator[str]:
    for tensor, array in _test_images(package):
        if "channel" not in tensor.axis_types[: array.ndim]:
            continue
        index = tensor.axis_types.index("channel")
        for channel, values in enumerate(np.moveaxis(array, index, 0)):
            if values.min() == values.max():
                yield f"channel {channel} of {tensor.name} is {values.min():g} throughout"


@rule(
    "the test image has no symmetry",
    "bioimageio",
    symptom="a test with such an image cannot reveal axes that are mirrored or exchanged",
    fix="test with an image that differs from its mirror images and, if square, its transpose",
    advice=True,
)
def _asymmetric_image(package: Contents) -> Iterator[str]:
    for tensor, array in _test_images(package):
        space = [
            index for index, kind in enumerate(tensor.axis_types[: array.ndim]) if kind == "space"
        ]
        if np.all(array == array.flat[0]):
            yield f"{tensor.name} is constant"
            continue
        for axis in space:
            if np.array_equal(array, np.flip(array, axis)):
                yield f"{tensor.name} is its own mirror image along {_axis_name(tensor, axis)}"
        for one, two in itertools.combinations(space, 2):
            if np.array_equal(array, np.swapaxes(array, one, two)):
                exchanged = f"{_axis_name(tensor, one)} and {_axis_name(tensor, two)}"
                yield f"{tensor.name} stays the same when {exchanged} are exchanged"


@rule(
    "the test DPM is tilted and not zero",
    "bioimageio",
    symptom="a test with a flat DPM cannot reveal that it is ignored, transposed or normalized",
    fix="test with a DPM that rises along y and along x",
)
def _tilted_dpm(package: Contents) -> Iterator[str]:
    tensor, channel = _dpm_channel(package)
    array = package.test_array(tensor)
    if array.ndim != 4:
        raise NotApplicable(f"the test input has {array.ndim} axes")
    surface = array[0, channel]
    for axis, name in enumerate("yx"):
        if np.ptp(surface, axis=axis).max() == 0:
            yield f"it is constant along {name}"


@rule(
    "every tensor has a sample",
    "bioimageio",
    symptom="the model's page shows no image that people can open",
    fix="add sample_tensor with a TIFF or PNG file",
    advice=True,
)
def _samples(package: Contents) -> Iterator[str]:
    if package.description.get("sample_inputs"):
        return  # as format 0.4 writes them
    for tensor in package.tensors:
        if not tensor.entry.get("sample_tensor"):
            yield f"{tensor.name} has no sample_tensor"


def _names(tensors: Sequence[TensorDescription]) -> str:
    return ", ".join(tensor.name for tensor in tensors) or "none"


def _axes(
    tensors: Sequence[TensorDescription], kind: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the axes of one type, each with its place."""
    for tensor in tensors:
        for index, axis in enumerate(tensor.axes):
            if axis.get("type") == kind:
                yield f"{tensor.name} axis {axis.get('id') or index}", axis


def _axis_name(tensor: TensorDescription, index: int) -> str:
    axes = tensor.entry.get("axes")
    axis = axes[index] if isinstance(axes, str | list) else None
    return str(axis.get("id") or index) if isinstance(axis, Mapping) else str(axis)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _dpm_channel(package: Contents) -> tuple[TensorDescription, int]:
    """Return the input of a Deep-Z model with the index of its DPM channel."""
    _ = package.deepz
    for tensor in package.inputs:
        if DPM_CHANNEL in tensor.channels:
            return tensor, tensor.channels.index(DPM_CHANNEL)
    raise NotApplicable("no input has a DPM channel")


def _steps(package: Contents) -> Iterator[tuple[str, int, int]]:
    """Yield the place, the smallest value and the step of every size of an input that varies."""
    for place, axis in _axes(package.inputs, "space"):
        size = axis.get("size")
        if isinstance(size, Mapping) and _is_whole(size.get("min")) and _is_whole(size.get("step")):
            yield place, size["min"], size["step"]


def _smallest_size(axis: Mapping[str, Any]) -> int:
    size = axis.get("size")
    if isinstance(size, Mapping):
        size = size.get("min")
    if axis.get("type") == "channel" and isinstance(axis.get("channel_names"), list):
        size = len(axis["channel_names"])
    return size if _is_whole(size) else 1  # type: ignore[return-value]


def _processing(package: Contents) -> Iterator[tuple[TensorDescription, str, Mapping[str, Any]]]:
    """Yield the tensor, the name and the arguments of every processing step."""
    for tensor in package.tensors:
        for step in tensor.steps:
            kwargs = step.get("kwargs")
            # format 0.4 calls the id of a step its name
            name = str(step.get("id") or step.get("name"))
            yield tensor, name, kwargs if isinstance(kwargs, Mapping) else {}


def _test_images(package: Contents) -> Iterator[tuple[TensorDescription, NDArray[Any]]]:
    """Yield the inputs that are images, with their test tensors."""
    for tensor in package.inputs:
        if tensor.axis_types.count("space") >= 2:
            yield tensor, package.test_array(tensor)


RULES = (
    _one_input,
    _one_output,
    _channel_of_output,
    _ids_of_axes,
    _names_of_channels,
    _order_of_axes,
    _scale_of_axes,
    _min_of_sizes,
    _step_of_sizes,
    _smallest_input,
    _known_steps,
    _one_gain,
    _unit_of_dpm,
    _no_processing,
    _varying_channels,
    _asymmetric_image,
    _tilted_dpm,
    _samples,
)
