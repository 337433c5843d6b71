"""Files of microscope makers that are refused: by what they are, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepz_zoo import extras
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import count_positions, read_image

STARTS = {
    "Leica LIF": (b"\x70\0\0\0", "liffile"),
    "Zeiss CZI": (b"ZISRAWFILE\0", "pylibCZIrw"),
    "Nikon ND2": (b"\xda\xce\xbe\x0a", "nd2"),
}


@pytest.mark.parametrize("kind", STARTS)
def test_the_missing_extra_is_named(tmp_path: Path, monkeypatch, kind: str) -> None:
    start, library = STARTS[kind]
    (path := tmp_path / "a.bin").write_bytes(start + bytes(100))
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    for function in (read_image, count_positions):
        with pytest.raises(DeepZError) as caught:
            function(path)
        assert str(caught.value) == (
            f"{path}: {kind} needs {library}, which is not installed: "
            "pip install 'deepz-zoo[formats]'"
        )


@pytest.mark.parametrize(
    ("start", "name", "expected"),
    [
        (b"OLYMPUSRAWFORMAT", "a.oir", "an Olympus OIR file; save the image as TIFF or OME-TIFF"),
        (b"II*\0", "a.vsi", r"an Olympus VSI file.*save the image as OME-TIFF \(cellSens and Fiji"),
        (b"\0\0\0\x0cjP  \r\n", "a.nd2", "a JPEG 2000 file, such as a Nikon ND2 of before 2010"),
        (b"\xd0\xcf\x11\xe0", "a.oib", "an OLE file, such as Olympus OIB"),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, start: bytes, name: str, expected: str) -> None:
    (path := tmp_path / name).write_bytes(start + bytes(100))
    with pytest.raises(DeepZError, match=expected):
        read_image(path)
