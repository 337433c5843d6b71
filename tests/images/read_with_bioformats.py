"""Read images with Bio-Formats: ``python read_with_bioformats.py JAR [JAR …] -- FILE [FILE …]``.

Writes the pixels of each file, in the order tzcyx, beside it as ``FILE.npy``, and prints what
Bio-Formats reads of its metadata as one JSON object by file.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import jpype
import numpy as np

TYPES = {"uint8": "u1", "int8": "i1", "uint16": "u2", "uint32": "u4", "float": "f4"}


def in_unit(quantity: Any, unit: Any) -> float | None:
    """Return a physical quantity as a number in a unit."""
    return None if quantity is None else float(quantity.value(unit).doubleValue())


def text(value: Any) -> str | None:
    """Return a string or an enumeration of Java as a string."""
    return None if value is None else str(value)


def read(path: str) -> dict[str, Any]:
    """Read one file."""
    services = jpype.JClass("loci.common.services.ServiceFactory")()
    service = services.getInstance(jpype.JClass("loci.formats.services.OMEXMLService"))
    units = jpype.JClass("ome.units.UNITS")
    meta = service.createOMEXMLMetadata()
    reader = jpype.JClass("loci.formats.ImageReader")()
    reader.setMetadataStore(meta)
    reader.setId(path)
    sizes = [int(getattr(reader, f"getSize{axis}")()) for axis in "TZCYX"]
    tools = jpype.JClass("loci.formats.FormatTools")
    kind = TYPES[str(tools.getPixelTypeString(reader.getPixelType()))]
    data = np.empty(sizes, ("<" if reader.isLittleEndian() else ">") + kind)
    z_um = []
    for t, z, c in np.ndindex(*sizes[:3]):
        plane = int(reader.getIndex(z, c, t))
        raw = memoryview(reader.openBytes(plane))
        data[t, z, c] = np.array(raw, np.int8).view(data.dtype).reshape(sizes[3:])
        if t == c == 0 and meta.getPlaneCount(0) > plane:
            z_um.append(in_unit(meta.getPlanePositionZ(0, plane), units.MICROMETER))
    np.save(f"{path}.npy", data)
    found = {
        "format": str(reader.getFormat()),
        "series": int(reader.getSeriesCount()),
        "x_um": in_unit(meta.getPixelsPhysicalSizeX(0), units.MICROMETER),
        "y_um": in_unit(meta.getPixelsPhysicalSizeY(0), units.MICROMETER),
        "z_step_um": in_unit(meta.getPixelsPhysicalSizeZ(0), units.MICROMETER),
        "z_um": z_um,
        "interval_s": in_unit(meta.getPixelsTimeIncrement(0), units.SECOND),
        "channels": [text(meta.getChannelName(0, c)) for c in range(meta.getChannelCount(0))],
        "emission_nm": [
            in_unit(meta.getChannelEmissionWavelength(0, c), units.NANOMETER)
            for c in range(meta.getChannelCount(0))
        ],
    }
    if meta.getInstrumentCount() and meta.getObjectiveCount(0):
        na = meta.getObjectiveLensNA(0, 0)
        found["na"] = None if na is None else float(na.doubleValue())
        found["immersion"] = text(meta.getObjectiveImmersion(0, 0))
    reader.close()
    return found


jars, paths = (
    list(words)
    for words in (sys.argv[1 : sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1 :])
)
jpype.startJVM("-Djava.awt.headless=true", classpath=jars)
jpype.JClass("loci.common.DebugTools").setRootLevel("ERROR")
print(json.dumps({path: read(path) for path in paths}))
