"""Weights on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.weights import load_generator, save_generator

CONFIG = GeneratorConfig(width=0.08, levels=3)


def test_weights_survive_the_way_to_disk_and_back(tmp_path: Path) -> None:
    generator = Generator(CONFIG).eval()
    path = tmp_path / "weights.safetensors"
    save_generator(path, generator)
    x = torch.rand(1, 2, 16, 16)
    assert torch.equal(load_generator(path, CONFIG)(x), generator(x))
    assert [p.name for p in tmp_path.iterdir()] == ["weights.safetensors"]


def test_bad_files_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DeepZError, match="no such file"):
        load_generator(tmp_path / "missing.safetensors", CONFIG)
    text = tmp_path / "text.safetensors"
    text.write_text("not weights at all")
    with pytest.raises(DeepZError, match="not a safetensors file"):
        load_generator(text, CONFIG)
    other = tmp_path / "other.safetensors"
    save_generator(other, Generator(GeneratorConfig(width=0.1, levels=3)))
    with pytest.raises(DeepZError, match="do not fit a generator of width 0.08"):
        load_generator(other, CONFIG)
