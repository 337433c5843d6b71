"""A reader of TensorFlow's V2 checkpoints that needs no TensorFlow.

A checkpoint ``variables`` is an index, ``variables.index``, and one or more data files,
``variables.data-00000-of-00001``. The index is a table of sorted keys in the format of LevelDB; its
values are protocol buffers: a ``BundleHeaderProto`` under the empty key and a ``BundleEntryProto``
under the name of each variable. The data files are the values of the variables, end to end.

Every length in the files is checked against what is there before anything is read by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.zoo.authors.crc32c import crc32c, unmasked

# The index of the released network has 56 variables in 3000 bytes. Without these limits a small
# file could ask for much: keys are stored as differences, and blocks can be named many times.
_MAX_INDEX_BYTES = 4 << 20
_MAX_VARIABLES = 10_000
_MAX_NAME_BYTES = 1_000
_MAX_DATA_FILES = 1_000

_FOOTER_BYTES = 48
_MAGIC = 0xDB4775248B80FB57
_BLOCK_TRAILER_BYTES = 5
_SNAPPY = 1
_FLOAT32 = 1  # DT_FLOAT
_MAX_DIMENSIONS = 8


@dataclass(frozen=True)
class Variable:
    """Where and how a variable is stored.

    Attributes
    ----------
    shape
        Its shape.
    dtype
        Number of its type in TensorFlow's list; 1 is float32.
    shard, offset, size
        Number of the data file, and the bytes in it.
    crc32c
        Masked checksum of these bytes.
    partitioned
        Whether the variable was saved in slices.
    """

    shape: tuple[int, ...]
    dtype: int
    shard: int
    offset: int
    size: int
    crc32c: int
    partitioned: bool


class TensorFlowCheckpoint:
    """The variables of a checkpoint; opening it reads the index, not the values.

    Parameters
    ----------
    prefix
        Path of the checkpoint without ``.index``.

    Raises
    ------
    DeepZError
        If the index is missing, damaged, compressed or written on a big-endian machine.
    """

    def __init__(self, prefix: Path) -> None:
        self.index_path = prefix.with_name(f"{prefix.name}.index")
        entries = _read_table(self.index_path)
        with _decoding(self.index_path):
            shards = _shard_count(entries.pop(b"", None), self.index_path)
            self.variables = {key.decode(): _variable(value) for key, value in entries.items()}
        width = f"of-{shards:05d}"
        self.data_paths = tuple(
            prefix.with_name(f"{prefix.name}.data-{shard:05d}-{width}") for shard in range(shards)
        )

    def read(self, name: str) -> NDArray[np.float32]:
        """Return the values of a variable.

        Raises
        ------
        DeepZError
            If there is no such variable, it is not float32, or its bytes are missing or damaged.
        """
        variable = self.variables.get(name)
        if variable is None:
            raise DeepZError(f"{self.index_path}: there is no variable {name}")
        if variable.dtype != _FLOAT32 or variable.partitioned:
            kind = "in slices" if variable.partitioned else f"of TensorFlow's type {variable.dtype}"
            raise DeepZError(
                f"{self.index_path}: {name} is stored {kind}; expected float32 in one piece"
            )
        if variable.size != 4 * math.prod(variable.shape) or variable.shard >= len(self.data_paths):
            raise DeepZError(f"{self.index_path}: damaged (the place of {name} is impossible)")
        return _read_values(self.data_paths[variable.shard], variable, name)


def _read_values(path: Path, variable: Variable, name: str) -> NDArray[np.float32]:
    if not path.is_file():
        raise DeepZError(f"{path}: no such file; it belongs to the checkpoint and holds {name}")
    end = variable.offset + variable.size
    if (found := path.stat().st_size) < end:
        raise DeepZError(
            f"{path}: truncated or another model's; {name} ends at byte {end:,} of {found:,}"
        )
    values = np.fromfile(path, "<f4", math.prod(variable.shape), offset=variable.offset)
    if crc32c(values.tobytes()) != unmasked(variable.crc32c):
        raise DeepZError(f"{path}: damaged or another model's; the checksum of {name} is wrong")
    return values.reshape(variable.shape)


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while decoding the bytes of an index into one line."""
    try:
        yield
    except (ValueError, IndexError) as error:
        raise DeepZError(
            f"{path}: damaged, or not the index of a TensorFlow checkpoint ({error})"
        ) from error


