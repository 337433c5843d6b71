"""Build the tiny model's packages: ``build_elsewhere.py BUILDERS MANIFEST WEIGHTS DAYS UMASK``."""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path

builders, manifest_path, weights = map(Path, sys.argv[1:4])
os.umask(int(sys.argv[5], 8))
real_time, shift_s = time.time, float(sys.argv[4]) * 86400
time.time = lambda: real_time() + shift_s

from deepz_zoo.network.graph.wrapper import DeepZModel  # noqa: E402
from deepz_zoo.network.weights import load_generator  # noqa: E402
from deepz_zoo.package.build import build_package  # noqa: E402
from deepz_zoo.package.contents.variants import SURFACE, Variant  # noqa: E402
from deepz_zoo.records.manifest import Manifest  # noqa: E402
from deepz_zoo.zoo.examples import Example, tilted_surface  # noqa: E402

tiny = runpy.run_path(str(builders))
manifest = Manifest.model_validate_json(manifest_path.read_bytes())
model = DeepZModel(load_generator(weights, manifest.generator)).eval()
example = Example(tiny["blurred_stack"](), tilted_surface(manifest.system, tiny["SHAPE"]))
for variant in (SURFACE, Variant((-2.5, 0.0, 5.0))):
    path = Path(f"{variant.name}.zip")
    build_package(model, manifest, path, variant=variant, example=example, test=False)
