"""``deepz-zoo export``: one ONNX or TorchScript file, proven to equal the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from deepz_zoo.cli.options import (
    console,
    model_options,
    normalization_option,
    overwrite_option,
    show_progress,
    weights_option,
)
from deepz_zoo.cli.parameters import PathName

if TYPE_CHECKING:
    from deepz_zoo.network.config import Normalization
    from deepz_zoo.package.contents.export import ExportedModel, ExportFormat

# The same as EXPORT_FORMATS, without the import of torch behind it.
_FORMATS = ("onnx", "torchscript")


@click.command("export")
@model_options()
@weights_option
@click.option(
    "--format", "file_format", type=click.Choice(_FORMATS), required=True, help="Kind of file."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=PathName(path_type=Path),
    required=True,
    help="The file to write.",
)
@normalization_option
@overwrite_option
def command(
    model_name: str,
    weights: str | None,
    file_format: str,
    output: Path,
    normalization: Normalization | None,
    overwrite: bool,
) -> None:
    """Write a model as a single ONNX or TorchScript file and compare it with the original.

    Input (b, 2, y, x), float32: raw camera image, DPM in µm. Output (b, 1, y, x): the refocused
    image in the same grey levels. The file is run at several sizes; where it differs from the model
    by more than 1e-4 relative, nothing is written and the exit code is 1.
    """
    from deepz_zoo.files import refuse_output
    from deepz_zoo.models import load_model, model_files

    model, _ = load_model(model_name, weights=weights, normalization=normalization)
    refuse_output(output, overwrite=overwrite, inputs=model_files(model_name, weights))

    from deepz_zoo.package.contents.export import export_model

    with show_progress() as progress:
        progress(f"exporting and comparing {output.name}")
        exported = export_model(
            model, cast("ExportFormat", file_format), output, overwrite=overwrite
        )
    _print(exported)


def _print(exported: ExportedModel) -> None:
    from rich.table import Table

    out = console()
    facts = Table(show_header=False, box=None)
    facts.add_row("file", str(exported.path))
    facts.add_row("size", f"{exported.size_bytes / 1e6:.1f} MB")
    facts.add_row("SHA-256", exported.sha256)
    out.print(facts)
    table = Table("images", "max. difference", "relative", box=None, header_style="bold")
    for size in exported.differences:
        batch, ny, nx = size.shape
        table.add_row(
            f"{batch} of {ny}×{nx} px",
            f"{size.difference.absolute:.3g} grey levels",
            f"{size.difference.relative:.1e}",
        )
    out.print(table)
