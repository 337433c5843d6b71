"""The plugin's normalization against its description, against ImageJ, and in the graph."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji import ImageJ
from deepz_zoo.intensities.plugin_normalization import (
    landini_triangle,
    plugin_grey_levels,
    plugin_intensity_scale,
)
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.export import export_onnx, export_torchscript
from deepz_zoo.network.graph.plugin_normalization import PluginNormalization
from deepz_zoo.network.graph.wrapper import DeepZModel

KINDS = ("camera", "few levels", "flat", "any level", "bright background", "saturated", "black")


def image_of(kind: str, bits: int, shape: tuple[int, int] = (37, 52)) -> np.ndarray:
    rng = np.random.default_rng(KINDS.index(kind) + bits)
    highest = 2**bits - 1
    y, x = np.mgrid[: shape[0], : shape[1]]
    spots = sum(
        np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 8) for cy, cx in rng.uniform(0, shape, (9, 2))
    )
    image = {
        "camera": rng.poisson(20 + highest / 4 * spots),
        "few levels": rng.choice([3, 7, 8, 200], shape),
        "flat": np.full(shape, 9),
        "any level": rng.integers(0, highest, shape, endpoint=True),
        "bright background": highest - 10 - rng.poisson(20 + highest / 8 * spots),
        "saturated": rng.poisson(30 + highest * spots),
        "black": np.zeros(shape),
    }[kind]
    return np.clip(image, 0, highest).astype(np.uint8 if bits == 8 else np.uint16)


def scale_by_the_description(image: np.ndarray, threshold: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of the foreground, from sorted lists."""
    pixels = sorted(image.ravel().tolist())
    middle = len(pixels) // 2
    median = pixels[middle] if len(pixels) % 2 else (pixels[middle - 1] + pixels[middle]) / 2
    foreground = [value for value in pixels if value > threshold]
    return median, foreground[int(0.99 * len(foreground))] if foreground else 1


def triangle_by_the_description(histogram: list[int]) -> int:
    """Return the threshold by the distances of points from a line, one after another."""
    used = [level for level, count in enumerate(histogram) if count]
    last = len(histogram) - 1
    peak = histogram.index(max(histogram))
    low, high = max(used[0] - 1, 0), min(used[-1] + 1, last)
    if peak - low < high - peak:
        return last - _split(histogram[::-1], last - high, last - peak)
    return _split(histogram, low, peak)


def _split(histogram: list[int], start: int, peak: int) -> int:
    length = math.sqrt(float(histogram[peak]) ** 2 + float(start - peak) ** 2)
    across, along = histogram[peak] / length, (start - peak) / length
    constant = across * start + along * histogram[start]
    best, farthest = start, 0.0
    for level in range(start + 1, peak + 1):
        distance = across * level + along * histogram[level] - constant
        if distance > farthest:
            best, farthest = level, distance
    return best - 1


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_it_follows_its_description(kind: str, bits: int) -> None:
    image = image_of(kind, bits)
    histogram = np.bincount(image.ravel(), minlength=2**bits)
    threshold = triangle_by_the_description(histogram.tolist())
    assert landini_triangle(histogram) == threshold
    found = plugin_intensity_scale(image)
    assert (found.background, found.scale) == scale_by_the_description(image, threshold)


@pytest.mark.java
def test_the_threshold_is_imagejs(imagej: ImageJ) -> None:
    thresholder = imagej.java_class("ij.process.AutoThresholder")()
    for kind in set(KINDS) - {"black"}:  # where ImageJ's own answer is below every level
        histogram = np.bincount(image_of(kind, 8).ravel(), minlength=256)
        counts = histogram.astype(np.int32).tolist()
        assert landini_triangle(histogram) == thresholder.getThreshold("Triangle", counts), kind


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_gives_the_same_numbers_to_the_last_bit(kind: str, bits: int) -> None:
    image = image_of(kind, bits)
    background, scale = PluginNormalization(bits)(
        torch.from_numpy(image.astype(np.float32))[None, None]
    )
    expected = plugin_intensity_scale(image)
    assert (background.item(), scale.item()) == (expected.background, expected.scale)
    normalized = (torch.from_numpy(image.astype(np.float32)) - background) / scale
    np.testing.assert_array_equal(normalized[0, 0].numpy(), expected.apply(image))


class Contrast(torch.nn.Module):
    """Stands in for a network: every step of the output scaling shows."""

    multiple = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1] + x[:, 1:]


