"""Images with the names of their axes and their calibration, read and written.

TIFF (plain, ImageJ, OME, MetaMorph), OME-Zarr, PNG, Leica LIF, Zeiss CZI and Nikon ND2 come in;
OME-TIFF, ImageJ TIFF and OME-Zarr go out. Lengths are µm on both sides, whatever unit a file uses.
"""

from __future__ import annotations

from deepz_zoo.images.image import Acquisition, Calibration, Image, Pixels, Shape, even_step
from deepz_zoo.images.new_image import NewImage, PlaneWriter, SharedWriter
from deepz_zoo.images.ome_zarr.library import has_zarr_name, is_ome_zarr
from deepz_zoo.images.ome_zarr.plate import create_plate, is_plate
from deepz_zoo.images.ome_zarr.writing import ZarrVersion
from deepz_zoo.images.reading import IMAGE_SUFFIXES, count_positions, open_image, read_image
from deepz_zoo.images.stored import Array, StoredPixels
from deepz_zoo.images.tiff.writing import Style
from deepz_zoo.images.writing import create_image, write_image

__all__ = [
    "IMAGE_SUFFIXES",
    "Acquisition",
    "Array",
    "Calibration",
    "Image",
    "NewImage",
    "Pixels",
    "PlaneWriter",
    "Shape",
    "SharedWriter",
    "StoredPixels",
    "Style",
    "ZarrVersion",
    "count_positions",
    "create_image",
    "create_plate",
    "even_step",
    "has_zarr_name",
    "is_ome_zarr",
    "is_plate",
    "open_image",
    "read_image",
    "write_image",
]
