from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from deepz_zoo import dpm
from deepz_zoo.errors import DeepZError
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.refocus import batches as batch_module
from deepz_zoo.refocus import refocus_image, refocus_planes
from deepz_zoo.refocus import tiling as tiling_module
from deepz_zoo.refocus.planes import rounded
from deepz_zoo.refocus.tiling import tiles


class Channel(nn.Module):
    """Stands in for a generator and returns one of its two inputs."""

    multiple = 4

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
        self.seen: list[tuple[int, ...]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(tuple(x.shape))
        return x[:, self.index : self.index + 1]


def network(levels: int, up_kernel: int = 2) -> DeepZModel:
    torch.manual_seed(levels)
    config = GeneratorConfig(width=0.08, levels=levels, up_kernel=up_kernel)
    return DeepZModel(Generator(config)).eval()


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(5)
    picture = rng.poisson(100, (150, 205)).astype(np.float64)
    for y, x in rng.integers(5, 145, (40, 2)):
        picture[y - 2 : y + 3, x - 2 : x + 3] += rng.uniform(200, 3000)
    return picture.astype(np.uint16)


def test_the_image_passes_through_in_its_own_units(image) -> None:
    refocused = refocus_image(DeepZModel(Channel(0)), image, 3.0)
    assert refocused.dtype == np.float32
    np.testing.assert_allclose(refocused, image, rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("tile_px", [64, 1024])
def test_every_pixel_gets_its_own_distance(image, tile_px: int) -> None:
    model = DeepZModel(Channel(1))
    surface = dpm.Tilt(1.5, axis="y").dpm(image.shape, 0.325)
    surface += dpm.Tilt(4, axis="x").dpm(image.shape, 0.325)
    refocused = refocus_image(model, image, surface, tile_px=tile_px)
    background, scale = model.normalization(torch.from_numpy(image.astype(np.float32))[None, None])
    expected = surface / 10 * scale.item() + background.item()
    np.testing.assert_allclose(refocused, expected, rtol=1e-5)


def by_the_graph(model: nn.Module, image: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """Return what a consumer of the package gets: the whole image through the graph."""
    with torch.inference_mode():
        batch = np.stack([image.astype(np.float32), surface])[None]
        return model(torch.from_numpy(batch))[0, 0].numpy()


def test_it_equals_the_graph_that_consumers_run(image) -> None:
    model = network(levels=3)
    surface = dpm.Tilt(3, axis="x").dpm(image.shape, 0.325)
    expected = by_the_graph(model, image, surface)
    tolerance = 1e-5 * np.ptp(expected)
    np.testing.assert_allclose(refocus_image(model, image, surface), expected, atol=tolerance)


@pytest.mark.parametrize("shape", [(31, 1024), (150, 205)])
def test_a_whole_image_is_normalized_and_refocused_once(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(8).poisson(300, shape).astype(np.float32)
    generator = Channel(1)
    refocus_image(DeepZModel(generator), image, -2.5)
    padded = tuple(-(-side // generator.multiple) * generator.multiple for side in shape)
    assert generator.seen == [(1, 2, *padded)]
    model = network(levels=3)
    expected = by_the_graph(model, image, np.full(shape, -2.5, np.float32))
    found = refocus_image(model, image, -2.5)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.ptp(expected))


def test_another_graph_sees_the_whole_image(image) -> None:
    class Graph(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :1] / x[:, :1].amax() + x[:, 1:]

    surface = dpm.Tilt(3, axis="x").dpm(image.shape, 0.325)
    found = refocus_image(Graph(), image, surface, tile_px=64)
    np.testing.assert_array_equal(found, by_the_graph(Graph(), image, surface))


@pytest.mark.parametrize(("levels", "up_kernel"), [(2, 2), (3, 2), (3, 3)])
def test_tiles_agree_with_the_whole_image(image, levels: int, up_kernel: int, monkeypatch) -> None:
    model = network(levels, up_kernel)
    surface = dpm.Tilt(3, axis="x").dpm(image.shape, 0.325)
    whole = refocus_image(model, image, surface)
    side = 20 * model.multiple  # leaves a core of 4 cells between two overlaps of 8
    tiled = refocus_image(model, image, surface, tile_px=side)
    tolerance = 1e-4 * np.ptp(whole)
    np.testing.assert_allclose(tiled, whole, atol=tolerance, rtol=0)
    # The comparison can fail: with next to no overlap the tiles differ.
    monkeypatch.setattr(tiling_module, "HALO_MULTIPLES", 1)
    assert np.abs(refocus_image(model, image, surface, tile_px=side) - whole).max() > tolerance


@pytest.mark.parametrize(("levels", "up_kernel"), [(2, 2), (3, 2), (4, 2), (3, 3), (4, 3)])
def test_the_overlap_covers_what_an_output_pixel_sees(levels: int, up_kernel: int) -> None:
    model = network(levels, up_kernel)
    generator, cell = model.generator, model.multiple
    for parameter in generator.parameters():
        parameter.data.abs_()  # so that no path is cut by a ReLU
    n = 24 * cell
    radius = 0
    for pixel in (12 * cell, 12 * cell + cell // 2, 13 * cell - 1):
        x = torch.rand(1, 2, n, n, requires_grad=True)
        generator(x)[0, 0, pixel, pixel].backward()
        seen = np.flatnonzero(x.grad.abs().sum((0, 1, 2)).numpy())
        radius = max(radius, pixel - int(seen[0]), int(seen[-1]) - pixel)
    assert 4 * cell < radius <= tiling_module.HALO_MULTIPLES * cell


def test_tiles_bound_what_the_network_sees(image) -> None:
    generator = Channel(0)
    refocus_image(DeepZModel(generator), image, 1.0, tile_px=80)
    assert len(generator.seen) > 4
    assert max(max(shape[2:]) for shape in generator.seen) <= 80


@pytest.mark.parametrize("shape", [(16, 16), (100, 333), (257, 64)])
@pytest.mark.parametrize("tile_px", [16, 96, 130, 1024])
def test_cores_cover_the_image_once(shape: tuple[int, int], tile_px: int) -> None:
    counts = np.zeros(shape, int)
    for tile in tiles(shape, tile_px, multiple=4):
        counts[tile.core] += 1
        window = np.zeros(shape, int)
        window[tile.window] = 1
        assert window[tile.core].all()
        position = np.indices(shape)
        for axis in range(2):
            np.testing.assert_array_equal(
                position[axis][tile.window][tile.inner], position[axis][tile.core]
            )
            assert tile.window[axis].start % 4 == 0
    assert (counts == 1).all()


@pytest.mark.parametrize("shape", [(100, 333), (257, 1100)])
@pytest.mark.parametrize("tile_px", [16, 96, 130])
def test_padded_windows_are_of_one_size(shape: tuple[int, int], tile_px: int) -> None:
    windows = {
        tuple(-(-(side.stop - side.start) // 4) for side in tile.window)
        for tile in tiles(shape, tile_px, multiple=4)
    }
    assert len(windows) == 1


def test_a_gpu_takes_as_large_a_tile_as_its_memory_holds(monkeypatch) -> None:
    model, gpu = network(levels=2), torch.device("cuda")
    channels = list(model.generator.parameters())[-2].shape[1]
    for memory, side in ((2 * 48 * channels * 3000**2, 3000), (1000, 1024)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=memory: (free, free))
        assert batch_module.default_tile_px(model, gpu) == side
        assert batch_module.planes_at_once(model, 1000**2, 20, gpu) == (7 if side > 1024 else 1)
    assert batch_module.default_tile_px(model, torch.device("cpu")) == 1024


@pytest.mark.parametrize(("memory", "batches"), [(1 << 34, [4, 3]), (0, [1] * 7)])
def test_small_planes_go_through_the_network_together(
    image, memory: int, batches: list[int], monkeypatch
) -> None:
    monkeypatch.setattr(batch_module, "available_bytes", lambda: memory)
    monkeypatch.setattr(batch_module, "_ENOUGH_PX", 5 * image.size)
    seen = []
    model = network(levels=2)
    model.generator.register_forward_hook(lambda module, x, y: seen.append(len(x[0])))
    targets = [*range(6), dpm.Tilt(2, axis="y").dpm(image.shape, 0.325)]
    planes = list(refocus_planes(model, image, targets))
    assert seen == batches
    for plane, target in zip(planes, targets, strict=True):
        alone = refocus_image(model, image, target)
        np.testing.assert_allclose(plane, alone, atol=1e-5 * np.ptp(alone))


def test_a_list_gives_a_stack_in_its_order(image) -> None:
    model = network(levels=2)
    stack = refocus_image(model, image, [2.0, -1.0])
    assert stack.shape == (2, *image.shape)
    for plane, z in zip(stack, (2.0, -1.0), strict=True):
        # Planes of one batch are the same but for rounding.
        alone = refocus_image(model, image, z)
        np.testing.assert_allclose(plane, alone, atol=2e-6 * np.ptp(alone))
    assert all(np.any(a != b) for a, b in pairwise(stack))


@pytest.mark.parametrize(
    ("shape", "target"), [((15, 40), 1.0), ((2, 40, 40), 1.0), ((40, 40), np.zeros((40, 41)))]
)
def test_what_does_not_fit_is_refused(shape, target) -> None:
    with pytest.raises(DeepZError, match="expected"):
        refocus_image(DeepZModel(Channel(0)), np.ones(shape, np.uint16), target)


def test_rounding_stays_in_range() -> None:
    plane = np.array([[-3.2, 7.6, 300.0]], np.float32)
    assert rounded(plane, np.dtype(np.uint8)).tolist() == [[0, 8, 255]]
    assert rounded(plane, np.dtype(np.float32)).dtype == np.float32


def test_a_plane_that_is_not_finite_is_refused() -> None:
    class Nowhere(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :1] / 0

    with pytest.raises(DeepZError, match="the refocused image holds NaN or infinity"):
        refocus_image(Nowhere(), np.ones((20, 20), np.uint16), 1.0)
