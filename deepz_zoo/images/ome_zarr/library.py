"""The libraries that read and write OME-Zarr, which are an extra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepz_zoo.extras import require


def is_ome_zarr(path: Path) -> bool:
    """Tell whether a path is a folder in the format Zarr, whatever version."""
    return any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))


def has_zarr_name(path: Path) -> bool:
    """Tell whether a name is one that OME-Zarr is written under; that of a field in a plate is."""
    return path.suffix.lower() == ".zarr" or (not path.suffix and is_ome_zarr(path.parent))


def load_libraries(path: Path) -> tuple[Any, Any]:
    """Return ngff-zarr, for metadata, and zarr, for pixels.

    Raises
    ------
    DeepZError
        If they are not installed.
    """
    require("ome-zarr", "ngff_zarr", "zarr", what=f"{path}: OME-Zarr")
    import ngff_zarr
    import zarr

    return ngff_zarr, zarr
