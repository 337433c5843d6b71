"""Run the released network of the method's authors in TensorFlow, once for each line of input.

For ``packaging/benchmark_refocus.py``, which starts it with an interpreter that has TensorFlow and
takes the time. The weights are random.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "zoo" / "authors"))

import numpy as np
import tensorflow as tf
from tensorflow_models import generator

LEVELS = 6


def main() -> None:
    """Answer each line of input with one when the plane is done."""
    side_px = int(sys.argv[1])
    v1 = tf.compat.v1
    v1.disable_eager_execution()
    placeholder = v1.placeholder(tf.float32, [None, None, 2])
    output = generator(placeholder[None], LEVELS, 1.0)
    image = np.random.default_rng(0).random((side_px, side_px, 2), np.float32)
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        print("ready", flush=True)
        for _ in sys.stdin:
            session.run(output, {placeholder: image})
            print("done", flush=True)


if __name__ == "__main__":
    main()
