"""The package of a z-stack, made from the weights of the ordinary one."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from bioimageio.core import test_model as bioimageio_test

from deepz_zoo.engines.onnx_runtime import OnnxFile
from deepz_zoo.errors import DeepZError
from deepz_zoo.optics import get_system
from deepz_zoo.package.build import build_package
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.package.contents.usage import template
from deepz_zoo.package.contents.variants import SURFACE, Variant, plane_name, zstack_variant
from deepz_zoo.package.reading.trust import programs_in
from tests.builders import read_yaml

pytestmark = pytest.mark.slow

SYSTEM = get_system("leica20x_0.8/TxRd")
VARIANT = Variant((-2.5, 0.0, 5.0))
IJ_JAR = Path("/usr/share/java/ij.jar")


@pytest.fixture(scope="module")
def zstack(model, manifest, example, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("zstack") / "planes.zip"
    build_package(model, manifest, path, variant=VARIANT, example=example, test=False)
    return path


@pytest.fixture(scope="module")
def content(zstack) -> Path:
    folder = zstack.parent / "content"
    zipfile.ZipFile(zstack).extractall(folder)
    return folder


@pytest.mark.parametrize(
    ("z_um", "name"),
    [
        (-10.0, "z_minus_10_um"),
        (0.0, "z_0_um"),
        (2.5, "z_plus_2_5_um"),
        (0.1 + 0.2, "z_plus_0_3_um"),
        (-0.125, "z_minus_0_125_um"),
    ],
)
def test_names_of_planes_are_identifiers(z_um, name):
    """Readers of format 0.5.10 refuse any other name of a channel."""
    assert plane_name(z_um) == name
    assert name.isidentifier()


def test_planes_span_the_range_by_default():
    assert zstack_variant(SYSTEM).z_um == tuple(range(-10, 11))


@pytest.mark.parametrize(
    ("z_um", "reason"),
    [
        ((0, 10.5), "10.5 µm"),
        ((-11, 0), "-11 µm"),
        ((5, 0), "ascending"),
        ((1, 1), "ascending"),
        ((0, 0.0001), "ascending"),
        (tuple(np.linspace(-10, 10, 102)), "102 planes"),
    ],
)
def test_planes_that_are_refused(z_um, reason):
    with pytest.raises(DeepZError, match=re.escape(reason)):
        zstack_variant(SYSTEM, z_um)


@pytest.mark.slow
def test_bioimageio_passes_every_format(zstack):
    summary = bioimageio_test(zstack)
    assert summary.status == "passed"
    assert len([d for d in summary.details if d.name.startswith("Reproduce")]) == 3


def test_description_says_what_goes_in_and_comes_out(content):
    description = read_yaml(content / FILES.description)
    (given,), (made,) = description["inputs"], description["outputs"]
    assert given["axes"][1]["channel_names"] == ["fluorescence"]
    assert made["axes"][1]["channel_names"] == ["z_minus_2_5_um", "z_0_um", "z_plus_5_um"]
    assert description["id"] == "deepz-leica20x_0.8-txrd-zstack"
    assert description["config"]["deepz"]["planes"]["z_um"] == [-2.5, 0.0, 5.0]
    assert description["config"]["deepz"]["dpm"] is None


def test_weights_are_those_of_the_surface_model(content, unpacked):
    for name in (FILES.state_dict, FILES.architecture):
        assert (content / name).read_bytes() == (unpacked / name).read_bytes()
    description = read_yaml(content / FILES.description)
    assert programs_in(description, content, ["pytorch_state_dict"]) == {}


def test_planes_are_those_of_the_surface_package(content, unpacked):
    image = np.load(content / FILES.test_input)
    expected = np.load(content / FILES.test_output)
    surface = OnnxFile(unpacked / FILES.onnx)
    for index, z in enumerate(VARIANT.z_um or ()):
        tensor = np.concatenate([image, np.full_like(image, z)], axis=1)
        plane = surface(tensor)
        np.testing.assert_allclose(plane[:, 0], expected[:, index], rtol=1e-4)


def test_samples_open_as_images_of_imagej(content):
    with tifffile.TiffFile(content / FILES.sample_output) as tif:
        assert tif.series[0].axes == "CYX"
        np.testing.assert_array_equal(tif.asarray(), np.load(content / FILES.test_output)[0])
    sample = tifffile.imread(content / FILES.sample_input)
    np.testing.assert_array_equal(sample, np.load(content / FILES.test_input)[0, 0])


def test_readme_needs_no_dpm_and_its_example_runs(zstack, content, monkeypatch):
    readme = (content / FILES.readme).read_text(encoding="utf-8")
    assert "DPM channel\n" not in readme
    assert "### Memory and time" in readme
    assert re.search("^#+ Validation$", readme, re.M)
    assert "`z_plus_5_um`" in readme
    (code,) = re.findall("```python\n(.*?)```", readme, re.S)
    monkeypatch.chdir(zstack.parent)
    names: dict[str, np.ndarray] = {}
    exec(code, names)
    assert names["planes"].shape == (3, *names["image"].shape)


@pytest.mark.skipif(not IJ_JAR.is_file(), reason="needs Debian's imagej")
@pytest.mark.skipif(shutil.which("java") is None, reason="needs Java")
@pytest.mark.java
def test_macro_makes_a_calibrated_stack_in_imagej(content, tmp_path):
    macro = (content / FILES.zstack_macro).read_text(encoding="utf-8")
    draw = (
        'newImage("planes", "32-bit grayscale-mode", 20, 12, 3, 1, 1);\n'
        "for (c = 1; c <= 3; c++) { Stack.setChannel(c); setPixel(4, 5, 10 * c); }\n"
    )
    save = f'save("{tmp_path}/out.tif");\n'
    (tmp_path / "run.ijm").write_text(draw + macro + save)
    command = ["java", "-Djava.awt.headless=true", "-jar", str(IJ_JAR), "-ijpath", str(tmp_path)]
    subprocess.run(
        [*command, "-batch", str(tmp_path / "run.ijm")], check=True, timeout=60, capture_output=True
    )
    with tifffile.TiffFile(tmp_path / "out.tif") as tif:
        assert tif.series[0].axes == "ZYX"
        assert tif.imagej_metadata["spacing"] == pytest.approx(3.75)
        np.testing.assert_array_equal(tif.asarray()[:, 5, 4], [10, 20, 30])


def test_costs_in_the_documents_are_those_of_the_readme():
    page = Path(__file__).parents[3] / "docs" / "package.md"
    if not page.is_file():
        pytest.skip("needs docs/: run the tests in a clone of the repository")
    costs = template("zstack_costs.md").substitute().strip()
    assert costs in page.read_text(encoding="utf-8"), "copy zstack_costs.md into docs/package.md"


def test_surface_is_the_ordinary_variant(model):
    assert SURFACE.graph(model) is model
    assert (SURFACE.name, SURFACE.suffix) == ("surface", "")
