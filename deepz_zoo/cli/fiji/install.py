"""``deepz-zoo fiji install`` and ``uninstall``: macros and models in a Fiji."""

from __future__ import annotations

import os

import click

from deepz_zoo.cli.option_names import warn
from deepz_zoo.cli.options import show_progress


def _folder_of_environment(purpose: str) -> str:
    folder = os.environ.get("FIJI_HOME")
    if not folder:
        raise click.UsageError(f"name the Fiji to {purpose} with --fiji, or in FIJI_HOME")
    return folder


@click.command("install")
@click.option(
    "--fiji", "folder", metavar="FOLDER", help="The Fiji or ImageJ.  [default: FIJI_HOME]"
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="A package (zip file or folder), or OBJECTIVE/CHANNEL, whose package is built (repeat).",
)
@click.option("--force", is_flag=True, help="Replace files that deepz-zoo did not write.")
def install(folder: str | None, models: tuple[str, ...], force: bool) -> None:
    """Copy the Deep-Z macros, and models, into a Fiji or ImageJ.

    Macros go to plugins/Deep-Z/ and appear as Plugins > Deep-Z after a restart; models go to
    models/, where deepImageJ finds them, with their ONNX weights alone, so that it downloads one
    engine. A file of another origin is not replaced without --force.
    """
    folder = folder or _folder_of_environment("install into")

    from deepz_zoo.fiji.install import find_package
    from deepz_zoo.fiji.install import install as install_files
    from deepz_zoo.files import temporary_folder

    with temporary_folder("fiji") as built, show_progress() as progress:
        packages = [find_package(model, built, progress=progress) for model in models]
        progress("copying")
        written = install_files(folder, packages, force=force)
    for name in written:
        click.echo(name)
    click.echo(f"{len(written)} files written to {folder}" if written else "nothing to do")


@click.command("uninstall")
@click.option(
    "--fiji", "folder", metavar="FOLDER", help="The Fiji or ImageJ.  [default: FIJI_HOME]"
)
@click.option("--force", is_flag=True, help="Remove changed files, too.")
def uninstall(folder: str | None, force: bool) -> None:
    """Remove the files that 'install' wrote, and nothing else."""
    folder = folder or _folder_of_environment("uninstall from")

    from deepz_zoo.fiji.install import uninstall as uninstall_files

    removal = uninstall_files(folder, force=force)
    click.echo(f"{len(removal.removed)} files removed from {folder}")
    for name in removal.kept:
        warn(f"{name} was changed and stays; remove it with `force`.")
