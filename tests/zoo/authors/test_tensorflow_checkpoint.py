"""The reader of checkpoints, on one that TensorFlow wrote and on damaged and hostile ones."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.zoo.authors.crc32c import crc32c
from deepz_zoo.zoo.authors.tensorflow_checkpoint import TensorFlowCheckpoint


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def block(entries: list[tuple[int, bytes, bytes]], kind: int = 0) -> bytes:
    """Return a block of (bytes shared with the key before, rest of the key, value)."""
    body = b"".join(
        varint(shared) + varint(len(key)) + varint(len(value)) + key + value
        for shared, key, value in entries
    )
    body += struct.pack("<II", 0, 1)
    crc = crc32c(body + bytes([kind]))
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    return body + bytes([kind]) + struct.pack("<I", masked)


def write_index(
    path: Path,
    entries: list[tuple[int, bytes, bytes]],
    *,
    header: bytes = b"\x08\x01",
    kind: int = 0,
    times: int = 1,
) -> Path:
    """Write an index with one block of entries, which its root names `times` times."""
    data = block([(0, b"", header), *entries], kind)
    handle = varint(0) + varint(len(data) - 5)
    root = block([(0, b"z", handle)] * times)
    footer = varint(0) * 2 + varint(len(data)) + varint(len(root) - 5)
    magic = struct.pack("<Q", 0xDB4775248B80FB57)
    path.with_suffix(".index").write_bytes(data + root + footer.ljust(40, b"\0") + magic)
    return path


def entry(size: int, shape: tuple[int, ...], *, dtype: int = 1, more: bytes = b"") -> bytes:
    sizes = [b"\x08" + varint(n) for n in shape]
    dimensions = b"".join(b"\x12" + varint(len(part)) + part for part in sizes)
    shape_field = b"\x12" + varint(len(dimensions)) + dimensions
    return b"\x08" + varint(dtype) + shape_field + b"\x28" + varint(size) + more


def test_variables_of_tensorflow(original: Path) -> None:
    checkpoint = TensorFlowCheckpoint(original / "variables" / "variables")
    assert len(checkpoint.variables) == 26
    assert checkpoint.variables["Generator/up1/conv0/filters"].shape == (3, 3, 4, 8)
    data = (original / "variables" / "variables.data-00000-of-00001").read_bytes()
    names = sorted(checkpoint.variables)
    values = [checkpoint.read(name).ravel() for name in names]
    np.testing.assert_array_equal(np.concatenate(values), np.frombuffer(data, "<f4"))


def test_several_data_files(tensorflow) -> None:
    folder = tensorflow("sharded", "--levels", "2", "--width", "24", "--shards")
    whole = TensorFlowCheckpoint(folder / "variables" / "variables")
    sharded = TensorFlowCheckpoint(folder / "sharded" / "variables")
    assert whole.variables.keys() == sharded.variables.keys()
    for name in whole.variables:
        np.testing.assert_array_equal(whole.read(name), sharded.read(name))


def test_every_changed_byte_is_noticed(original: Path) -> None:
    """In the index by the checksums of its blocks, in the data by those of the variables."""
    index = original / "variables" / "variables.index"
    good = index.read_bytes()
    expected = TensorFlowCheckpoint(index.with_suffix("")).variables
    for position in range(0, len(good), 7):
        bad = bytearray(good)
        bad[position] ^= 0x10
        index.write_bytes(bad)
        try:
            found = TensorFlowCheckpoint(index.with_suffix("")).variables
        except DeepZError as error:
            assert "variables.index: damaged" in str(error)
        else:  # in what a footer does not use
            assert found == expected


@pytest.mark.parametrize("length", [0, 30, 500, 1080])
def test_a_truncated_index(original: Path, length: int) -> None:
    index = original / "variables" / "variables.index"
    index.write_bytes(index.read_bytes()[:length])
    with pytest.raises(DeepZError, match=r"variables\.index: damaged, or not the index"):
        TensorFlowCheckpoint(index.with_suffix(""))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data[:-4], "truncated or another model's; Generator/up1/conv2/filters ends"),
        (lambda data: data[:-4] + b"abcd", "checksum of Generator/up1/conv2/filters is wrong"),
        (None, "no such file"),
    ],
)
def test_damaged_data(original: Path, damage, says: str) -> None:
    prefix = original / "variables" / "variables"
    path = prefix.with_name("variables.data-00000-of-00001")
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DeepZError, match=says):
        TensorFlowCheckpoint(prefix).read("Generator/up1/conv2/filters")


@pytest.mark.parametrize(
    ("entries", "options", "says"),
    [
        ([], {"kind": 1}, "compressed index \\(snappy\\)"),
        ([], {"header": b"\x08\x01\x10\x01"}, "big-endian"),
        ([], {"header": b"\x08\xff\xff\xff\x7f"}, "names 268435455 data files"),
        ([], {"times": 30}, "blocks overlap"),
        ([(0, b"a", b"\x0b")], {}, "unknown kind 3"),
        ([(0, b"a", b"\x12\x7f")], {}, "beyond its entry"),
        ([(5, b"a", b"")], {}, "beyond its block"),
        ([(0, b"a" * 900, b""), (900, b"b" * 900, b"")], {}, "a name of 1,800 bytes"),
        ([(0, b"\xff", b"")], {}, "damaged"),
        ([(0, b"%05d" % n, b"") for n in range(10_001)], {}, "more than 10,000"),
    ],
)
def test_a_hostile_index_is_refused(tmp_path: Path, entries, options, says: str) -> None:
    prefix = write_index(tmp_path / "variables", entries, **options)
    with pytest.raises(DeepZError, match=says):
        TensorFlowCheckpoint(prefix)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (entry(1 << 40, (1 << 19, 1 << 19)), "truncated"),
        (entry(4, (1 << 40,)), "impossible"),
        (entry(4, (1,), more=b"\x18\x07"), "impossible"),
        (entry(8, (1,), dtype=2), "of TensorFlow's type 2; expected float32 in one piece"),
        (entry(4, (1,), more=b"\x3a\x00"), "in slices"),
    ],
)
def test_a_hostile_variable_is_refused_before_memory_is_taken(
    tmp_path: Path, value: bytes, says: str
) -> None:
    prefix = write_index(tmp_path / "variables", [(0, b"a", value)])
    (tmp_path / "variables.data-00000-of-00001").write_bytes(b"1234")
    with pytest.raises(DeepZError, match=says):
        TensorFlowCheckpoint(prefix).read("a")


def test_an_index_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "variables.index").open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(DeepZError, match="at most"):
        TensorFlowCheckpoint(tmp_path / "variables")
