"""Write a checkpoint and a SavedModel of the released network by TensorFlow, and run it there.

Run by an interpreter that has TensorFlow; it needs nothing else. The graph is written down from its
description, with TensorFlow's own operations, and shares no code with ``deepz_zoo``.

    python tests/zoo/tensorflow_models.py FOLDER --levels 3 --width 24 --sizes 16x24
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1

FIRST = (25, 72, 144, 288, 576, 1152)
SECOND = (48, 96, 192, 384, 768, 1536)


def variable(name: str, shape: list[int]) -> tf.Tensor:
    # Grey levels of an image: random blocks raise the contrast, so that the last layer lowers it.
    contrast = 0.01 if v1.get_variable_scope().name.endswith("last_layer") else 1
    values = v1.random_normal_initializer(stddev=contrast * (2 / np.prod(shape[:3])) ** 0.5)
    return v1.get_variable(name, shape, initializer=values)


def convolution(x: tf.Tensor, name: str, channels: int, biases: str = "biases") -> tf.Tensor:
    with v1.variable_scope(name):
        filters = variable("filters", [3, 3, x.shape[-1], channels])
        bias = variable(biases, [channels])
    return v1.nn.bias_add(tf.nn.conv2d(x, filters, 1, "SAME"), bias)


def up_convolution(x: tf.Tensor, skip: tf.Tensor) -> tf.Tensor:
    channels = skip.shape[-1]
    with v1.variable_scope("conv0"):
        filters = variable("filters", [3, 3, channels, x.shape[-1]])
        bias = variable("biases", [channels])
    return v1.nn.bias_add(tf.nn.conv2d_transpose(x, filters, tf.shape(skip), 2, "SAME"), bias)


def two_convolutions(x: tf.Tensor, first: int, second: int) -> tf.Tensor:
    x = tf.nn.relu(convolution(x, "conv1", first))
    return tf.nn.relu(convolution(x, "conv2", second))


def generator(x: tf.Tensor, levels: int, width: float) -> tf.Tensor:
    """Map (1, height, width, 2) to (1, height, width, 1)."""
    first = [max(1, round(c * width)) for c in FIRST[:levels]]
    second = [max(1, round(c * width)) for c in SECOND[:levels]]
    skips = []
    with v1.variable_scope("Generator"):
        for level in range(levels):
            if level:
                x = tf.nn.max_pool2d(x, 2, 2, "SAME")
            with v1.variable_scope(f"down{level}"):
                y = two_convolutions(x, first[level], second[level])
            missing = second[level] - x.shape[-1]
            x = y + tf.pad(x, [[0, 0], [0, 0], [0, 0], [0, missing]])
            skips.append(x)
        for level in reversed(range(levels - 1)):
            with v1.variable_scope(f"up{level}"):
                up = up_convolution(x, skips[level])
                up.set_shape(skips[level].shape)
                both = tf.concat([up, skips[level]], axis=-1)
                x = two_convolutions(both, first[level + 1], second[level]) + up
        return convolution(x, "last_layer", 1, biases="biases_1")


def write_saved_model(session: Any, placeholder: Any, output: Any, to: Path):
    builder = v1.saved_model.Builder(str(to))
    signature = v1.saved_model.predict_signature_def({"input": placeholder}, {"output": output})
    builder.add_meta_graph_and_variables(
        session, ["serve"], signature_def_map={"serving_default": signature}
    )
    builder.save()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--levels", type=int, default=6)
    parser.add_argument("--width", type=float, default=1, help="1/WIDTH of the channels")
    parser.add_argument("--sizes", nargs="*", default=[], help="run at these, as in 64x96")
    parser.add_argument("--images", type=Path, help="npz of inputs (y, x, 2) to run as well")
    parser.add_argument("--shards", action="store_true", help="save in several data files")
    arguments = parser.parse_args()
    v1.disable_eager_execution()
    v1.set_random_seed(1)
    tf.random.set_seed(1)
    rng = np.random.default_rng(2)
    inputs = {
        size: rng.normal(0.3, 0.5, (*map(int, size.split("x")), 2)).astype(np.float32)
        for size in arguments.sizes
    }
    if arguments.images:
        inputs |= dict(np.load(arguments.images))
    placeholder = v1.placeholder(tf.float32, [None, None, 2])
    output = generator(placeholder[None], arguments.levels, 1 / arguments.width)
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        write_saved_model(session, placeholder, output, arguments.folder)
        if arguments.shards:
            (arguments.folder / "sharded").mkdir()
            saver = v1.train.Saver(sharded=True)
            saver.save(session, str(arguments.folder / "sharded" / "variables"))
        results: dict[str, Any] = {}
        for name, image in inputs.items():
            results[f"{name}_in"] = image
            results[f"{name}_out"] = session.run(output, {placeholder: image})[0, :, :, 0]
    np.savez(arguments.folder / "results.npz", **results)


if __name__ == "__main__":
    main()
