"""CRC-32C, the checksum of TensorFlow's files (RFC 3720), fast enough for hundreds of megabytes."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

_POLYNOMIAL = 0x82F63B78  # bits reversed, as the checksum is computed
_LANE_BYTES = 256


def crc32c(data: bytes | memoryview) -> int:
    """Return the CRC-32C of `data`.

    A checksum without its initial value is linear, so that it can be computed side by side for
    many stretches of the data, which are then joined pair by pair. Leading zeros do not change it,
    so that any length can be filled up in front.
    """
    if len(data) < 4:
        return _bytewise(data)
    message = np.frombuffer(data, np.uint8)
    lanes = 1
    while lanes * _LANE_BYTES < len(message):
        lanes *= 2
    padded = np.zeros(lanes * _LANE_BYTES, np.uint8)
    start = len(padded) - len(message)
    padded[start:] = message
    padded[start : start + 4] ^= 0xFF  # the initial value, all ones
    checksums = _lanes(padded.view("<u4").reshape(lanes, -1))
    return int(_joined(checksums)) ^ 0xFFFFFFFF


def unmasked(stored: int) -> int:
    """Return the checksum behind one that TensorFlow has stored, which masks them."""
    rotated = (stored - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def _bytewise(data: bytes | memoryview) -> int:
    table = _byte_table()
    state = 0xFFFFFFFF
    for byte in bytes(data):
        state = int(table[(state ^ byte) & 0xFF]) ^ state >> 8
    return state ^ 0xFFFFFFFF


def _lanes(words: Words) -> Words:
    """Return the linear part of the checksum of each row."""
    state = np.zeros(len(words), "<u4")
    for column in np.ascontiguousarray(words.T):
        state = _after_zeros(state ^ column, _zero_tables(4))
    return state


def _joined(checksums: Words) -> np.uint32:
    """Return the linear part of the checksum of all lanes behind each other."""
    zeros = _LANE_BYTES
    while len(checksums) > 1:
        checksums = _after_zeros(checksums[::2], _zero_tables(zeros)) ^ checksums[1::2]
        zeros *= 2
    return checksums[0]  # type: ignore[no-any-return]


def _after_zeros(state: Words, tables: Words) -> Words:
    """Return each state after the zeros that the tables, one for each of its halves, stand for."""
    halves = np.ascontiguousarray(state).view("<u2")
    return tables[0].take(halves[::2]) ^ tables[1].take(halves[1::2])  # type: ignore[no-any-return]


@cache
def _byte_table() -> Words:
    """Return what a zero byte makes of each low byte of the state."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


@cache
def _zero_tables(zeros: int) -> Words:
    """Return what `zeros` zero bytes, four times a power of two, make of each half of the state."""
    if zeros > 4:
        half = _zero_tables(zeros // 2)
        return np.stack([_after_zeros(table, half) for table in half])
    half_word = np.arange(65536, dtype="<u4")
    states = np.stack([half_word, half_word << 16])
    for _ in range(zeros):
        states = _byte_table()[states & 0xFF] ^ states >> 8
    return states
