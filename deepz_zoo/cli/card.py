"""``deepz-zoo card``: the card of a model, and whether cards agree with their models."""

from __future__ import annotations

from pathlib import Path

import click

from deepz_zoo.cli.options import model_options, overwrite_option, weights_option
from deepz_zoo.cli.parameters import PathName
from deepz_zoo.errors import DeepZError

CARDS = Path("model_cards")


@click.command("card")
@model_options(required=False)
@weights_option
@click.option(
    "--output",
    "-o",
    "folder",
    metavar="FOLDER",
    type=PathName(file_okay=False, path_type=Path),
    help="Write card and pictures into this folder, instead of printing the text.",
)
@click.option(
    "--check",
    is_flag=True,
    help=f"Check that the cards in FOLDER ({CARDS} by default) are those of the zoo's models.",
)
@overwrite_option
def command(
    *,
    model_name: str | None,
    weights: str | None,
    folder: Path | None,
    check: bool,
    overwrite: bool,
) -> None:
    """Make the card of a model from its manifest: use, training, accuracy, failures, citation.

    With --check, compare the cards of a folder with the models of the zoo; a card that is missing,
    out of date or of no model is named, and the exit code is 1.
    """
    if check:
        if model_name is not None or weights is not None:
            raise click.UsageError("--check is for all models; name none")
        _check(folder or CARDS)
        return
    if model_name is None and weights is None:
        raise click.UsageError("name a model, as in leica20x_0.8/TxRd, or use --check")

    from deepz_zoo.models import load_model

    model, manifest = load_model(model_name, weights=weights)
    if folder is None:
        from deepz_zoo.cards.text import card_text

        click.echo(card_text(manifest), nl=False)
        return
    from deepz_zoo.cards.files import write_card
    from deepz_zoo.cards.names import card_name
    from deepz_zoo.files import refuse_output

    if folder.is_dir():
        refuse_output(folder / card_name(manifest), overwrite=overwrite)
    click.echo(write_card(folder, model, manifest))


def _check(folder: Path) -> None:
    from deepz_zoo.cards.files import check_cards
    from deepz_zoo.zoo import list_models

    if not folder.is_dir():
        raise DeepZError(f"{folder}: no such folder; name the one of the cards with --output")
    manifests = list_models()
    check_cards(folder, manifests)
    click.echo(f"{folder}: {len(manifests)} cards agree with their models")
