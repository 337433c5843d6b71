"""Leica LIF, of files that are built as Leica describes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Acquisition, Calibration, count_positions, open_image, read_image
from tests.images.vendor.lif_files import lif_image, write_lif

liffile = pytest.importorskip("liffile", reason="pip install 'deepz-zoo[formats]'")

# Leica stores channels outside of z, here of a series of z-stacks.
DATA = np.random.default_rng(3).integers(90, 4000, (2, 2, 3, 20, 31)).astype(np.uint16)
SIDE = {"y": 19 * 0.325e-6, "x": 30 * 0.325e-6}
SETTINGS = (
    '<ATLCameraSettingDefinition NumericalAperture="0.8" Immersion="DRY" StagePosX="0.001" '
    'StagePosY="-0.002" MicroscopeModel="DMI8"><WideFieldChannelConfigurator>'
    '<WideFieldChannelInfo EmissionWavelength="605"/><WideFieldChannelInfo '
    'EmissionWavelength="525"/></WideFieldChannelConfigurator></ATLCameraSettingDefinition>'
)
SERIES = lif_image(
    DATA,
    "tczyx",
    lengths=SIDE | {"z": -1e-6, "t": 1.2},
    origins={"z": 3e-6},
    tables=("Red", "Green"),
    dyes=("TxRed", "FITC"),
    settings=SETTINGS,
    times_s=[n // 6 * 1.25 for n in range(12)],
)


def write_two(path: Path) -> np.ndarray:
    plane = DATA[0, 0, 0].astype(np.uint8)
    images = {"Series001": SERIES, "Überblick": lif_image(plane, "yx", lengths=SIDE)}
    write_lif(path, images, [DATA.tobytes(), plane.tobytes()])
    return plane


def test_pixels_and_what_is_stated(tmp_path: Path) -> None:
    write_lif(path := tmp_path / "a.lif", {"Series001": SERIES}, [DATA.tobytes()])
    with open_image(path) as opened:
        assert (opened.axes, opened.data.dtype.name) == ("tczyx", "uint16")
        np.testing.assert_array_equal(opened.plane(7), DATA.reshape(-1, 20, 31)[7])
    image = read_image(path)
    np.testing.assert_array_equal(image.data, DATA)
    assert image.z_step_um == -0.5
    assert image.calibration == Calibration(
        0.325,
        (3.0, 2.5, 2.0),
        ("TxRed", "FITC"),
        1.2,
        (0.605, 0.525),
        0.8,
        "Air",
        ("#ff0000", "#00ff00"),
        Acquisition("2020-09-13T12:26:40.000", (0.0, 1.25), (1000.0, -2000.0), "DMI8"),
    )


def test_the_library_of_the_format_reads_the_same(tmp_path: Path) -> None:
    write_lif(path := tmp_path / "a.lif", {"Series001": SERIES}, [DATA.tobytes()])
    with liffile.LifFile(path) as lif:
        found = lif.images[0].asxarray()
    np.testing.assert_array_equal(read_image(path).data, found.transpose(*"TCZYX").values)


def test_one_of_several_images(tmp_path: Path) -> None:
    plane = write_two(path := tmp_path / "a.lif")
    assert count_positions(path) == 2
    image = read_image(path, position=1)
    np.testing.assert_array_equal(image.data, plane)
    assert (image.axes, image.channel_names, image.colors) == ("yx", ("Green",), ("#00ff00",))
    assert image.pixel_size_um == pytest.approx(0.325)
    with pytest.raises(DeepZError, match=r"2 separate images \(1: Series001, 2: Überblick\)"):
        read_image(path)
    with pytest.raises(DeepZError, match="no position 3; it holds 2 images"):
        read_image(path, position=2)


def test_channels_in_sequence_are_named_by_their_cubes(tmp_path: Path) -> None:
    settings = "".join(
        f'<ATLCameraSettingDefinition><WideFieldChannelInfo FluoCubeName="{cube}" '
        f'EmissionWavelength="{nm}"/></ATLCameraSettingDefinition>'
        for cube, nm in (("TXR", 630), ("GFP", 525))
    )
    data = DATA[0, :, 0].copy()
    xml = lif_image(
        data,
        "cyx",
        lengths=SIDE,
        tables=("Gray", "Gray"),
        settings=f"<LDM_Block_Sequential_List>{settings}</LDM_Block_Sequential_List>",
    ).replace('Name="HardwareSetting"', 'Name="HardwareSetting" SystemTypeName="AF 6000"')
    write_lif(path := tmp_path / "a.lif", {"a": xml}, [data.tobytes()])
    image = read_image(path)
    assert (image.channel_names, image.emission_um) == (("TXR", "GFP"), (0.63, 0.525))
    assert image.acquisition.microscope == "AF 6000"


def test_each_tile_is_an_image(tmp_path: Path) -> None:
    tiles_m = [(0.001, 0.002), (0.0015, 0.002)]
    xml = lif_image(DATA[0], "mzyx", lengths=SIDE | {"z": 1e-6}, tiles_m=tiles_m)
    write_lif(path := tmp_path / "a.lif", {"TileScan": xml}, [DATA[0].tobytes()])
    assert count_positions(path) == 2
    for tile, expected in enumerate(DATA[0]):
        image = read_image(path, position=tile)
        assert (image.axes, image.z_um) == ("zyx", (0.0, 0.5, 1.0))
        assert image.acquisition.stage_um == pytest.approx([um * 1e6 for um in tiles_m[tile]])
        np.testing.assert_array_equal(image.data, expected)
    with pytest.raises(DeepZError, match=r"1: TileScan, tile 1, 2: TileScan, tile 2"):
        read_image(path)


def test_truncated_and_foreign_files_are_refused(tmp_path: Path) -> None:
    write_lif(path := tmp_path / "a.lif", {"Series001": SERIES}, [DATA.tobytes()])
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with open_image(path) as image:
        np.testing.assert_array_equal(image.plane(0), DATA[0, 0, 0])
    for kept in (len(content) - 100, len(content) - DATA.nbytes - 30, 500, 10):
        path.write_bytes(content[:kept])
        with pytest.raises(DeepZError, match="cannot be read whole"):
            read_image(path)
    write_lif(path, {}, [])
    with pytest.raises(DeepZError, match="holds no image"):
        read_image(path)


def test_images_that_are_none_of_planes_are_refused(tmp_path: Path) -> None:
    lines = lif_image(DATA[0, 0], "zyx", lengths=SIDE).replace('DimID="2"', 'DimID="4"')
    write_lif(path := tmp_path / "a.lif", {"xtz": lines}, [DATA[0, 0].tobytes()])
    with pytest.raises(DeepZError, match="no image of planes"):
        read_image(path)
    oblong = lif_image(DATA[0, 0], "zyx", lengths=SIDE | {"y": 1e-5})
    write_lif(path, {"oblong": oblong}, [DATA[0, 0].tobytes()])
    with pytest.raises(DeepZError, match="expected square ones"):
        read_image(path)
