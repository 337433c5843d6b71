"""``deepz-zoo import``: the weights of the method's authors, from their TensorFlow folders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.options import console, model_options, overwrite_option, show_progress
from deepz_zoo.cli.parameters import PathName
from deepz_zoo.errors import DeepZError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.zoo.authors.weights import ImportedModel


@click.command("import")
@click.argument("folder", metavar="FOLDER", type=PathName(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="MODEL",
    type=PathName(path_type=Path),
    required=True,
    help="A .safetensors file, or a folder for one file per model.",
)
@model_options(argument=False, required=False)
@click.option("--half", is_flag=True, help="Store float16, half the size, and print the loss.")
@click.option("--yes", is_flag=True, help="Take what the folders' names say without asking.")
@overwrite_option
def command(
    *,
    folder: Path,
    output: Path,
    model_name: str | None,
    half: bool,
    yes: bool,
    overwrite: bool,
) -> None:
    """Import the weights of the method's authors from FOLDER, one of their models or several.

    FOLDER holds saved_model.pb and variables/, or is above such folders: their download has them
    in Data/Models. TensorFlow is not needed. The other commands take the result as --weights.

    The weights are for non-commercial research use and may not be redistributed.

    \b
    deepz-zoo import Data/Models -o authors
    deepz-zoo refocus a.tif -o b.tif --z 5 --weights authors/Leica_20X0.8_worm_TxRd.safetensors
    """  # noqa: D301 - click reads the backspace
    from deepz_zoo.files import refuse_output, undone_if_failed
    from deepz_zoo.zoo.authors.weights import find_originals, import_original

    folders = find_originals(folder)
    systems = [_named(model_name, folders)] if model_name else _guessed(folders, yes)
    paths = _paths(folders, output)
    manifests = [path.with_suffix(".json") for path in paths]
    imported: list[ImportedModel] = []
    with undone_if_failed([*paths, *manifests]), show_progress() as progress:
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        for path in (*paths, *manifests):
            refuse_output(path, overwrite=overwrite)
        for source, system, path in zip(folders, systems, paths, strict=True):
            progress("models", len(imported), len(folders))
            imported.append(import_original(source, system, path, half=half))
    _print(imported)


def _named(model_name: str, folders: Sequence[Path]) -> ImagingSystem:
    """Return the system that the user names, which is possible for a single model only."""
    from deepz_zoo.optics import get_system

    if len(folders) > 1:
        names = ", ".join(folder.name for folder in folders)
        raise DeepZError(f"{model_name} names one model, but there are {len(folders)}: {names}")
    return get_system(model_name)


def _guessed(folders: Sequence[Path], yes: bool) -> list[ImagingSystem]:
    """Return the systems that the folders are named after, when the user confirms them."""
    from deepz_zoo.zoo.authors.weights import guess_system

    systems = []
    for folder in folders:
        system = guess_system(folder)
        if system is None:
            raise DeepZError(
                f"{folder}: its name does not tell the objective and the channel; give them with "
                "--objective and --channel ('deepz-zoo list' shows all)"
            )
        systems.append(system)
    if not yes:
        for folder, system in zip(folders, systems, strict=True):
            click.echo(f"{folder.resolve().name}: {system.objective.name}, {system.name}", err=True)
        if not sys.stdin.isatty():
            raise DeepZError("confirm what the names of the folders say with --yes")
        click.confirm("Import?", default=True, abort=True, err=True)
    return systems


def _paths(folders: Sequence[Path], output: Path) -> list[Path]:
    """Return the file to write for each model."""
    if output.suffix != ".safetensors":
        return [output / f"{folder.resolve().name}.safetensors" for folder in folders]
    if len(folders) > 1:
        raise DeepZError(
            f"{output}: one file for {len(folders)} models; name a folder to write them to"
        )
    return [output]


def _print(imported: Sequence[ImportedModel]) -> None:
    from rich.table import Table

    out = console()
    table = Table("file", "model", "size", "SHA-256", box=None, header_style="bold")
    for model in imported:
        size = f"{model.path.stat().st_size / 1e6:.1f} MB"
        table.add_row(str(model.path), model.manifest.name, size, model.manifest.sha256[:12])
    out.print(table)
    for model in imported:
        if model.loss is not None:
            out.print(
                f"{model.path.name}: float16 changes the weights by {model.loss.weights:.1e} and "
                f"the output by {model.loss.output:.1e} of their rms."
            )
    out.print(imported[0].manifest.provenance)
