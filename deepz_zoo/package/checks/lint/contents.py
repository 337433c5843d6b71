"""What the rules look at: a description and the files beside it, of any format and any maker."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from deepz_zoo.package.reading.archive import ZIP_DAMAGE
from deepz_zoo.package.reading.untrusted import is_remote, leads_outside, open_array

# No test image comes near it; comparing a larger one with itself would take minutes.
_MAX_TEST_VALUES = 10**8
_MAX_DOCUMENT_BYTES = 2**20
_MAX_RECORD_BYTES = 2**10


class NotApplicable(Exception):  # noqa: N818 - an answer, not an error
    """A rule says nothing about a package; the message is the reason."""


@dataclass(frozen=True)
class TensorDescription:
    """An input or output of a description.

    Attributes
    ----------
    name
        How problems name it, such as ``inputs[0] (raw)``.
    entry
        What the description says of it.
    steps
        Its processing steps: those before the model of an input, those behind it of an output.
    test_source
        Name of the file of its test tensor, if there is one.
    """

    name: str
    entry: Mapping[str, Any]
    steps: tuple[Mapping[str, Any], ...]
    test_source: str | None

    @property
    def axes(self) -> tuple[Mapping[str, Any], ...]:
        """The axes of format 0.5.

        Raises
        ------
        NotApplicable
            In older formats, where axes are letters.
        """
        if isinstance(self.entry.get("axes"), str):
            raise NotApplicable("format 0.4 writes axes as letters")
        return mappings(self.entry.get("axes"))

    @property
    def axis_types(self) -> tuple[str, ...]:
        """``"batch"``, ``"channel"``, ``"space"`` … for each axis, of any format."""
        axes = self.entry.get("axes")
        if isinstance(axes, str):
            letters = {"b": "batch", "c": "channel", "t": "time", "i": "index"}
            return tuple(letters.get(letter, "space") for letter in axes)
        return tuple(str(axis.get("type")) for axis in mappings(axes))

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels, as far as they are given."""
        for axis in self.axes:
            if axis.get("type") == "channel":
                return tuple(str(name) for name in items(axis.get("channel_names")))
        return ()


class Contents:
    """A package, read without running anything of it.

    Parameters
    ----------
    description
        What `deepz_zoo.package.reading.untrusted.read_description` returned; valid or not.
    folder
        The unpacked package.
    """

    def __init__(self, description: Mapping[str, Any], folder: Path) -> None:
        self.description = description
        self.folder = folder

    @property
    def inputs(self) -> tuple[TensorDescription, ...]:
        """The input tensors."""
        return self._tensors("inputs", "preprocessing", "test_inputs")

    @property
    def outputs(self) -> tuple[TensorDescription, ...]:
        """The output tensors."""
        return self._tensors("outputs", "postprocessing", "test_outputs")

    @property
    def tensors(self) -> tuple[TensorDescription, ...]:
        """Inputs and outputs."""
        return self.inputs + self.outputs

    def _tensors(self, side: str, steps: str, test_files: str) -> tuple[TensorDescription, ...]:
        # format 0.4 lists the test files apart from the tensors
        files = items(self.description.get(test_files))
        tensors = []
        for index, entry in enumerate(mappings(self.description.get(side))):
            name = entry.get("id") or entry.get("name")
            test = entry.get("test_tensor") or (files[index] if index < len(files) else None)
            label = f"{side}[{index}]" + (f" ({name})" if name else "")
            processing = mappings(entry.get(steps))
            tensors.append(TensorDescription(label, entry, processing, source_of(test)))
        return tuple(tensors)

    @property
    def weights(self) -> dict[str, Mapping[str, Any]]:
        """The entries of the weight formats."""
        weights = self.description.get("weights")
        found = weights.items() if isinstance(weights, Mapping) else ()
        return {str(name): entry for name, entry in found if isinstance(entry, Mapping)}

    @property
    def deepz(self) -> Mapping[str, Any]:
        """What the description says of a Deep-Z model.

        Raises
        ------
        NotApplicable
            If it is no Deep-Z model.
        """
        config = self.description.get("config")
        deepz = config.get("deepz") if isinstance(config, Mapping) else None
        if not isinstance(deepz, Mapping):
            raise NotApplicable("not a Deep-Z package")
        return deepz

    def file(self, source: str | None) -> Path | None:
        """Return the path of a file of the package, or None where it is not in there."""
        if source is None or is_remote(source) or leads_outside(source):
            return None
        return path if (path := self.folder / source).is_file() else None

    def test_array(self, tensor: TensorDescription) -> np.ndarray[Any, Any]:
        """Return the test tensor of a tensor.

        Raises
        ------
        NotApplicable
            If there is none in the package, or it is no image but something huge.
        """
        path = self.file(tensor.test_source)
        if path is None or path.suffix.lower() != ".npy":
            raise NotApplicable(f"{tensor.name} has no test tensor in the package")
        array = open_array(path)
        if not 0 < array.size <= _MAX_TEST_VALUES:
            raise NotApplicable(f"{path.name} holds {array.size} values")
        return array

    @cached_property
    def documentation(self) -> str:
        """The text of the documentation.

        Raises
        ------
        NotApplicable
            If there is none in the package.
        """
        path = self.file(source_of(self.description.get("documentation")))
        if path is None or path.stat().st_size > _MAX_DOCUMENT_BYTES:
            raise NotApplicable("there is no documentation in the package")
        return path.read_text(encoding="utf-8", errors="replace")

    @cached_property
    def onnx(self) -> Any:
        """The ONNX model without its external data.

        Raises
        ------
        NotApplicable
            If there is none in the package, or it is damaged.
        """
        import onnx

        path = self._weights_file("onnx")
        try:
            # without the format, the suffix of an untrusted file would choose the parser
            return onnx.load(path, format="protobuf", load_external_data=False)
        except Exception as error:  # protobuf's, which differ between its implementations
            raise NotApplicable(f"{path.name} cannot be read as ONNX") from error

    def torchscript_record(self, name: str) -> bytes | None:
        """Return a small record of the TorchScript file, or None where the file has none.

        Raises
        ------
        NotApplicable
            If there are no TorchScript weights in the package, or they are damaged.
        """
        path = self._weights_file("torchscript")
        try:
            with zipfile.ZipFile(path) as archive:
                for member in archive.infolist():
                    record = member.filename.partition("/")[2]
                    if record == name and member.file_size <= _MAX_RECORD_BYTES:
                        return archive.read(member)
        except (OSError, *ZIP_DAMAGE) as error:
            raise NotApplicable(f"{path.name} cannot be read as TorchScript") from error
        return None

    def _weights_file(self, weight_format: str) -> Path:
        entry = self.weights.get(weight_format)
        if entry is None:
            raise NotApplicable(f"there are no {weight_format} weights")
        path = self.file(source_of(entry))
        if path is None:
            raise NotApplicable(f"the {weight_format} weights are not in the package")
        return path


def items(value: Any) -> list[Any]:
    """Return what should be a list, or an empty one."""
    return value if isinstance(value, list) else []


def mappings(value: Any) -> tuple[Mapping[str, Any], ...]:
    """Return the mappings in what should be a list of them."""
    return tuple(item for item in items(value) if isinstance(item, Mapping))


def source_of(value: Any) -> str | None:
    """Return the name of a file, which some formats write plainly and others in a mapping."""
    if isinstance(value, Mapping):
        value = value.get("source")
    return value if isinstance(value, str) else None
