"""Runs a TorchScript file on tensors with the torch of the Python that executes this.

Usage: ``python torchscript.py JOB.json``; the job is written by `deepz_zoo.engines.old_programs`.
Nothing of deepz-zoo is imported: the Python is another one, and as old as its torch.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
model = torch.jit.load(job["weights"])  # type: ignore[no-untyped-call]
for entry in job["tensors"]:
    values = np.fromfile(entry["input"], np.float32).reshape(entry["shape"])
    with torch.no_grad():
        result = model(torch.from_numpy(values)).numpy()
    result.tofile(entry["output"])
    Path(entry["output"] + ".shape").write_text(json.dumps(result.shape), encoding="utf-8")
