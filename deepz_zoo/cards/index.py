"""The page that lists the cards and says which model to take for a lens that is not listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepz_zoo.cards.names import card_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepz_zoo.records.cross_model import CrossCell, CrossModel
    from deepz_zoo.records.manifest import Manifest

_ADVICE = """\
## A lens that is not listed

Take the model whose row is best for the system that is most like yours: first the **sign of
spherical aberration** (a specimen in water or tissue under a coverslip of the right thickness, or
one on a coverslip that is too thin), then the numerical aperture, then the specimen. `--resample`
brings your images to its pixel size. Then measure it on a z-stack of yours:

```
deepz-zoo evaluate stack acquired.tif MODEL
deepz-zoo train --data DATASET --from MODEL -o RUN     # and train it on, if that is not enough
```

Correlation with the ground truth / error relative to its rms, low noise, mean over the specimens of
the system and both directions of Δz. In bold: the best of each column. A dash: the distance lies
beyond the model's range.
"""


def index_text(manifests: Sequence[Manifest], matrix: CrossModel) -> str:
    """Return the Markdown page of the folder of cards."""
    return "\n".join(
        ["# Model cards\n", *_list(manifests), "", _ADVICE, *_matrix(matrix), "", _command(matrix)]
    )


def _list(manifests: Sequence[Manifest]) -> list[str]:
    lines = [
        "| model | size | range | correlation at half of it | at its edge |",
        "|---|---|---|---:|---:|",
    ]
    for manifest in manifests:
        accuracy = manifest.accuracy
        correlations = ["–", "–"]
        if accuracy is not None:
            correlations = [
                f"{accuracy.correlation(dz=dz):.2f}" for dz in accuracy.distances_um[-2:]
            ]
        lines.append(
            f"| [{manifest.name}]({card_name(manifest)}) | {manifest.size} | "
            f"±{manifest.system.z_range_um:g} µm | {' | '.join(correlations)} |"
        )
    return lines


def _matrix(matrix: CrossModel) -> list[str]:
    headings = [
        f"{system}, {matrix.cell(matrix.models[0], system).dz_um:g} µm" for system in matrix.systems
    ]
    best = {system: _best(matrix, system) for system in matrix.systems}
    return [
        f"| model \\ stacks of | {' | '.join(headings)} |",
        f"|---|{'---:|' * len(headings)}",
        *(
            f"| {model} | "
            + " | ".join(
                _text(matrix.cell(model, system), bold=best[system] == model)
                for system in matrix.systems
            )
            + " |"
            for model in matrix.models
        ),
    ]


def _best(matrix: CrossModel, system: str) -> str:
    return max(matrix.models, key=lambda model: matrix.cell(model, system).correlation or -1)


def _text(cell: CrossCell, *, bold: bool) -> str:
    if cell.correlation is None:
        return "–"
    text = f"{cell.correlation:.2f} / {cell.error_over_rms:.2f}"
    return f"**{text}**" if bold else text


def _command(matrix: CrossModel) -> str:
    return (
        f"Made by `python packaging/write_card_index.py --seeds {len(matrix.seeds)}`, deepz-zoo "
        f"{matrix.code_version}.\n"
    )