@pytest.mark.parametrize(("normalization", "bits"), [("plugin", 16), ("plugin-8bit", 8)])
def test_exports_give_the_same_grey_levels(tmp_path: Path, normalization, bits: int) -> None:
    model = DeepZModel(Contrast(), normalization=normalization).eval()
    export_onnx(model, tmp_path / "model.onnx")
    export_torchscript(model, tmp_path / "model.pt")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    script = torch.jit.load(str(tmp_path / "model.pt"))
    for kind in ("camera", "few levels", "bright background", "flat"):
        image = image_of(kind, bits, (33, 70))
        dpm = np.linspace(-10, 10, image.size, dtype=np.float32).reshape(image.shape)
        tensor = np.stack([image.astype(np.float32), dpm])[None]
        output = plugin_intensity_scale(image).apply(image) + dpm / np.float32(10)
        expected = plugin_grey_levels(output, bits).astype(np.float32)
        (by_onnx,) = session.run(None, {"input": tensor})
        np.testing.assert_array_equal(by_onnx[0, 0], expected)
        np.testing.assert_array_equal(script(torch.from_numpy(tensor))[0, 0].numpy(), expected)


def test_each_image_of_a_batch_is_measured_by_itself() -> None:
    images = [image_of(kind, 16) for kind in ("camera", "any level", "flat")]
    batch = torch.from_numpy(np.stack(images).astype(np.float32))[:, None]
    background, scale = PluginNormalization(16)(batch)
    for image, b, s in zip(images, background.flatten(), scale.flatten(), strict=True):
        expected = plugin_intensity_scale(image)
        assert (b.item(), s.item()) == (expected.background, expected.scale)


def test_an_image_with_fractions_is_measured_as_its_rounded_one() -> None:
    image = image_of("camera", 16).astype(np.float32)
    moved = torch.from_numpy(image + 0.25)[None, None]
    found = PluginNormalization(16)(moved)
    expected = PluginNormalization(16)(torch.from_numpy(image)[None, None])
    assert torch.equal(torch.cat(found), torch.cat(expected))


@pytest.mark.parametrize(
    ("bits", "imagej_1_52", "output", "expected"),
    [
        (16, False, [-0.5, 0, 1e-5, 0.5, 1, 7], [0, 0, 1, 32768, 65535, 65535]),
        (8, False, [-0.5, 0, 0.1, 0.5, 0.996, 1, 7], [0, 0, 26, 128, 254, 255, 255]),
        (8, True, [-0.5, 0, 0.1, 0.5, 0.996, 1, 7], [0, 0, 26, 128, 255, 255, 255]),
    ],
)
def test_grey_levels(bits: int, imagej_1_52: bool, output: list, expected: list) -> None:
    values = np.array(output, np.float32)
    found = plugin_grey_levels(values, bits, imagej_1_52=imagej_1_52)
    assert found.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert found.tolist() == expected
    graph = PluginNormalization(bits, imagej_1_52=imagej_1_52)
    assert graph.grey_levels(torch.from_numpy(values), None, None).tolist() == expected


@pytest.mark.java
def test_grey_levels_are_imagejs(imagej: ImageJ) -> None:
    """Of Debian's ImageJ 1.52, which still has 256 levels in its conversion to 8 bits."""
    import jpype

    old = imagej.version < "1.53"
    values = np.random.default_rng(0).uniform(-0.1, 1.1, 5000).astype(np.float32)
    for bits in (8, 16):
        highest = 2**bits - 1
        pixels = jpype.JFloat[:](values * np.float32(highest))
        processor = imagej.java_class("ij.process.FloatProcessor")(100, 50, pixels)
        processor.setMinAndMax(0, highest)
        converter = imagej.java_class("ij.process.TypeConverter")(processor, True)
        converted = converter.convertToByte() if bits == 8 else converter.convertToShort()
        found = np.array([converted.get(i) for i in range(5000)])
        expected = plugin_grey_levels(values, bits, imagej_1_52=old)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.ones((4, 4), np.float32), "type float32; the plugin's normalization is for 8- and 16"),
        (np.ones((4, 4), np.int32), "type int32"),
        (np.ones((2, 4, 4), np.uint8), "rows and columns"),
        (np.ones((0, 4), np.uint8), "rows and columns"),
    ],
)
def test_other_images_are_refused(image: np.ndarray, says: str) -> None:
    with pytest.raises(DeepZError, match=says):
        plugin_intensity_scale(image)


def test_a_network_in_the_graph_of_the_plugin_keeps_any_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(width=0.05, levels=2, padding="zeros", up_kernel=3))
    export_onnx(DeepZModel(generator, normalization="plugin").eval(), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for shape in ((16, 16), (33, 21)):
        tensor = np.stack([image_of("camera", 16, shape), np.zeros(shape)])[None].astype(np.float32)
        (output,) = session.run(None, {"input": tensor})
        assert output.shape == (1, 1, *shape)
        np.testing.assert_array_equal(output, output.round())
