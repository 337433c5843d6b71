"""Write Nikon ND2 files: chunks with a name, of metadata as "lite variants", and a map of them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_MAGIC = 0x0ABECEDA
_SIGNATURE = b"ND2 FILE SIGNATURE CHUNK NAME01!"
_MAP_NAME = b"ND2 FILEMAP SIGNATURE NAME 0001!"
_MAP_END = b"ND2 CHUNK MAP SIGNATURE 0000001!"
_BEFORE_PIXELS = 4072  # name and padding, so that pixels begin on a page
_BOOL, _UINT32, _DOUBLE, _STRING, _LEVEL = 1, 3, 6, 8, 11


def variant(name: str, value: Any) -> bytes:
    """Encode one entry of metadata."""
    kinds = {bool: _BOOL, int: _UINT32, float: _DOUBLE, str: _STRING, dict: _LEVEL}
    start = struct.pack("BB", kinds[type(value)], len(name) + 1) + f"{name}\0".encode("utf-16-le")
    if isinstance(value, dict):
        content = b"".join(variant(key, item) for key, item in value.items())
        length = len(start) + 12 + len(content)
        return start + struct.pack("<IQ", len(value), length) + content + bytes(8 * len(value))
    if isinstance(value, str):
        return start + f"{value}\0".encode("utf-16-le")
    return start + struct.pack({bool: "<?", int: "<I", float: "<d"}[type(value)], value)


def write_nd2(
    path: Path,
    frames: np.ndarray,
    *,
    attributes: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    experiment: Mapping[str, Any] | None = None,
    times_ms: Any = None,
) -> None:
    """Write frames (number, y, x, channel)."""
    count, ny, nx, channels = frames.shape
    size = frames.dtype.itemsize
    stated = {
        "uiWidth": nx,
        "uiWidthBytes": nx * channels * size,
        "uiHeight": ny,
        "uiComp": channels,
        "uiBpcInMemory": 8 * size,
        "uiBpcSignificant": 8 * size,
        "uiSequenceCount": count,
        "uiTileWidth": nx,
        "uiTileHeight": ny,
        "eCompression": 2,
        "dCompressionParam": 0.0,
        "uiVirtualComponents": channels,
    }
    chunks = {
        b"ImageAttributesLV!": variant("SLxImageAttributes", stated | dict(attributes or {})),
        b"ImageMetadataSeqLV|0!": variant("SLxPictureMetadata", dict(metadata or {})),
    }
    if experiment:
        chunks[b"ImageMetadataLV!"] = variant("SLxExperiment", dict(experiment))
    if times_ms is not None:
        chunks[b"CustomData|AcqTimesCache!"] = np.asarray(times_ms, "<f8").tobytes()
    content, places = _chunk(_SIGNATURE, b"Ver3.0".ljust(64, b"\0")), {}
    for name, data in chunks.items():
        places[name] = (len(content), len(data))
        content += _chunk(name, data)
    for number, frame in enumerate(frames):
        name, data = f"ImageDataSeq|{number}!".encode(), bytes(8) + frame.tobytes()
        places[name] = (len(content), len(data))
        content += struct.pack("<IIQ", _MAGIC, _BEFORE_PIXELS, len(data))
        content += name.ljust(_BEFORE_PIXELS, b"\0") + data
    entries = b"".join(name + struct.pack("<QQ", *place) for name, place in places.items())
    at, end = len(content), _MAP_END + struct.pack("<Q", len(content))
    path.write_bytes(content + _chunk(_MAP_NAME, entries + end))
    assert at == int.from_bytes(path.read_bytes()[-8:], "little")


def channel(name: str, color: int, emission_nm: float) -> dict[str, Any]:
    """Describe one channel; its color is 0xBBGGRR."""
    spectrum = {"uiCount": 1, "pPoint": {"Point0": {"dWavelength": emission_nm, "dTValue": 1.0}}}
    return {
        "uiCompCount": 1,
        "sDescription": name,
        "uiColor": color,
        "pFluorescentProbe": {"m_EmissionSpectrum": spectrum},
    }


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack("<IIQ", _MAGIC, len(name), len(data)) + name + data
