"""A copy of a package with its ONNX weights alone, for deepImageJ.

deepImageJ loads the ONNX weights of a package, and yet downloads an engine for each of its weight
formats: with TorchScript that is a PyTorch of hundreds of megabytes, which is never used.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from deepz_zoo.extras import require
from deepz_zoo.files import sha256_of
from deepz_zoo.package.contents.checksums import CHECKSUM_LINE, CHECKSUMS_NAME, list_checksum
from deepz_zoo.package.reading.untrusted import read_description, referenced_files


def copy_with_onnx_alone(description: Path, folder: Path) -> Path:
    """Copy an unpacked package, without other weights where it has ONNX ones.

    Parameters
    ----------
    description
        The description of the unpacked package; all files beside and below it are copied.
    folder
        Where the copy goes, a folder that does not exist yet.

    Returns
    -------
    Path
        The folder of the copy.
    """
    shutil.copytree(description.parent, folder)
    content = read_description(description)
    smaller = _with_onnx_alone(content)
    if smaller == content:
        return folder
    require("package", "bioimageio", what="a copy of a package")
    from bioimageio.spec.utils import write_yaml

    needed, named = (
        {Path(name) for _, name in referenced_files(found)} for found in (smaller, content)
    )
    for name in named - needed:
        (folder / name).unlink(missing_ok=True)
    copied = folder / description.name
    write_yaml(smaller, copied)
    _update_checksums(copied)
    return folder


def _with_onnx_alone(content: dict[str, Any]) -> dict[str, Any]:
    weights = content.get("weights")
    if not isinstance(weights, dict) or not isinstance(weights.get("onnx"), dict):
        return content
    onnx = {key: value for key, value in weights["onnx"].items() if key != "parent"}
    return content | {"weights": {"onnx": onnx}}


def _update_checksums(description: Path) -> None:
    sums = description.with_name(CHECKSUMS_NAME)
    if not sums.is_file():
        return
    lines = sums.read_text(encoding="utf-8").splitlines()
    kept = [
        f"{line}\n"
        for line in lines
        if (found := CHECKSUM_LINE.fullmatch(line)) and (sums.parent / found["name"]).is_file()
    ]
    sums.write_text("".join(kept), encoding="utf-8", newline="\n")
    list_checksum(description, sha256_of(description))
