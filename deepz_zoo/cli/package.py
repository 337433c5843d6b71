"""``deepz-zoo package``: a tested bioimage.io package of a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.options import (
    console,
    engines_option,
    model_options,
    normalization_option,
    overwrite_option,
    show_progress,
    weights_option,
)
from deepz_zoo.cli.parameters import PathName
from deepz_zoo.errors import DeepZError

if TYPE_CHECKING:
    from rich.console import Console

    from deepz_zoo.network.config import Normalization
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.package.build import BuiltPackage
    from deepz_zoo.package.contents.variants import Variant
    from deepz_zoo.records.manifest import Manifest

# The same as VARIANTS, without the import of numpy behind it.
_VARIANTS = ("surface", "zstack")


@click.command("package")
@model_options()
@weights_option
@click.option(
    "--variant",
    "variant_name",
    type=click.Choice(_VARIANTS),
    default="surface",
    show_default=True,
    help="'surface' takes an image with a DPM; 'zstack' an image alone, and makes planes.",
)
@click.option(
    "--z",
    metavar="UM",
    help="Planes of --variant zstack in µm, such as -10:10:1.  [default: 21 over the range]",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE.zip",
    type=PathName(path_type=Path),
    help="The package, or an existing folder to put it in.  [default: deepz_OBJECTIVE_CHANNEL.zip, "
    "or deepz_OBJECTIVE_CHANNEL_zstack.zip]",
)
@normalization_option
@engines_option
@overwrite_option
@click.option("--no-test", is_flag=True, help="Do not run the tests of the finished package.")
@click.option(
    "--web",
    is_flag=True,
    help="Also write a web page that runs the model, into a folder NAME_web beside the package.",
)
@click.option(
    "--accept-license",
    is_flag=True,
    help="Accept the terms of weights of the method's authors: non-commercial research use, not "
    "to be redistributed.",
)
def command(
    *,
    model_name: str,
    weights: str | None,
    variant_name: str,
    z: str | None,
    output: Path | None,
    normalization: Normalization | None,
    engines: Path | None,
    overwrite: bool,
    no_test: bool,
    web: bool,
    accept_license: bool,
) -> None:
    """Build the bioimage.io package of a model and test it.

    The zip file opens in deepImageJ (Fiji), ilastik and bioimageio.core. It holds the weights as
    PyTorch state dict, TorchScript and ONNX, test images, documentation and the measured accuracy.
    Its hash is listed in SHA256SUMS beside it; 'deepz-zoo verify' checks it.
    """
    if z is not None and variant_name != "zstack":
        raise click.UsageError("--z belongs to --variant zstack")
    if web and variant_name != "surface":
        raise click.UsageError("--web belongs to --variant surface")

    from deepz_zoo.files import refuse_output
    from deepz_zoo.models import load_model, model_files

    # Whether the name is known is cheap to tell; the libraries behind the rest take seconds.
    model, manifest = load_model(model_name, weights=weights, normalization=normalization)
    if manifest.restricted and not accept_license:
        raise DeepZError(
            f"{manifest.name}: {manifest.license}; a package holds them whole: build one for "
            "yourself with --accept-license"
        )

    from deepz_zoo.engines.old_programs import runtimes_in
    from deepz_zoo.package.build import build_package, default_name

    variant = _variant(variant_name, z, manifest.system)
    path = output or Path(default_name(manifest, variant))
    if path.is_dir():
        path = path / default_name(manifest, variant)
    refuse_output(path, overwrite=overwrite, inputs=model_files(model_name, weights))
    if web:
        from deepz_zoo.web.site import refuse_site

        refuse_site(_web_folder(path), overwrite=overwrite)
    with show_progress() as progress:
        built = build_package(
            model,
            manifest,
            path,
            variant=variant,
            overwrite=overwrite,
            test=not no_test,
            old_runtimes=runtimes_in(engines) if engines else (),
            progress=progress,
        )
        if web:
            progress("writing the web page")
            _write_page(built.path, manifest, overwrite=overwrite)
    _print(built, console(), _web_folder(path) if web else None)


def _web_folder(package: Path) -> Path:
    return package.with_name(f"{package.stem}_web")


def _write_page(package: Path, manifest: Manifest, *, overwrite: bool) -> None:
    """Write the page beside a package that was just built, with the package's own ONNX file."""
    import zipfile

    from deepz_zoo.package.contents.description import FILES
    from deepz_zoo.web.site import write_site

    def write_onnx(path: Path) -> None:
        with zipfile.ZipFile(package) as archive:
            path.write_bytes(archive.read(FILES.onnx))

    write_site(_web_folder(package), [(manifest, write_onnx)], overwrite=overwrite)


def _variant(name: str, z: str | None, system: ImagingSystem) -> Variant:
    from deepz_zoo.package.contents.variants import SURFACE, zstack_variant
    from deepz_zoo.refocus import parse_depths

    if name == "surface":
        return SURFACE
    return zstack_variant(system, parse_depths(z) if z is not None else None)


def _print(built: BuiltPackage, out: Console, web: Path | None) -> None:
    from rich.table import Table

    table = Table(show_header=False, box=None)
    table.add_row("file", str(built.path))
    table.add_row("size", f"{built.size_bytes / 1e6:.1f} MB")
    table.add_row("SHA-256", built.sha256)
    if web is not None:
        table.add_row("web page", str(web))
    if not built.differences:
        table.add_row("tests", "[yellow]not run[/yellow] (--no-test)")
    for found in built.differences:
        table.add_row(
            found.weight_format,
            f"passed, largest difference {found.difference.absolute:.3g} grey levels "
            f"({found.difference.relative:.1e} relative)",
        )
    out.print(table)