def _read_table(path: Path) -> dict[bytes, bytes]:
    """Read a table of the LevelDB format into memory."""
    if not path.is_file():
        raise DeepZError(f"{path}: no such file; expected a TensorFlow checkpoint's index")
    if (size := path.stat().st_size) > _MAX_INDEX_BYTES:
        raise DeepZError(
            f"{path}: {size:,} bytes; the index of a checkpoint has {_MAX_INDEX_BYTES:,} at most"
        )
    data = path.read_bytes()
    with _decoding(path):
        footer = data[-_FOOTER_BYTES:]
        if len(footer) < _FOOTER_BYTES or int.from_bytes(footer[-8:], "little") != _MAGIC:
            raise ValueError("its last bytes are not those of a table")
        _, position = _handle(footer, 0)  # of a block about the table, which holds nothing
        root, _ = _handle(footer, position)
        blocks = [_handle(value, 0)[0] for _, value in _block(data, root, path)]
        if sum(size for _, size in blocks) > len(data):
            raise ValueError("its blocks overlap")
        entries: dict[bytes, bytes] = {}
        for block in blocks:
            entries.update(_block(data, block, path))
            if len(entries) > _MAX_VARIABLES:
                raise ValueError(f"it names more than {_MAX_VARIABLES:,} variables")
    return entries


def _block(data: bytes, handle: tuple[int, int], path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block."""
    start, size = handle
    end = start + size
    trailer = data[end : end + _BLOCK_TRAILER_BYTES]
    if len(trailer) < _BLOCK_TRAILER_BYTES:
        raise ValueError("a block lies beyond its end")
    if crc32c(data[start : end + 1]) != unmasked(int.from_bytes(trailer[1:], "little")):
        raise ValueError("the checksum of a block is wrong")
    if trailer[0]:
        kind = "snappy" if trailer[0] == _SNAPPY else f"method {trailer[0]}"
        raise DeepZError(
            f"{path}: a compressed index ({kind}); TensorFlow's Saver writes it uncompressed: "
            "restore the checkpoint in TensorFlow and save it again"
        )
    yield from _entries(data[start:end])


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys, which leave out what they share with the one before, and values."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if len(block) < 4 or end < 0:
        raise ValueError("a block is too short")
    position, key = 0, b""
    for _ in range(_MAX_VARIABLES + 1):
        if position >= end:
            return
        shared, position = _varint(block, position)
        added, position = _varint(block, position)
        length, position = _varint(block, position)
        if shared > len(key) or position + added + length > end:
            raise ValueError("an entry lies beyond its block")
        if shared + added > _MAX_NAME_BYTES:
            raise ValueError(f"a name of {shared + added:,} bytes")
        key = key[:shared] + block[position : position + added]
        position += added
        yield key, block[position : position + length]
        position += length


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Return the offset and the size of a block, and the position behind them."""
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return (offset, size), position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a number of 7 bits per byte, and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is too long")


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the numbers and the values of a protocol buffer's fields."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        if kind == 2:
            length, position = _varint(message, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
        part = message[position : position + length]
        if len(part) < length:
            raise ValueError("a field lies beyond its entry")
        position += length
        yield tag >> 3, part if kind == 2 else int.from_bytes(part, "little")


def _shard_count(header: bytes | None, path: Path) -> int:
    """Return the number of data files, from the ``BundleHeaderProto``."""
    if header is None:
        raise ValueError("it has no header")
    fields = dict(_fields(header))
    if fields.get(2, 0) != 0:
        raise DeepZError(f"{path}: written on a big-endian machine; such files are not read")
    shards = fields.get(1, 1)
    if not isinstance(shards, int) or not 1 <= shards <= _MAX_DATA_FILES:
        raise ValueError(f"it names {shards!r} data files")
    return shards


def _variable(entry: bytes) -> Variable:
    """Decode a ``BundleEntryProto``."""
    numbers: dict[int, int] = {}
    shape: tuple[int, ...] = ()
    partitioned = False
    for number, value in _fields(entry):
        if number == 2 and isinstance(value, bytes):
            shape = tuple(_sizes(value))
        elif number == 7:
            partitioned = True
        elif isinstance(value, int):
            numbers[number] = value
    return Variable(
        shape=shape,
        dtype=numbers.get(1, 0),
        shard=numbers.get(3, 0),
        offset=numbers.get(4, 0),
        size=numbers.get(5, 0),
        crc32c=numbers.get(6, 0),
        partitioned=partitioned,
    )


def _sizes(shape: bytes) -> Iterator[int]:
    """Yield the dimensions of a ``TensorShapeProto``."""
    dimensions = [value for number, value in _fields(shape) if number == 2]
    if len(dimensions) > _MAX_DIMENSIONS:
        raise ValueError(f"a variable of {len(dimensions)} dimensions")
    for dimension in dimensions:
        if not isinstance(dimension, bytes):
            raise ValueError("a shape that is none")
        size = dict(_fields(dimension)).get(1, 0)
        if not isinstance(size, int):
            raise ValueError("a shape that is none")
        yield size
