"""The page about a dataset: its pictures and its words."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.preprocess.dataset.plan import StackFile
from deepz_zoo.preprocess.dataset.prepare import prepare_dataset
from deepz_zoo.preprocess.dataset.report import check_report_name, write_report
from deepz_zoo.preprocess.dataset.storage import PreparedDataset
from deepz_zoo.records.dataset import PreparationSettings, Rejection
from tests.builders import spotted_stack

# What `prepare` draws regions with: matplotlib's C0, C1 and C2.
COLORS = {"training": (31, 119, 180), "validation": (255, 127, 14), "test": (44, 160, 44)}


@pytest.fixture(scope="module")
def files(tmp_path_factory, write_stack) -> list[Path]:
    folder = tmp_path_factory.mktemp("files")
    names = ("first.ome.tif", "second & last.ome.tif", "test.ome.tif")
    return [write_stack(folder / name, spotted_stack(seed)) for seed, name in enumerate(names)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, files, system) -> PreparedDataset:
    stacks = [StackFile(files[0]), StackFile(files[1]), StackFile(files[2], "test")]
    settings = PreparationSettings(region_px=32, planes_each_side=2)
    return prepare_dataset(stacks, tmp_path_factory.mktemp("data") / "worms", system, settings)


class Page(HTMLParser):
    """Collects what a page holds."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.words: list[str] = []
        self.images: list[str] = []
        self.tag = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tag = tag
        if tag == "img":
            self.images.append(dict(attrs)["src"])

    def handle_data(self, data: str) -> None:
        (self.headings if self.tag == "h2" else self.words).append(data)


def test_the_page_shows_each_field_and_needs_no_other_file(prepared, tmp_path: Path) -> None:
    write_report(prepared, tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    assert page.headings == [
        "0: first.ome.tif (training)",
        "1: second & last.ome.tif (training)",
        "2: test.ome.tif (test)",
    ]
    assert len(page.images) == 3
    for source in page.images:
        kind, _, content = source.partition(",")
        assert kind == "data:image/png;base64"
        picture = imageio.imread(base64.b64decode(content))
        assert picture.shape[1] > 3 * picture.shape[0] > 300
    text = " ".join(page.words)
    assert "8 planes of" in text
    assert "pixel size 0.325 µm, z step 0.5 µm" in text
    assert re.search(r"foreground \d+\.\d%", text)
    assert not re.search(r"(src|href)=.(?!data:)", (tmp_path / "report.html").read_text())


def test_the_page_counts_regions_and_pairs(prepared, tmp_path: Path) -> None:
    write_report(prepared, tmp_path / "report.html")
    text = re.sub(r"<[^>]+>", " ", (tmp_path / "report.html").read_text(encoding="utf-8"))
    for split, pairs in prepared.manifest.pair_counts.items():
        regions = sum(region.split == split for region in prepared.regions)
        assert re.search(rf"{split}\s+{regions}\s+{pairs}\s", text)


def test_what_was_left_out_is_told_with_its_reason(prepared, tmp_path: Path) -> None:
    manifest = prepared.manifest
    field = manifest.fields[0].model_copy(update={"rejected_planes": (0, 1)})
    lost = Rejection(field_of_view=0, y_px=0, x_px=0, reason="no contrast: <1.2> times the noise")
    changed = manifest.model_copy(
        update={"fields": (field, *manifest.fields[1:]), "rejected": (lost, lost)}
    )
    write_report(PreparedDataset(prepared.path, changed), tmp_path / "report.html")
    text = " ".join(Page(tmp_path / "report.html").words)
    assert "alignment rejected for planes 1, 2" in text
    assert "2 × left out: no contrast: <1.2> times the noise" in text


def test_the_picture_draws_regions_in_the_color_of_their_split(prepared, tmp_path: Path) -> None:
    write_report(prepared, tmp_path / "report.png")
    picture = imageio.imread(tmp_path / "report.png")[..., :3].astype(int)
    height = len(picture) // 3
    for field in range(3):
        splits = {r.split for r in prepared.regions if r.field_of_view == field}
        columns = slice(int(0.28 * picture.shape[1]), picture.shape[1] // 2)  # the second panel
        in_focus = picture[field * height : (field + 1) * height, columns]
        for split, color in COLORS.items():
            drawn = (np.abs(in_focus - color).sum(axis=-1) < 30).sum() > 40
            assert drawn == (split in splits), (field, split)


def test_targets_of_another_modality_get_a_panel_of_their_own(
    files, tmp_path: Path, system
) -> None:
    dataset = prepare_dataset(
        [StackFile(files[0], target=files[0])],
        tmp_path / "plus",
        system,
        PreparationSettings(align="none", region_px=48, planes_each_side=2, targets=4),
        target_modality="confocal",
    )
    write_report(dataset, tmp_path / "plus.png")
    write_report(dataset, tmp_path / "plus.html")
    picture = imageio.imread(tmp_path / "plus.png")
    assert picture.shape[1] / picture.shape[0] > 5
    assert "target: " in (tmp_path / "plus.html").read_text()


@pytest.mark.parametrize("name", ["report.pdf", "report", "no/report.png", "."])
def test_names_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(DeepZError, match=r"(ends in .html or .png|folder .* does not exist)"):
        check_report_name(tmp_path / name)
