"""TorchScript files without the traces of the machine that wrote them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from deepz_zoo.files import replacing

_ROOT = "deepz"
_DATE = (1980, 1, 1, 0, 0, 0)
_MACHINE_RECORDS = ("traced_inputs.pkl", "traced_inputs/")


def strip_machine_traces(path: Path) -> None:
    """Rewrite a TorchScript file without debug records and stored inputs.

    Tracing records the path of every source file on the way and the example image. Without them
    the file holds the same graph and weights, tells nothing about the computer, and two processes
    that export one model write the same bytes. (A second export of one process differs in the
    numbers that TorchScript appends to class names.)

    Parameters
    ----------
    path
        The file that ``torch.jit.save`` wrote; it is replaced.
    """
    with (
        replacing(path) as stripped,
        zipfile.ZipFile(path) as source,
        zipfile.ZipFile(stripped, "x") as target,
    ):
        for member in source.infolist():
            # The first folder is named after the file that was written first.
            name = member.filename.partition("/")[2]
            if not name.endswith(".debug_pkl") and not name.startswith(_MACHINE_RECORDS):
                target.writestr(zipfile.ZipInfo(f"{_ROOT}/{name}", _DATE), source.read(member))
