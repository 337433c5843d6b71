"""What is larger than the memory is refused; a container counts as the smaller computer."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepz_zoo import memory
from deepz_zoo.errors import DeepZError


def test_the_line_states_both_amounts(monkeypatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 2**31)
    memory.refuse_too_large(2**31, "worm.tif")
    with pytest.raises(DeepZError, match=r"^worm\.tif would take 4 GiB of memory, and 2 GiB are"):
        memory.refuse_too_large(2**32, "worm.tif")


def test_nothing_is_refused_where_the_memory_is_not_known(monkeypatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    memory.refuse_too_large(2**80, "worm.tif")


def test_this_computer_has_memory() -> None:
    available = memory.available_bytes()
    assert available is None or 2**20 < available < 2**50


def test_a_container_has_what_is_left_of_its_limit(tmp_path: Path, monkeypatch) -> None:
    limit, used = tmp_path / "memory.max", tmp_path / "memory.current"
    monkeypatch.setattr(memory, "CGROUPS", ((limit, used),))
    used.write_text("1000\n")
    limit.write_text("1500\n")
    assert memory.available_bytes() == 500
    limit.write_text("max\n")
    assert memory.available_bytes() != 500
