"""The built page with models and examples: a folder for any web server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import remove, temporary_name
from deepz_zoo.images import Image, write_image
from deepz_zoo.web.description import ModelList, describe
from deepz_zoo.zoo.examples import make_example

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.manifest import Manifest

PAGE = Path(__file__).parent / "page"
"""What ``make web`` builds of ``packaging/web``; a wheel has it if it was built before."""

MODELS_NAME = "models.json"

Writer = Callable[[Path], None]
"""Writes one file under the name that it is given."""


def built_page() -> Path:
    """Return the folder of the built page.

    Raises
    ------
    DeepZError
        If this installation has none.
    """
    if not (PAGE / "index.html").is_file():
        raise DeepZError(
            "this installation has no built web page: in a clone of the repository run 'make web', "
            "which needs Node.js 20 or newer with npm"
        )
    return PAGE


def site_files(models: Sequence[tuple[Manifest, Writer]]) -> Mapping[str, Writer]:
    """Return how each file is written that the page needs beside its own.

    Parameters
    ----------
    models
        What is known of each model, and what writes its ONNX file.
    """
    described = tuple(describe(manifest) for manifest, _ in models)
    index = ModelList(models=described).model_dump_json(by_alias=True, indent=1)
    files: dict[str, Writer] = {MODELS_NAME: lambda path: _write_text(path, index)}
    for (manifest, write_onnx), model in zip(models, described, strict=True):
        files[model.onnx] = write_onnx
        files[model.example] = partial(_write_example, manifest.system)
    return files


def refuse_site(folder: Path, *, overwrite: bool = False) -> None:
    """Check that a site may be written, before anything is computed for it.

    Raises
    ------
    DeepZError
        If the page is not built, or the folder exists and is no site or may not be replaced.
    """
    built_page()
    if not folder.exists():
        return
    if not (folder / MODELS_NAME).is_file() or not (folder / "index.html").is_file():
        raise DeepZError(f"{folder} exists and is no Deep-Z web page; move it away")
    if not overwrite:
        raise DeepZError(f"{folder} exists; move it away or set `overwrite`")


def write_site(
    folder: Path, models: Sequence[tuple[Manifest, Writer]], *, overwrite: bool = False
) -> None:
    """Write the page with models and examples; the folder appears when it is complete.

    Parameters
    ----------
    folder
        The folder to make.
    models
        As in `site_files`.
    overwrite
        Replace an older site.

    Raises
    ------
    DeepZError
        See `refuse_site`.
    """
    refuse_site(folder, overwrite=overwrite)
    made = temporary_name(folder)
    try:
        shutil.copytree(built_page(), made)
        for name, write in site_files(models).items():
            path = made / name
            path.parent.mkdir(exist_ok=True)
            write(path)
        if folder.exists():
            remove(folder)
        made.replace(folder)
    finally:
        remove(made)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_example(system: ImagingSystem, path: Path) -> None:
    camera = make_example(system).image.astype(np.uint16)
    image = Image(
        camera,
        "yx",
        system.pixel_size_um,
        numerical_aperture=system.objective.numerical_aperture,
        immersion=system.objective.immersion.capitalize(),
        emission_um=(system.channel.emission_wavelength_um,),
    )
    write_image(path, image, description="Simulated")
