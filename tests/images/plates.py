"""A plate of two wells with two fields each, by ngff-zarr."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

WELLS = ("A/1", "A/2")
FIELDS = ("A/1/0", "A/1/1", "A/2/0", "A/2/1")


def write_plate(path: Path, pixels_of: Callable[[int], np.ndarray], version: str = "0.4") -> None:
    """Write fields (y, x), given by their number."""
    import ngff_zarr

    plate = ngff_zarr.Plate(
        columns=[ngff_zarr.PlateColumn(name="1"), ngff_zarr.PlateColumn(name="2")],
        rows=[ngff_zarr.PlateRow(name="A")],
        wells=[
            ngff_zarr.PlateWell(path=well, rowIndex=0, columnIndex=n)
            for n, well in enumerate(WELLS)
        ],
        acquisitions=[ngff_zarr.PlateAcquisition(id=7, name="first", maximumfieldcount=2)],
        field_count=2,
        name="screen",
        version=version,
    )
    ngff_zarr.to_hcs_zarr(ngff_zarr.HCSPlate(str(path), plate), str(path))
    for number in range(4):
        image = ngff_zarr.to_ngff_image(
            pixels_of(number),
            dims=("y", "x"),
            scale={"y": 0.325, "x": 0.325},
            axes_units={"y": "micrometer", "x": "micrometer"},
        )
        ngff_zarr.write_hcs_well_image(
            str(path),
            ngff_zarr.to_multiscales(image, scale_factors=[]),
            plate,
            "A",
            str(number // 2 + 1),
            field_index=number % 2,
            acquisition_id=7,
            version=version,
        )
