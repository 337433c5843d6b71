"""The card of a model as files: its text, the picture of its package, and its plots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepz_zoo.cards.names import accuracy_plot_name, card_name, example_name, limits_plot_name
from deepz_zoo.cards.picture import cover_distances, write_cover
from deepz_zoo.cards.plots import plot_accuracy, plot_limits, save_figure
from deepz_zoo.cards.text import card_text
from deepz_zoo.errors import CheckFailed
from deepz_zoo.extras import require_plots
from deepz_zoo.files import replacing
from deepz_zoo.refocus import refocus_image
from deepz_zoo.zoo.examples import make_example

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.zoo.examples import Example

README = "README.md"
_PLOT_DPI = 80


def write_card(
    folder: Path, model: DeepZModel, manifest: Manifest, *, example: Example | None = None
) -> Path:
    """Write the card of a model and its pictures into a folder.

    Parameters
    ----------
    folder
        Made if it is missing; files of an older card are replaced.
    model, manifest
        The model, and what the zoo says of it.
    example
        The image that is shown refocused; by default that of the model's package.

    Returns
    -------
    Path
        The Markdown file.

    Raises
    ------
    DeepZError
        If Matplotlib is not installed.
    """
    require_plots("a card with its pictures")
    folder.mkdir(parents=True, exist_ok=True)
    example = example or make_example(manifest.system)
    refocused = refocus_image(model, example.image, cover_distances(manifest.system))
    with replacing(folder / example_name(manifest)) as temporary:
        write_cover(temporary, example, refocused)
    if manifest.accuracy and (name := accuracy_plot_name(manifest)):
        save_figure(plot_accuracy(manifest.accuracy), folder / name, dpi=_PLOT_DPI)
    if manifest.limits and (name := limits_plot_name(manifest)):
        save_figure(plot_limits(manifest.limits), folder / name, dpi=_PLOT_DPI)
    card = folder / card_name(manifest)
    with replacing(card) as temporary:
        temporary.write_text(card_text(manifest), encoding="utf-8")
    return card


def check_cards(folder: Path, manifests: Sequence[Manifest]) -> None:
    """Compare the cards in a folder with the manifests of their models.

    The text must be the same. Pictures must only be there: plotting libraries differ in their
    pixels.

    Raises
    ------
    CheckFailed
        If a card or a picture is missing, a text is not that of its manifest, or a card is of no
        model; the message names each.
    """
    faults = [fault for manifest in manifests for fault in _faults(folder, manifest)]
    cards = {path.name for path in folder.glob("*.md")} - {README}
    for name in sorted(cards - {card_name(manifest) for manifest in manifests}):
        faults.append(f"{folder / name}: no model of this name")
    if faults:
        raise CheckFailed(
            f"{'; '.join(faults)} (write cards with 'deepz-zoo card MODEL -o DIR --overwrite')"
        )


def _faults(folder: Path, manifest: Manifest) -> list[str]:
    card = folder / card_name(manifest)
    if not card.is_file():
        return [f"{card}: missing"]
    pictures = (
        example_name(manifest), accuracy_plot_name(manifest), limits_plot_name(manifest)
    )  # fmt: skip
    faults = [
        f"{folder / name}: missing" for name in pictures if name and not (folder / name).is_file()
    ]
    found = card.read_text(encoding="utf-8").splitlines()
    expected = card_text(manifest).splitlines()
    for number, (here, there) in enumerate(zip(found, expected, strict=False), start=1):
        if here != there:
            return [*faults, f"{card}, line {number}: not what the manifest says"]
    if len(found) != len(expected):
        faults.append(f"{card}: {len(found)} lines; the manifest gives {len(expected)}")
    return faults
