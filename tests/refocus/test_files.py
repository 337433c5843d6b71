"""Which files are meant, and where their outputs go."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.refocus.files import find_images, is_several, plan_outputs


@pytest.fixture
def plate(tmp_path: Path, monkeypatch) -> Path:
    names = ("b.tif", "a.ome.TIFF", "c.png", "notes.txt", ".hidden.tif", "deep/d.tif", "x[1].tif")
    for name in names:
        path = tmp_path / "plate" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return Path("plate")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["plate"], "a.ome.TIFF b.tif c.png x[1].tif"),
        (["plate/*.tif"], "b.tif x[1].tif"),
        (["plate/**/*.tif"], "b.tif deep/d.tif x[1].tif"),
        (["plate/c.png", "plate", "./plate/b.tif"], "c.png a.ome.TIFF b.tif x[1].tif"),
        (["plate/x[1].tif"], "x[1].tif"),
        (["plate/notes.txt", "plate/missing.tif"], "notes.txt missing.tif"),
    ],
)
def test_files_folders_and_patterns(plate: Path, names: list[str], found: str) -> None:
    assert find_images(names) == [plate / name for name in found.split()]


def test_nothing_found_is_told(plate: Path) -> None:
    (plate / "empty").mkdir()
    with pytest.raises(DeepZError, match=r"plate/empty: no image in this folder \(\.tif"):
        find_images(["plate/empty"])
    with pytest.raises(DeepZError, match=r"plate/\*\.lsm: no file has such a name"):
        find_images(["plate/*.lsm"])


def test_names_that_stand_for_several_files(plate: Path) -> None:
    assert [is_several(name) for name in ("plate", "*.tif", "plate/x[1].tif", "no.tif")] == [
        True,
        True,
        False,
        False,
    ]


def test_outputs_have_the_names_of_their_images(plate: Path) -> None:
    jobs = plan_outputs(find_images(["plate"]), Path("out"), "_z")
    assert [job.output for job in jobs] == [
        Path("out") / name for name in ("a_z.tif", "b_z.tif", "c_z.tif", "x[1]_z.tif")
    ]


def test_outputs_of_an_earlier_run_are_no_images(plate: Path) -> None:
    (plate / "b_z.tif").touch()
    jobs = plan_outputs(find_images(["plate"]), plate, "_z")
    assert plate / "b_z.tif" not in [job.image for job in jobs]
    assert plate / "b_z.tif" in [job.output for job in jobs]


def test_two_images_with_one_output_are_refused(plate: Path) -> None:
    (plate / "b.png").touch()
    with pytest.raises(DeepZError, match=r"b\.png and plate/b\.tif would both go to out/b_z\.tif"):
        plan_outputs(find_images(["plate"]), Path("out"), "_z")
    with pytest.raises(DeepZError, match="expected a part of a file's name"):
        plan_outputs([Path("a.tif")], Path("out"), "/z")
