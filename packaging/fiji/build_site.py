"""Lay out what 'deepz-zoo fiji install' copies as a folder for an ImageJ update site.

For maintainers: ``python packaging/fiji/build_site.py SITE --model leica20x_0.8/TxRd`` writes the
macros and the unpacked models where Fiji wants them, and ``SHA256SUMS`` over all files.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.install import RECORD_NAME, find_package, install
from deepz_zoo.files import sha256_of
from deepz_zoo.package.contents.checksums import CHECKSUMS_NAME


@click.command()
@click.argument("site", type=click.Path(path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="A package, or OBJECTIVE/CHANNEL, whose package is built (repeat).",
)
def build(site: Path, models: tuple[str, ...]) -> None:
    """Write the update site into the folder SITE, which must be empty or new."""
    if site.exists() and (not site.is_dir() or any(site.iterdir())):
        sys.exit(f"Error: {site} exists and is not empty; name a new folder")
    try:
        with TemporaryDirectory(prefix="deepz_") as built:
            packages = [find_package(model, Path(built)) for model in models]
            (site / "plugins").mkdir(parents=True)
            files = install(site, packages)
    except DeepZError as error:
        sys.exit(f"Error: {error}")
    (site / RECORD_NAME).unlink()  # of an installation; Fiji's updater keeps its own
    sums = [f"{sha256_of(site / name)}  {name}\n" for name in files]
    (site / CHECKSUMS_NAME).write_text("".join(sums), encoding="utf-8", newline="\n")
    click.echo(f"{len(files)} files in {site}; check them with: sha256sum -c {CHECKSUMS_NAME}")


if __name__ == "__main__":
    build()
