"""Write the card and the picture of an embedded model into ``model_cards/``.

For maintainers: ``python packaging/write_card.py leica20x_0.8/TxRd [--bead STACK.tif]``. The bead
is the wide-field stack of pyotf (Apache-2.0), which the project does not ship; without it the card
has no section on it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from deepz_zoo.analysis.measured import evaluate_stack
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import read_image
from deepz_zoo.package.build import write_contents
from deepz_zoo.package.description import FILES
from deepz_zoo.package.samples import make_example
from deepz_zoo.zoo import load_model
from deepz_zoo.zoo.card import MeasuredStack, card_text

if TYPE_CHECKING:
    from deepz_zoo.network.wrapper import DeepZModel
    from deepz_zoo.zoo import Manifest

CARDS = Path(__file__).parents[1] / "model_cards"
BEAD_PIXEL_UM, BEAD_STEP_UM = 0.130, 0.300


@click.command()
@click.argument("name")
@click.option("--bead", type=click.Path(exists=True, path_type=Path))
def write(name: str, bead: Path | None) -> None:
    """Write the card of the embedded model NAME."""
    try:
        model, manifest = load_model(name)
        stem = manifest.name.replace("/", "_")
        _picture(model, manifest, CARDS / f"{stem}.png")
        stacks = _bead_stacks(model, manifest, bead) if bead else []
    except DeepZError as error:
        sys.exit(f"Error: {error}")
    text = card_text(manifest, stacks, picture=f"{stem}.png")
    (CARDS / f"{stem}.md").write_text(text, encoding="utf-8")


def _picture(model: DeepZModel, manifest: Manifest, path: Path) -> None:
    """Keep the cover of the model's package."""
    with TemporaryDirectory() as folder:
        example = make_example(manifest.system)
        write_contents(Path(folder), model, manifest, example, "package.zip")
        path.write_bytes((Path(folder) / FILES.cover).read_bytes())


def _bead_stacks(model: DeepZModel, manifest: Manifest, path: Path) -> list[MeasuredStack]:
    """Measure both orders of the planes: the file does not say which way the stage moved."""
    planes = read_image(path, axes="zyx").data
    command = (
        f"deepz-zoo evaluate {manifest.name} --stack {path.name} "
        f"--pixel-size {BEAD_PIXEL_UM} --z-step {BEAD_STEP_UM} --beads"
    )
    comment = (
        "A bead of NA 0.85 air, 520 nm, resampled from 0.130 to 0.325 µm a pixel; another lens and "
        "another wavelength than the model's. "
    )
    orders = (
        ("as stored", "", "The planes are taken in the order of the file."),
        (
            "reversed",
            " --reverse",
            "The same with the planes in the opposite order: the file does "
            "not say which way the stage moved, and the sign of its aberration decides.",
        ),
    )
    return [
        MeasuredStack(
            title=f"On a real bead (pyotf), planes {order}",
            command=command + option,
            comment=comment + remark,
            accuracy=evaluate_stack(
                model,
                planes[::-1] if option else planes,
                manifest.system,
                pixel_size_um=BEAD_PIXEL_UM,
                z_step_um=BEAD_STEP_UM,
                beads=True,
            ),
        )
        for order, option, remark in orders
    ]


if __name__ == "__main__":
    write()
