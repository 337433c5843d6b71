"""The files of an untrusted package, read so that a malicious one can do nothing.

A description is looked at before anything interprets it: the aliases of a kilobyte of YAML can
stand for more nodes than a computer holds. Names of files must lead into the package, and arrays
must be as long as their headers say and hold no Python objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from deepz_zoo.errors import DeepZError

_MAX_DESCRIPTION_BYTES = 2**20
_MAX_NODES = 50_000
_MAX_DEPTH = 64
_TEXT_PER_NODE = 100

# Fields whose strings, at any depth below them, name files: of formats 0.4 and 0.5.
_FILE_FIELDS = frozenset(
    {
        "architecture",
        "attachments",
        "covers",
        "dependencies",
        "documentation",
        "external_data",
        "icon",
        "sample_inputs",
        "sample_outputs",
        "sample_tensor",
        "source",
        "test_inputs",
        "test_outputs",
        "test_tensor",
    }
)
_URL = re.compile(r"^([a-z][a-z0-9+.-]+://|https?:)", re.IGNORECASE)
_DRIVE = re.compile(r"^[a-z]:", re.IGNORECASE)


def read_description(path: Path) -> dict[str, Any]:
    """Read the description of a package.

    Parameters
    ----------
    path
        ``rdf.yaml``.

    Raises
    ------
    DeepZError
        If the file is too large, is not YAML, holds no mapping, or unfolds to more than 50 000
        values or 64 levels.
    """
    if path.stat().st_size > _MAX_DESCRIPTION_BYTES:
        raise DeepZError(
            f"{path.name} is larger than {_MAX_DESCRIPTION_BYTES >> 20} MiB; expected a "
            "description of some kilobytes"
        )
    from ruyaml import YAML

    try:
        text = path.read_text(encoding="utf-8")
        _refuse_bombs(path.name, text)
        content = YAML(typ="safe", pure=True).load(text)
    except DeepZError:
        raise
    except Exception as error:  # the library's, and what its conversions raise on odd scalars
        reason = " ".join(str(error).split())
        raise DeepZError(f"{path.name} is not YAML ({reason})") from error
    if not isinstance(content, dict):
        raise DeepZError(
            f"{path.name} holds {type(content).__name__}; expected a mapping with the "
            "fields of a bioimage.io description"
        )
    return content


def _refuse_bombs(name: str, text: str) -> None:
    """Raise DeepZError where the aliases or the depth of a document would fill the memory."""
    from ruyaml import YAML, events

    sizes: dict[str | None, int] = {}
    # the anchors and the sizes of the collections that are open, the document outermost
    anchors: list[str | None] = [None]
    counts = [0]
    for event in YAML(typ="safe", pure=True).parse(text):
        anchor = getattr(event, "anchor", None)
        if isinstance(event, events.AliasEvent):
            if anchor not in sizes:
                raise DeepZError(f"{name}: '*{anchor}' contains itself, or nothing at all")
            counts[-1] += sizes[anchor]
        elif anchor is not None and (anchor in sizes or anchor in anchors):
            raise DeepZError(f"{name}: two values are named '&{anchor}'")
        elif isinstance(event, events.CollectionStartEvent):
            anchors.append(anchor)
            counts.append(1)
        elif isinstance(event, events.CollectionEndEvent):
            size = counts.pop()
            counts[-1] += size
            sizes[anchors.pop()] = size
        elif isinstance(event, events.ScalarEvent):
            # a long text that is repeated fills the memory too, once it is written out
            size = 1 + len(event.value) // _TEXT_PER_NODE
            counts[-1] += size
            sizes[anchor] = size
        if counts[-1] > _MAX_NODES or len(counts) > _MAX_DEPTH:
            raise DeepZError(
                f"{name} unfolds to more than {_MAX_NODES} values or {_MAX_DEPTH} levels; "
                "do not use a package from this source"
            )


def referenced_files(description: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the place and the name of every file, or address, that a description names.

    Parameters
    ----------
    description
        Of format 0.4 or 0.5, valid or not.
    """
    for key, value in description.items():
        yield from _files_below(str(key), value, names_files=key in _FILE_FIELDS)


def _files_below(place: str, value: Any, *, names_files: bool) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            # v0.4 keeps a list of attachments under "files"
            names = key in _FILE_FIELDS or (names_files and key == "files")
            yield from _files_below(f"{place}.{key}", inner, names_files=names)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _files_below(f"{place}[{index}]", inner, names_files=names_files)
    elif names_files and isinstance(value, str) and (name := _file_name(place, value)):
        yield place, name


def _file_name(place: str, value: str) -> str | None:
    """Return the name of the file in a value, without what format 0.4 writes around it."""
    if place.endswith(".dependencies"):
        return value.partition(":")[2] if not is_remote(value) and ":" in value else value
    if place.endswith(".architecture"):
        name, _, member = value.rpartition(":")
        return name if member and name.endswith(".py") else None  # else an importable name
    return value


def is_remote(name: str) -> bool:
    """Tell whether the name of a file is an address in the network."""
    address = _without_blanks(name)
    return _URL.match(address) is not None and not address.lower().startswith("file:")


def leads_outside(name: str) -> bool:
    """Tell whether the name of a file points out of the folder that it is relative to."""
    name = _without_blanks(name)
    posix = name.replace("\\", "/")
    return (
        posix.startswith(("/", "~"))
        or name.lower().startswith("file:")
        or _DRIVE.match(posix) is not None
        or ".." in PurePosixPath(posix).parts
    )


def _without_blanks(name: str) -> str:
    """Return a name without what parsers of addresses skip: blanks and control characters."""
    return re.sub(r"[\x00-\x20]", "", name)


def refuse_harmful_files(folder: Path, description: Mapping[str, Any]) -> None:
    """Raise DeepZError where a description or an array of a package is malicious.

    Parameters
    ----------
    folder
        The unpacked package.
    description
        What `read_description` returned of it.

    Raises
    ------
    DeepZError
        If the description names a file outside the package, or an array holds Python objects or is
        shorter than it says.
    """
    for place, name in referenced_files(description):
        if leads_outside(name):
            raise DeepZError(
                f"{place} names {name!r}, which lies outside the package; do not use a package "
                "from this source"
            )
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() == ".npy":
            open_array(path)


def open_array(path: Path) -> np.ndarray[Any, Any]:
    """Return an array that is read from its file when it is used, of shape and type as stored.

    Raises
    ------
    DeepZError
        If the file is no array of numbers, or shorter than its header says.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # the header is a Python literal, whose parser raises many kinds
        reason = " ".join(str(error).split())
        raise DeepZError(f"{path.name} is not a sound array of numbers ({reason})") from error
    if not isinstance(array, np.ndarray):  # a zip file of arrays
        raise DeepZError(f"{path.name} holds several arrays; expected one")
    return array
