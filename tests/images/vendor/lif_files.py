"""Write Leica LIF files as Leica describes them: a header in XML, then a block for each image."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

_IDS = {"x": 1, "y": 2, "z": 3, "t": 4, "m": 10}
_FILETIME_OF_1970 = 116444736000000000  # in 100 ns, since 1601


def write_lif(path: Path, images: Mapping[str, str], blocks: Sequence[bytes]) -> None:
    """Write images, described by `lif_image`, and their pixels."""
    elements = "".join(
        f'<Element Name={quoteattr(name)} UniqueID="u{n}"><Data>{xml}</Data>'
        f'<Memory Size="{len(blocks[n])}" MemoryBlockID="MemBlock_{n}"/></Element>'
        for n, (name, xml) in enumerate(images.items())
    )
    header = (
        '<LMSDataContainerHeader Version="2"><Element Name="project" UniqueID="p">'
        f"<Children>{elements}</Children></Element></LMSDataContainerHeader>"
    )
    content = struct.pack("<IIBI", 0x70, 2 * len(header) + 5, 0x2A, len(header))
    content += header.encode("utf-16-le")
    for n, block in enumerate(blocks):
        name = f"MemBlock_{n}"
        size = struct.pack("<BQBI", 0x2A, len(block), 0x2A, len(name))
        content += struct.pack("<II", 0x70, len(size) + 2 * len(name)) + size
        content += name.encode("utf-16-le") + block
    path.write_bytes(content)


def lif_image(
    data: np.ndarray,
    axes: str,
    *,
    lengths: Mapping[str, float],
    origins: Mapping[str, float] | None = None,
    tables: Sequence[str] = ("Green",),
    dyes: Sequence[str] = (),
    settings: str = "",
    times_s: Sequence[float] = (),
    tiles_m: Sequence[tuple[float, float]] = (),
) -> str:
    """Describe an image; lengths along an axis are in m and s, from the first to the last place."""
    strides = dict(zip(axes, data.strides, strict=True))
    sizes = dict(zip(axes, data.shape, strict=True))
    dimensions = "".join(
        f'<DimensionDescription DimID="{_IDS[axis]}" NumberOfElements="{sizes[axis]}" '
        f'Origin="{(origins or {}).get(axis, 0)}" Length="{lengths.get(axis, 0)}" '
        f'Unit="{"s" if axis == "t" else "m"}" BytesInc="{strides[axis]}" BitInc="0"/>'
        for axis in reversed(axes)
        if axis != "c"
    )
    bits = 8 * data.dtype.itemsize
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="{bits}" '
        f'NameOfMeasuredQuantity="" Min="0" Max="1" Unit="" LUTName="{table}" IsLUTInverted="0" '
        f'BytesInc="{n * strides.get("c", 0)}" BitInc="0">{_dye(dyes, n)}</ChannelDescription>'
        for n, table in enumerate(tables)
    )
    stamps = " ".join(f"{_FILETIME_OF_1970 + round((1.6e9 + s) * 1e7):x}" for s in times_s)
    times = f'<TimeStampList NumberOfTimeStamps="{len(times_s)}">{stamps}</TimeStampList>'
    tiles = "".join(f'<Tile PosX="{x}" PosY="{y}"/>' for x, y in tiles_m)
    scan = f'<Attachment Name="TileScanInfo">{tiles}</Attachment>' if tiles else ""
    return (
        f"<Image><ImageDescription><Channels>{channels}</Channels><Dimensions>{dimensions}"
        f"</Dimensions></ImageDescription>{times if times_s else ''}"
        f'<Attachment Name="HardwareSetting">{settings}</Attachment>{scan}</Image>'
    )


def _dye(dyes: Sequence[str], number: int) -> str:
    if not dyes:
        return ""
    value = f"<Value>{dyes[number]}</Value>"
    return f"<ChannelProperty><Key>DyeName</Key>{value}</ChannelProperty>"
