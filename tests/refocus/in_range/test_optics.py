"""What an OME-TIFF says of its objective and channels, and what follows from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.images import read_image
from deepz_zoo.images.select import select_frames
from deepz_zoo.optics import get_system
from deepz_zoo.refocus import image_warnings
from deepz_zoo.refocus.in_range.optics import optics_warnings

SYSTEM = get_system("leica20x_0.8/TxRd")

_OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
  <Instrument ID="Instrument:0">{objectives}</Instrument>
  <Image ID="Image:0"><InstrumentRef ID="Instrument:0"/>{settings}
    <Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="40" SizeY="32"
     SizeZ="{planes}" SizeC="{count}" SizeT="1" PhysicalSizeX="0.325" PhysicalSizeY="0.325">
      {channels}<TiffData/></Pixels></Image></OME>"""


def objective(number: int, aperture: float, immersion: str) -> str:
    return f'<Objective ID="Objective:{number}" LensNA="{aperture}" Immersion="{immersion}"/>'


def channel(number: int, emission: str) -> str:
    return f'<Channel ID="Channel:0:{number}" SamplesPerPixel="1" {emission}/>'


def write(
    path: Path, objectives: str, *emissions: str, settings: str = "", frames: int = 1
) -> Path:
    """Write an image; its `frames` are saved as planes of a z-stack, as some programs do."""
    count = len(emissions)
    channels = "".join(channel(number, emission) for number, emission in enumerate(emissions))
    xml = _OME.format(
        objectives=objectives, settings=settings, channels=channels, count=count, planes=frames
    )
    data = np.random.default_rng(0).poisson(300, (count * frames, 32, 40)).astype(np.uint16)
    tifffile.imwrite(path, data, description=xml.encode(), metadata=None, photometric="minisblack")
    return path


@pytest.mark.parametrize(
    ("lens", "emission", "said"),
    [
        ((0.8, "Air"), 'EmissionWavelength="615"', []),
        ((0.79, "Air"), 'EmissionWavelength="0.6" EmissionWavelengthUnit="µm"', []),
        ((0.8, "Multi"), "", []),
        ((0.75, "Air"), "", ["NA 0.75, the model is for 0.8"]),
        ((0.8, "WaterDipping"), "", ["immersion in water, the model is for air"]),
        ((0.8, "Air"), 'EmissionWavelength="509"', ["emission at 509 nm, the model is for 590"]),
        ((1.4, "Oil"), 'EmissionWavelength="700"', ["NA 1.4", "immersion in oil", "at 700 nm"]),
    ],
)
def test_other_optics_are_told(tmp_path, lens, emission, said):
    path = write(tmp_path / "image.ome.tif", objective(0, *lens), emission)
    found = optics_warnings(read_image(path), SYSTEM)
    assert len(found) == len(said)
    assert all(part in line for part, line in zip(said, found, strict=True))


def test_the_chosen_channel_counts(manifest, tmp_path):
    path = write(
        tmp_path / "two.ome.tif",
        objective(0, 0.8, "Air"),
        'EmissionWavelength="509"',
        'EmissionWavelength="610"',
    )
    image = read_image(path)
    assert image.emission_um == (0.509, 0.61)
    assert optics_warnings(select_frames(image, input_channel="2"), SYSTEM) == ()
    found = image_warnings(select_frames(image, input_channel="1"), manifest)
    assert any("509 nm" in line for line in found)


def test_naming_the_axes_keeps_what_the_file_says(manifest, tmp_path):
    path = tmp_path / "series.ome.tif"
    write(path, objective(0, 1.3, "Oil"), 'EmissionWavelength="509"', frames=3)
    assert read_image(path).axes == "zyx"
    frames = read_image(path, axes="tyx")
    assert len(optics_warnings(frames, SYSTEM)) == 3
    found = image_warnings(select_frames(frames), manifest)
    assert set(optics_warnings(frames, SYSTEM)) <= set(found)


def test_the_objective_that_the_image_names_counts(tmp_path):
    lenses = objective(0, 0.5, "Air") + objective(1, 0.8, "Air")
    unnamed = write(tmp_path / "a.ome.tif", lenses, "")
    assert read_image(unnamed).numerical_aperture is None
    settings = '<ObjectiveSettings ID="Objective:1"/>'
    named = write(tmp_path / "b.ome.tif", lenses, "", settings=settings)
    assert read_image(named).numerical_aperture == 0.8


def test_a_file_without_optics(tmp_path):
    tifffile.imwrite(tmp_path / "plain.tif", np.zeros((20, 20), np.uint16))
    assert optics_warnings(read_image(tmp_path / "plain.tif"), SYSTEM) == ()
