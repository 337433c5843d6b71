"""The files of the other tests here, read by Bio-Formats: a reader that is not this code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.images import read_image

pytestmark = pytest.mark.java


def test_pixels_and_calibration(read_with_bioformats, tmp_path: Path) -> None:
    for library in ("liffile", "nd2", "pylibCZIrw"):
        pytest.importorskip(library, reason="pip install 'deepz-zoo[formats]'")
    from tests.images.vendor import test_czi, test_lif, test_nd2

    names = [tmp_path / f"a.{kind}" for kind in ("lif", "czi", "nd2")]
    test_lif.write_lif(names[0], {"Series001": test_lif.SERIES}, [test_lif.DATA.tobytes()])
    test_czi.write_czi(names[1], test_czi.DATA[:1])
    stated = {"metadata": test_nd2.METADATA, "experiment": test_nd2.z_stack()}
    test_nd2.write_nd2(names[2], test_nd2.FRAMES[:3], times_ms=[0, 1, 2], **stated)
    found = read_with_bioformats(*names)
    for path in names:
        ours, theirs = read_image(path), found[path.name]
        order = [ours.axes.index(axis) for axis in "tzcyx" if axis in ours.axes]
        expected = ours.data.transpose(order)
        np.testing.assert_array_equal(theirs["data"].reshape(expected.shape), expected)
        assert theirs["z_step_um"] == pytest.approx(abs(ours.z_step_um))
        if path.suffix != ".nd2":  # it wants the pixel size in another part of the file
            assert theirs["x_um"] == pytest.approx(ours.pixel_size_um)
