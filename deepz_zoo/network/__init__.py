"""The Deep-Z networks and the graph that consumers run."""

from __future__ import annotations

from deepz_zoo.network.config import PRESETS, GeneratorConfig
from deepz_zoo.network.discriminator import Discriminator
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.wrapper import DeepZModel

__all__ = ["PRESETS", "DeepZModel", "Discriminator", "Generator", "GeneratorConfig"]
