"""The checksum against published values and against its definition, a bit at a time."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.zoo.authors.crc32c import crc32c, unmasked


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        # RFC 3720, appendix B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_published_values(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


@pytest.mark.parametrize("length", [1, 3, 4, 5, 255, 256, 257, 512, 700, 5000])
def test_any_length(length: int) -> None:
    data = np.random.default_rng(length).bytes(length)
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    assert crc32c(data) == state ^ 0xFFFFFFFF


def test_mask() -> None:
    """The definition is TensorFlow's: rotated right by 15 bits, plus a constant."""
    checksum = 0xE3069283
    masked = ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert unmasked(masked) == checksum
