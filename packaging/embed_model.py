"""Measure a training run's best checkpoint and make it the zoo's model of its system.

For maintainers: ``python packaging/embed_model.py RUN`` writes the weights and their manifest into
``deepz_zoo/zoo/weights``, from where they ship in the wheel. What is measured goes into the
manifest, and from there into the card, by
``deepz-zoo card MODEL -o model_cards --overwrite``. ``--bead`` takes the wide-field stack of pyotf
(Apache-2.0), which the project does not ship.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepz_zoo.cards.failures import failure_sentences
from deepz_zoo.cli.options import console, show_progress
from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation import benchmark
from deepz_zoo.evaluation import limits as limits_benchmark
from deepz_zoo.evaluation.measured import evaluate_stack, summarize_stack
from deepz_zoo.evaluation.precision import measure_precisions
from deepz_zoo.images import read_image
from deepz_zoo.models import load_model
from deepz_zoo.records.measured_stack import MeasuredStack
from deepz_zoo.zoo.store import WEIGHTS_FOLDER, add_model

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.limits import MeasuredLimits
    from deepz_zoo.records.manifest import Manifest

BEAD_PIXEL_UM, BEAD_STEP_UM = 0.130, 0.300
_BEAD_COMMENT = (
    "A bead of NA 0.85 air, 520 nm, resampled from 0.130 to {pixel_size_um:g} µm per pixel; "
    "another lens and another wavelength than the model's. "
)
_ORDERS = (
    ("as stored", "", "The planes are taken in the order of the file."),
    (
        "reversed",
        " --reverse",
        "The same with the planes in the opposite order: the file does not say which way the stage "
        "moved, and the sign of its aberration decides.",
    ),
)


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--stacks",
    type=click.IntRange(min=1),
    default=len(benchmark.SEEDS),
    show_default=True,
    help="Held-out stacks per specimen and noise.",
)
@click.option(
    "--limit-stacks",
    type=click.IntRange(min=0),
    default=len(limits_benchmark.SEEDS),
    show_default=True,
    help="Held-out instruments of the curves on where it fails; 0 to leave them out.",
)
@click.option(
    "--bead", type=click.Path(exists=True, path_type=Path), help="Measure this stack of a bead too."
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=WEIGHTS_FOLDER,
    help="Where to write the entry, by default the package's own weights.",
)
def embed(run: Path, stacks: int, limit_stacks: int, bead: Path | None, folder: Path) -> None:
    """Measure the best checkpoint of the training run RUN and embed it with its manifest."""
    try:
        model, manifest = load_model(run)
        model.half().float()  # as they are kept
        system = manifest.system
        first = benchmark.FIRST_SEED
        with show_progress() as progress:
            accuracy = benchmark.evaluate(
                model, system, seeds=range(first, first + stacks), progress=progress
            )
        limits = _limits(model, system, limit_stacks) if limit_stacks else None
        measured = _bead_stacks(model, manifest, bead) if bead else ()
        with show_progress() as progress:
            precisions = measure_precisions(
                model, system, seeds=range(first, first + stacks), progress=progress
            )
        manifest = add_model(run, accuracy, limits, measured, precisions, folder=folder)
    except DeepZError as error:
        sys.exit(f"Error: {error}")
    output = console()
    output.print(f"embedded {manifest.name}, SHA-256 {manifest.sha256}", soft_wrap=True)
    for distance in accuracy.distances_um:
        output.print(
            f"|Δz| {distance:g} µm: correlation {accuracy.correlation(dz=distance):.3f}, "
            f"error/rms {accuracy.error_over_rms(dz=distance):.3f} (low noise)"
        )
    for sentence in failure_sentences(manifest.failure_modes):
        output.print(f"• {sentence}", soft_wrap=True)
    output.print(
        f"its card: deepz-zoo card {manifest.name} -o model_cards --overwrite", soft_wrap=True
    )


def _limits(model: DeepZModel, system: ImagingSystem, stacks: int) -> MeasuredLimits:
    first = limits_benchmark.FIRST_SEED
    with show_progress() as progress:
        return limits_benchmark.measure_limits(
            model, system, seeds=range(first, first + stacks), progress=progress
        )


def _bead_stacks(model: DeepZModel, manifest: Manifest, path: Path) -> tuple[MeasuredStack, ...]:
    """Measure both orders of the planes: the file does not say which way the stage moved."""
    planes = read_image(path, axes="zyx").data
    command = (
        f"deepz-zoo evaluate stack {path.name} {manifest.name} "
        f"--pixel-size {BEAD_PIXEL_UM} --z-step {BEAD_STEP_UM} --beads"
    )
    comment = _BEAD_COMMENT.format(pixel_size_um=manifest.system.pixel_size_um)
    return tuple(
        summarize_stack(
            evaluate_stack(
                model,
                planes[::-1] if option else planes,
                manifest.system,
                pixel_size_um=BEAD_PIXEL_UM,
                z_step_um=BEAD_STEP_UM,
                beads=True,
            ),
            title=f"On a real bead (pyotf), planes {order}",
            command=command + option,
            comment=comment + remark,
        )
        for order, option, remark in _ORDERS
    )


if __name__ == "__main__":
    embed()
