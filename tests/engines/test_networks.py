"""Every engine runs the network of a model as torch does, also when it starts from the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch

from deepz_zoo import dpm
from deepz_zoo.engines import cache, network_onnx
from deepz_zoo.engines.engine_network import bytes_per_pixel
from deepz_zoo.engines.openvino_network import has_openvino
from deepz_zoo.engines.with_engine import with_engine
from deepz_zoo.models import load_model
from deepz_zoo.network.config import RELEASED, GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.refocus import refocus_image

pytestmark = pytest.mark.slow

ENGINES = (
    pytest.param(
        "openvino",
        marks=pytest.mark.skipif(not has_openvino(), reason="no wheel of OpenVINO for this system"),
    ),
    "onnxruntime",
)
CONFIGS = {
    "paper": GeneratorConfig(width=0.1),
    "released": RELEASED.model_copy(update={"width": 0.1, "levels": 4}),
    "skip second": GeneratorConfig(width=0.1, levels=3, skip_first=False),
}


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache of this test alone."""
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    return tmp_path / "cache" / "engines"


def model_of(config: GeneratorConfig) -> DeepZModel:
    torch.manual_seed(7)
    return DeepZModel(Generator(config)).eval()


def picture(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    image = rng.poisson(100, shape).astype(np.float32)
    image[..., ::7, ::9] += rng.uniform(200, 3000, image[..., ::7, ::9].shape)
    return image


def assert_equal_images(found: np.ndarray, expected: np.ndarray) -> None:
    """Check that two images differ by at most 1e-4 of their scale."""
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.ptp(expected), rtol=0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_an_engine_gives_the_planes_of_torch(config: GeneratorConfig, engine) -> None:
    model = model_of(config)
    for shape in ((70, 52), (16, 33)):  # of which no side is a whole number of cells
        expected = refocus_image(model, picture(*shape), [-4.0, 0.0, 7.5])
        found = refocus_image(with_engine(model, engine, "float32"), picture(*shape), [-4, 0, 7.5])
        assert np.ptp(expected[0] - expected[2]) > 1e-3 * np.ptp(expected)
        assert_equal_images(found, expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_gives_the_planes_of_a_trained_model(engine) -> None:
    model, manifest = load_model("leica20x_0.8/TxRd")
    fast = with_engine(model, engine, "float32", manifest=manifest)
    surface = dpm.Tilt(3, axis="y").dpm((130, 170), 0.325)
    image = picture(130, 170)
    assert_equal_images(refocus_image(fast, image, surface), refocus_image(model, image, surface))


@pytest.mark.parametrize("engine", ENGINES)
def test_tiles_are_exact_with_every_engine(engine) -> None:
    model = model_of(GeneratorConfig(width=0.08, levels=3))
    image = picture(150, 205)
    whole = refocus_image(model, image, 3.0)
    assert_equal_images(
        refocus_image(with_engine(model, engine, "float32"), image, 3.0, tile_px=80), whole
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_second_start_reads_what_the_first_wrote(
    engine, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, image = model_of(CONFIGS["paper"]), picture(40, 40)
    first = refocus_image(with_engine(model, engine, "float32"), image, 2.0)
    (file,) = cache_folder.iterdir()

    def not_again(network: torch.nn.Module) -> bytes:
        raise AssertionError("the network is converted a second time")

    for module in ("openvino_network", "onnx_network"):
        monkeypatch.setattr(f"deepz_zoo.engines.{module}.network_onnx", not_again)
    again = refocus_image(with_engine(model, engine, "float32"), image, 2.0)
    np.testing.assert_array_equal(again, first)
    file.unlink()
    with pytest.raises(AssertionError, match="a second time"):
        with_engine(model, engine, "float32")


@pytest.mark.skipif(not has_openvino(), reason="no wheel of OpenVINO for this system")
def test_a_damaged_file_of_the_cache_is_written_anew(cache_folder: Path) -> None:
    model = model_of(CONFIGS["paper"])
    with_engine(model, "openvino", "float32")
    (file,) = cache_folder.iterdir()
    image = picture(40, 40)
    first = refocus_image(with_engine(model, "openvino", "float32"), image, 2.0)
    file.write_bytes(b"no network")
    again = refocus_image(with_engine(model, "openvino", "float32"), image, 2.0)
    np.testing.assert_allclose(again, first, atol=1e-5 * np.ptp(first))
    assert file.stat().st_size > 1000


@pytest.mark.skipif(not has_openvino(), reason="no wheel of OpenVINO for this system")
def test_openvino_does_not_report_to_its_maker(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from deepz_zoo.engines.openvino_network import openvino_precisions\n"
        "assert 'float32' in openvino_precisions()\n"
        "assert sys.modules['openvino_telemetry'] is None\n"
        "assert not [name for name in sys.modules if name.startswith('openvino_telemetry.')]\n"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "CI": ""}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert not (tmp_path / "intel").exists()  # where it would keep the number of the user


def test_a_cache_that_cannot_be_written_does_not_matter(cache_folder: Path) -> None:
    cache_folder.parent.mkdir()
    cache_folder.write_text("a file where the folder should be")
    model, image = model_of(CONFIGS["paper"]), picture(32, 32)
    found = refocus_image(with_engine(model, "onnxruntime", "float32"), image, 1.0)
    assert_equal_images(found, refocus_image(model, image, 1.0))


def test_networks_of_one_text_have_files_of_their_own() -> None:
    names = {
        cache.cache_name(Generator(config.model_copy(update={"skip_first": first})).eval(), *more)
        for config in (CONFIGS["paper"],)
        for first in (True, False)
        for more in ((), ("other",))
        if torch.manual_seed(1)
    }
    assert len(names) == 4


def test_the_cache_keeps_the_files_that_were_used_last(cache_folder: Path, monkeypatch) -> None:
    for age, name in enumerate(("newest", "old", "oldest")):
        cache.write_cached(name, b"x")
        os.utime(cache_folder / name, (1e9 - age, 1e9 - age))
    assert cache.read_cached("old") == b"x"  # which makes it the newest
    monkeypatch.setattr(cache, "MAX_FILES", 2)
    cache.write_cached("another", b"y")
    assert {path.name for path in cache_folder.iterdir()} == {"old", "another"}
    assert cache.read_cached("oldest") is None


def test_the_onnx_is_for_any_size() -> None:
    import onnx

    proto = onnx.load_from_string(network_onnx.network_onnx(model_of(CONFIGS["paper"]).generator))
    sides = [axis.dim_param for axis in proto.graph.input[0].type.tensor_type.shape.dim]
    assert sides == ["batch", "", "y", "x"]


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_fewer_digits_change_an_image_a_little(precision) -> None:
    model, _ = load_model("leica20x_0.8/TxRd")
    image = picture(64, 64)
    expected = refocus_image(model, image, 4.0)
    found = refocus_image(with_engine(model, "torch", precision), image, 4.0)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999
    # The comparison can fail: the digits are fewer, and the model itself is as it was.
    assert np.abs(found - expected).max() > 1e-4 * np.ptp(expected)
    np.testing.assert_array_equal(refocus_image(model, image, 4.0), expected)


def test_torch_in_float32_is_the_model_itself() -> None:
    model = model_of(CONFIGS["paper"])
    assert with_engine(model, "torch", "float32", device="cpu") is model


def test_an_engine_keeps_the_normalization_and_the_memory_of_the_model() -> None:
    model = DeepZModel(model_of(CONFIGS["paper"]).generator, 5.0, "plugin").eval()
    image = picture(40, 40).astype(np.uint16)
    fast = with_engine(model, "onnxruntime", "float32")
    expected = refocus_image(model, image, 2.0)
    assert np.abs(refocus_image(fast, image, 2.0) - expected).max() <= 1  # a grey level
    assert bytes_per_pixel(fast.generator) == bytes_per_pixel(model.generator) == 48 * 5
    half = with_engine(model, "torch", "float16")
    assert bytes_per_pixel(half.generator) == 24 * 5
