"""``card``: written from the manifest, and checked against it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread

from deepz_zoo.cards import files as card_files
from deepz_zoo.cards.index import index_text
from deepz_zoo.models import load_model
from deepz_zoo.records.cross_model import INPUT, CrossModel
from deepz_zoo.records.manifest import Manifest
from deepz_zoo.zoo import list_models
from deepz_zoo.zoo.examples import make_example

pytestmark = pytest.mark.slow

CARDS = Path(__file__).parents[2] / "model_cards"
STEM = "leica20x_0.8_TxRd"


@pytest.fixture(scope="module")
def small_example():
    from deepz_zoo.optics import get_system

    system = get_system("leica20x_0.8/TxRd").model_copy(update={"z_range_um": 2.0})
    return make_example(system, (48, 64))


@pytest.fixture
def model(run, accuracy, limits):
    model, manifest = load_model(run)
    return model, manifest.model_copy(update={"accuracy": accuracy, "limits": limits})


@pytest.fixture
def cards(model, small_example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the card of the one model of the zoo."""
    folder = tmp_path / "cards"
    card_files.write_card(folder, *model, example=small_example)
    monkeypatch.setattr("deepz_zoo.zoo.list_models", lambda: (model[1],))
    return folder


def test_a_card_comes_with_its_pictures(cards: Path, run_cli) -> None:
    assert sorted(path.name for path in cards.iterdir()) == [
        f"{STEM}.md", f"{STEM}.png", f"{STEM}_accuracy.png", f"{STEM}_limits.png",
    ]  # fmt: skip
    for picture in cards.glob("*.png"):
        assert np.ptp(imread(picture)) > 100
        assert picture.stat().st_size < 300_000
    assert run_cli("card", "--check", "-o", cards)[:2] == (
        0, f"{cards}: 1 cards agree with their models\n",
    )  # fmt: skip


def test_the_same_model_gives_the_same_files(cards: Path, model, small_example, tmp_path) -> None:
    again = tmp_path / "again"
    card_files.write_card(again, *model, example=small_example)
    for path in cards.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


def retrain(cards: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = manifest.model_copy(update={"sha256": "0" * 64})
    monkeypatch.setattr("deepz_zoo.zoo.list_models", lambda: (changed,))


def edit(cards: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    card = cards / f"{STEM}.md"
    card.write_text(card.read_text(encoding="utf-8").replace("0.875", "0.975"), encoding="utf-8")


def add_a_line(cards: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    with (cards / f"{STEM}.md").open("a", encoding="utf-8") as file:
        file.write("It is the best.\n")


def lose_the_card(cards: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    (cards / f"{STEM}.md").unlink()


def lose_a_picture(cards: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    (cards / f"{STEM}_limits.png").unlink()


def add_a_card(cards: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    (cards / "README.md").write_text("What is here.", encoding="utf-8")
    (cards / "zeiss.md").write_text("# zeiss", encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (retrain, "TxRd.md, line"),
        (edit, "TxRd.md, line"),
        (add_a_line, "lines; the manifest gives"),
        (lose_the_card, "TxRd.md: missing"),
        (lose_a_picture, "TxRd_limits.png: missing"),
        (add_a_card, "zeiss.md: no model of this name"),
    ],
)
def test_a_card_that_does_not_agree_is_named(
    cards: Path, model, run_cli, monkeypatch: pytest.MonkeyPatch, change, says: str
) -> None:
    change(cards, model[1], monkeypatch)
    code, out, err = run_cli("card", "--check", "-o", cards)
    assert (code, out) == (1, "")
    assert says in err
    assert "README" not in err
    assert err.count("\n") == 1


def test_without_a_folder_the_text_is_printed(run, run_cli) -> None:
    code, out, _ = run_cli("card", "--weights", run)
    assert code == 0
    assert out.startswith("# leica20x_0.8/TxRd (custom)\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name a model"),
        (("leica20x_0.8/TxRd", "--check"), "name none"),
        (("--size", "paper"), "needs the name of a model"),
        (("--check", "-o", "absent"), "absent: no such folder"),
    ],
)
def test_wrong_usage(run_cli, tmp_path, monkeypatch, arguments, says: str) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run_cli("card", *arguments)
    assert (code, out) == (2, "")
    assert says in err


def test_the_cards_here_are_those_of_the_models_that_ship() -> None:
    card_files.check_cards(CARDS, list_models())


def test_the_page_of_the_cards_is_that_of_the_models_that_ship() -> None:
    matrix = CrossModel.model_validate_json((CARDS / "cross_model.json").read_bytes())
    found = (CARDS / "README.md").read_text(encoding="utf-8")
    assert found == index_text(list_models(), matrix), "run packaging/write_card_index.py --keep"
    assert set(matrix.models) - {INPUT} == {manifest.name for manifest in list_models()}
