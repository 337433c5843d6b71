"""Which weight formats of a package can be run without running an untrusted program.

The architecture of a state dict is Python source in the package, or any importable function that
the description names; a processing step can be Python source too; Keras and TensorFlow files may
carry code; and TorchScript knows operators that write files. bioimageio.core runs all of that.
Here it happens only when the user says so, or where the source is the one that deepz-zoo itself
writes into packages. ONNX files and ordinary TorchScript hold nothing but computations.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.package.contents.architecture import CALLABLE, architecture_source
from deepz_zoo.package.reading.archive import ZIP_DAMAGE
from deepz_zoo.package.reading.onnx_file import external_files
from deepz_zoo.package.reading.untrusted import leads_outside

# What accesses files in the serialized source of TorchScript: operators of torch, `getattr` with a
# name that is not spelled out, and classes in C++ other than the weights of quantized layers. A
# name alone counts, as a comment may stand before its parenthesis.
_FILE_OPERATORS = re.compile(
    rb"\b(save|from_file|load_tensor|torch\.classes\.(?!quantized\b)\w+"
    rb'|getattr(?!\([\w.]+, "[^"\\]*"\)))\b'
)
_MAX_SOURCE_BYTES = 64 * 2**20


def programs_in(
    description: Mapping[str, Any], folder: Path, present: Sequence[str]
) -> dict[str, str]:
    """Return the weight formats that would run an untrusted program, and what that is.

    Parameters
    ----------
    description
        Of format 0.4 or 0.5, valid or not.
    folder
        The unpacked package.
    present
        Names of the weight formats that are about to be run.

    Returns
    -------
    dict
        From the name of a weight format to the reason, a phrase; formats without one are missing.
    """
    weights = description.get("weights")
    formats = weights if isinstance(weights, Mapping) else {}
    processing = next(_custom_processing(description), None)
    found = {}
    for name in present:
        entry = formats.get(name)
        if not isinstance(entry, Mapping):
            # bioimageio.spec reads old descriptions, where the same weights had other names
            found[name] = "its description is of an old form, which is not looked through"
        elif reason := processing or _program_of(name, entry, folder):
            found[name] = reason
    return found


def refuse_harmful_weights(description: Mapping[str, Any], folder: Path) -> None:
    """Raise DeepZError where the weights of a package may be malicious.

    Parameters
    ----------
    description
        Of format 0.4 or 0.5, valid or not.
    folder
        The unpacked package.

    Raises
    ------
    DeepZError
        If a state dict holds more than tensors, or an ONNX file wants weights from outside the
        package.
    """
    if path := _weights_file(description, "pytorch_state_dict", folder):
        refuse_pickled_objects(path)
    if path := _weights_file(description, "onnx", folder):
        try:
            external = external_files(path)
        except DeepZError:
            return  # the engine says what is wrong with it
        for name in external:
            if leads_outside(name):
                raise DeepZError(
                    f"{path.name} wants weights from {name!r}, which lies outside the package; do "
                    "not use a package from this source"
                )


def _weights_file(description: Mapping[str, Any], name: str, folder: Path) -> Path | None:
    weights = description.get("weights")
    entry = weights.get(name) if isinstance(weights, Mapping) else None
    source = entry.get("source") if isinstance(entry, Mapping) else None
    if not isinstance(source, str) or leads_outside(source):
        return None
    return path if (path := folder / source).is_file() else None


def refuse_pickled_objects(path: Path) -> None:
    """Raise DeepZError where a state dict holds more than tensors.

    Such a file runs whatever it names when it is unpickled. It is read with torch's restricted
    reader, which knows tensors and containers only, and without taking memory for the tensors.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.load(path, map_location="meta", weights_only=True)
    except Exception as error:  # whatever a damaged or a forged pickle provokes
        # torch's message is a page with advice on how to unpickle the file all the same
        named = re.search(r"GLOBAL (\S+)", str(error))
        found = f"it names {named.group(1)}" if named else "it cannot be read as one"
        raise DeepZError(
            f"{path.name} is not a state dict of tensors ({found}) and was not unpickled; expected "
            "what torch.save(model.state_dict()) writes"
        ) from error


def _custom_processing(description: Mapping[str, Any]) -> Iterator[str]:
    for side, field in (("inputs", "preprocessing"), ("outputs", "postprocessing")):
        tensors = description.get(side)
        for tensor in tensors if isinstance(tensors, list) else []:
            steps = tensor.get(field) if isinstance(tensor, Mapping) else None
            for step in steps if isinstance(steps, list) else []:
                if isinstance(step, Mapping) and ("source" in step or "callable" in step):
                    yield f"a step of its {field} is a program, {step.get('source')}"


def _program_of(weight_format: str, entry: Mapping[str, Any], folder: Path) -> str | None:
    if weight_format == "onnx":
        return None
    if weight_format == "torchscript":
        return _file_operators(entry.get("source"), folder)
    if weight_format != "pytorch_state_dict":
        return f"files of {weight_format} may hold programs"
    architecture = entry.get("architecture")
    if isinstance(architecture, Mapping) and _is_ours(architecture, folder):
        return None
    if isinstance(architecture, Mapping):
        named = architecture.get("source") or architecture.get("import_from")
        return f"its architecture is a program, {named}"
    return f"its architecture is a program, {architecture}"


def _is_ours(architecture: Mapping[str, Any], folder: Path) -> bool:
    """Tell whether an architecture is the source and the function that deepz-zoo writes."""
    source = architecture.get("source")
    if architecture.get("callable") != CALLABLE or not isinstance(source, str):
        return False
    path = folder / source
    ours = architecture_source()
    if not path.is_file() or path.stat().st_size > 2 * len(ours.encode()):
        return False
    return _code(path.read_bytes()) == _code(ours.encode())


def _code(source: bytes) -> bytes:
    """Return a source without its leading docstring, which names the version that wrote it."""
    if not source.startswith(b'"""'):
        return source
    header, _, code = source[3:].partition(b'"""')
    return source if b"\\" in header else code  # an escaped quote would not end it for Python


def _file_operators(source: Any, folder: Path) -> str | None:
    """Return a phrase on a TorchScript file that calls operators which touch files, or None."""
    path = folder / source if isinstance(source, str) else folder
    if not zipfile.is_zipfile(path):
        return None  # nothing that torch.jit.load would read
    try:
        return _file_operators_in(path)
    except (OSError, *ZIP_DAMAGE) as error:
        return f"{source} cannot be looked through ({error})"


def _file_operators_in(path: Path) -> str | None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if PurePosixPath(member.filename).name == "model.json":
                return f"{path.name} is of an old form, which is not looked through"
            if "/code/" not in member.filename or not member.filename.endswith(".py"):
                continue
            if member.file_size > _MAX_SOURCE_BYTES:
                return f"the program in {path.name} is too large to look through"
            if call := _FILE_OPERATORS.search(archive.read(member)):
                used = call.group(1).decode()
                return f"the program in {path.name} uses {used}, which may read or write files"
    return None
