"""``deepz-zoo package``: a tested bioimage.io package of a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.options import console, model_options, overwrite_option, weights_option

if TYPE_CHECKING:
    from rich.console import Console

    from deepz_zoo.package.build import BuiltPackage


@click.command("package")
@model_options()
@weights_option
@click.option(
    "-o",
    "--output",
    metavar="FILE.zip",
    type=click.Path(path_type=Path),
    help="The package, or an existing folder to put it in.  [default: deepz_OBJECTIVE_CHANNEL.zip]",
)
@overwrite_option
@click.option("--no-test", is_flag=True, help="Do not run the tests of the finished package.")
def command(
    model_name: str, weights: str | None, output: Path | None, overwrite: bool, no_test: bool
) -> None:
    """Build the bioimage.io package of a model and test it.

    The zip file opens in deepImageJ (Fiji), ilastik and bioimageio.core. It holds the weights as
    PyTorch state dict, TorchScript and ONNX, test images, documentation and the measured accuracy.
    """
    from deepz_zoo.package.archive import refuse_output
    from deepz_zoo.zoo import load_model

    # Whether the name is known is cheap to tell; the libraries behind the rest take seconds.
    model, manifest = load_model(model_name, weights=Path(weights) if weights else None)

    from deepz_zoo.package.build import build_package, default_name

    path = output or Path(default_name(manifest))
    if path.is_dir():
        path = path / default_name(manifest)
    refuse_output(path, overwrite=overwrite)
    with console(stderr=True).status("building") as status:
        built = build_package(
            model,
            manifest,
            path,
            overwrite=overwrite,
            test=not no_test,
            progress=lambda step: status.update(step),
        )
    _print(built, console())


def _print(built: BuiltPackage, out: Console) -> None:
    from rich.table import Table

    table = Table(show_header=False, box=None)
    table.add_row("file", str(built.path))
    table.add_row("size", f"{built.size_bytes / 1e6:.1f} MB")
    table.add_row("SHA-256", built.sha256)
    if not built.differences:
        table.add_row("tests", "[yellow]not run[/yellow] (--no-test)")
    for difference in built.differences:
        table.add_row(
            difference.weight_format,
            f"passed, largest difference {difference.absolute:.3g} grey levels "
            f"({difference.relative:.1e} relative)",
        )
    out.print(table)
