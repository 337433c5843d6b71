"""The graph that consumers run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import tifffile
import torch
from torch import nn

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.export import export_onnx, export_torchscript
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.optics import get_system
from deepz_zoo.records.accuracy import NOISES, Noise
from deepz_zoo.simulate import SPECIMENS, simulate_stack
from tests.builders import BEAD

pytestmark = pytest.mark.slow


class Recorder(nn.Module):
    """Returns its image channel and remembers what it was given."""

    multiple = 16

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen = x
        return x[:, :1]


def raw_images(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    images = 100 + 40 * torch.rand(shape, generator=generator)
    images[..., 3:7, 4:9] += 900 * torch.rand(1, generator=generator)
    return images.round()


@pytest.fixture(scope="module")
def model() -> DeepZModel:
    torch.manual_seed(0)
    return DeepZModel(Generator(GeneratorConfig(width=0.08))).eval()


@pytest.mark.slow
@pytest.mark.parametrize("specimen", SPECIMENS)
@pytest.mark.parametrize("noise", NOISES)
def test_normalization_agrees_with_intensities(specimen: str, noise: Noise) -> None:
    stack = simulate_stack(
        get_system("leica20x_0.8/TxRd"), specimen, seed=11, shape=(64, 64), noise=noise
    )
    wrapper = DeepZModel(Recorder())
    for image in (
        stack.camera[0],
        stack.camera[20],
        stack.noise_free[30],
        stack.noise_free[10] / 1e5,
    ):
        expected = intensity_scale(image)
        background, scale = wrapper.normalization(
            torch.from_numpy(image.astype(np.float32))[None, None]
        )
        assert background.item() == pytest.approx(expected.background, abs=0.01 * expected.scale)
        assert scale.item() == pytest.approx(expected.scale, rel=0.01)


def test_normalization_agrees_with_preprocess_on_an_acquired_image() -> None:
    for plane in tifffile.imread(BEAD)[::6]:
        expected = intensity_scale(plane)
        background, scale = DeepZModel(Recorder()).normalization(
            torch.from_numpy(plane.astype(np.float32))[None, None]
        )
        assert background.item() == pytest.approx(expected.background, abs=0.01 * expected.scale)
        assert scale.item() == pytest.approx(expected.scale, rel=0.01)


def test_the_network_sees_a_normalized_image_and_a_tenth_of_the_dpm() -> None:
    recorder = Recorder()
    x = torch.cat([raw_images(1, 1, 20, 33), torch.full((1, 1, 20, 33), -7.5)], dim=1)
    out = DeepZModel(recorder)(x)
    assert recorder.seen.shape == (1, 2, 32, 48)
    scale = intensity_scale(x[0, 0].numpy())
    assert recorder.seen[0, 0, :20, :33].numpy() == pytest.approx(
        scale.apply(x[0, 0].numpy()), abs=1e-4
    )
    assert torch.all(recorder.seen[0, 1] == -0.75)
    assert torch.allclose(out, x[:, :1], atol=1e-2), "camera units in, camera units out"


def test_each_image_of_a_batch_is_normalized_by_itself(model: DeepZModel) -> None:
    images = raw_images(3, 1, 24, 40)
    images[1] = images[1] * 7 + 1000
    images[2] = images[2] * 1e-3
    x = torch.cat([images, torch.linspace(-5, 5, 40).expand(3, 1, 24, 40)], dim=1)
    with torch.no_grad():
        together, alone = model(x), torch.cat([model(one[None]) for one in x])
    for a, b in zip(together, alone, strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-4 * b.abs().max().item())


def test_a_constant_image_stays_finite(model: DeepZModel) -> None:
    x = torch.zeros(1, 2, 16, 16)
    x[:, 0] = 100
    with torch.no_grad():
        assert torch.isfinite(model(x)).all()


@pytest.fixture(scope="module")
def exported(model: DeepZModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export_onnx(model, folder / "model.onnx")
    export_torchscript(model, folder / "model.pt")
    return folder


@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 17, 31), (3, 50, 83), (1, 160, 96)])
def test_exports_equal_the_model_at_any_size(
    model: DeepZModel, exported: Path, shape: tuple[int, int, int]
) -> None:
    b, ny, nx = shape
    x = torch.cat([raw_images(b, 1, ny, nx), torch.linspace(-9, 9, nx).expand(b, 1, ny, nx)], dim=1)
    x[-1, 0] *= 3
    with torch.no_grad():
        expected = model(x).numpy()
        script = torch.jit.load(str(exported / "model.pt"))(x).numpy()
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    (by_onnx,) = session.run(None, {"input": x.numpy()})
    scale = np.abs(expected).max()
    assert script.shape == by_onnx.shape == (b, 1, ny, nx)
    assert np.abs(script - expected).max() <= 1e-5 * scale
    assert np.abs(by_onnx - expected).max() <= 1e-5 * scale


def test_onnx_suits_old_engines(exported: Path) -> None:
    proto = onnx.load(exported / "model.onnx")
    assert proto.opset_import[0].version == 17
    assert proto.ir_version <= 8
    assert [p.name for p in exported.iterdir() if p.suffix == ".data"] == []
