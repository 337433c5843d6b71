"""Build a bioimage.io package and test what was built."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.cards.picture import cover_distances, write_cover
from deepz_zoo.engines.engine import FileFormat, Runtime
from deepz_zoo.errors import CheckFailed, DeepZError
from deepz_zoo.files import refuse_output, replacing, sha256_of, temporary_folder
from deepz_zoo.images import Image, write_image
from deepz_zoo.network.graph.export import export_onnx, export_torchscript
from deepz_zoo.package.checks.formats import (
    FormatDifference,
    format_differences,
    run_bioimageio_tests,
)
from deepz_zoo.package.checks.lint import lint
from deepz_zoo.package.checks.parity import model_parity, read_parity, refuse_disparity
from deepz_zoo.package.contents.architecture import (
    CALLABLE,
    architecture_arguments,
    architecture_source,
)
from deepz_zoo.package.contents.archive import write_archive
from deepz_zoo.package.contents.checksums import CHECKSUMS_NAME, list_checksum, write_checksums
from deepz_zoo.package.contents.description import FILES, macro_name, write_description
from deepz_zoo.package.contents.readme import readme_text
from deepz_zoo.package.contents.torchscript import strip_machine_traces
from deepz_zoo.package.contents.usage import macro_text
from deepz_zoo.package.contents.variants import SURFACE, Variant
from deepz_zoo.package.reading.archive import open_package
from deepz_zoo.package.reading.isolation import isolated_bioimageio
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.zoo.examples import Example, make_example

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.manifest import Manifest


@dataclass(frozen=True)
class BuiltPackage:
    """A finished package.

    Attributes
    ----------
    path
        The zip file.
    size_bytes, sha256
        Its size and hash.
    differences
        Largest difference of each weight format from the test output; empty when nothing was
        tested.
    """

    path: Path
    size_bytes: int
    sha256: str
    differences: tuple[FormatDifference, ...]


def default_name(manifest: Manifest, variant: Variant = SURFACE) -> str:
    """Return the file name of a model's package."""
    return f"deepz_{manifest.name.replace('/', '_')}{variant.suffix}.zip"


def build_package(
    model: DeepZModel,
    manifest: Manifest,
    path: Path,
    *,
    variant: Variant = SURFACE,
    overwrite: bool = False,
    test: bool = True,
    example: Example | None = None,
    old_runtimes: Sequence[Runtime] = (),
    progress: Progress = no_progress,
) -> BuiltPackage:
    """Build the bioimage.io package of a model as a zip file.

    Two processes that build the same weights from the same example with the same libraries write
    the same bytes, whatever the machine, its clock and its user. The file appears under its name
    only when it is complete and has passed its tests; its hash is then added to ``SHA256SUMS``
    beside it.

    Parameters
    ----------
    model
        The graph wrapper with its weights.
    manifest
        What the zoo says of the model.
    path
        The zip file to write.
    variant
        What it takes and gives.
    overwrite
        Replace an existing file.
    test
        Run bioimageio.core's tests of every weight format on the finished file.
    example
        The example image that becomes test tensor and cover; by default that of the system.
    old_runtimes
        Old programs whose outputs the parity report compares too.
    progress
        Called with the name of each step.

    Raises
    ------
    DeepZError
        If the file may not be written or is not called ``.zip``, or the output of the model is no
        image.
    CheckFailed
        If a test of the package fails; the message names it.
    """
    if path.suffix.lower() != ".zip":
        raise DeepZError(f"{path}: a package is a zip file; expected a name that ends in .zip")
    refuse_output(path.with_name(CHECKSUMS_NAME))
    with replacing(path, overwrite=overwrite) as temporary, isolated_bioimageio():
        if example is None:
            progress("preparing an example image")
            example = make_example(manifest.system)
        with temporary_folder("package") as folder:
            write_contents(
                folder,
                model,
                manifest,
                example,
                path.name,
                progress,
                variant=variant,
                old_runtimes=old_runtimes,
            )
            write_archive(folder, temporary)
        differences = _tested(temporary, progress) if test else ()
        size, digest = temporary.stat().st_size, sha256_of(temporary)
    list_checksum(path, digest)
    return BuiltPackage(path, size, digest, differences)


def write_contents(
    folder: Path,
    model: DeepZModel,
    manifest: Manifest,
    example: Example,
    archive_name: str,
    progress: Progress = no_progress,
    *,
    variant: Variant = SURFACE,
    old_runtimes: Sequence[Runtime] = (),
) -> None:
    """Write every file of a package into a folder."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    progress("running the model on the example")
    _write_tensors(folder, model, manifest, variant, example)
    progress("writing the weights in three formats")
    _write_weights(folder, variant.graph(model))
    progress("comparing the formats with each other")
    files: dict[FileFormat, Path] = {
        "torchscript": folder / FILES.torchscript,
        "onnx": folder / FILES.onnx,
    }
    report = model_parity(variant.graph(model), files, old_runtimes).bounded()
    progress("writing the documents")
    texts = {
        FILES.architecture: architecture_source(),
        FILES.readme: readme_text(
            manifest,
            variant,
            parameters=parameters,
            archive_name=archive_name,
            parity=report.to_markdown(),
        ),
        FILES.parity: report.to_json(),
        macro_name(variant): macro_text(manifest, variant),
        FILES.manifest: manifest.model_dump_json(indent=1) + "\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    write_description(
        folder,
        manifest,
        variant,
        architecture=architecture_arguments(
            manifest.generator, manifest.dpm_scale_um, manifest.normalization, variant.z_um
        ),
        callable_name=CALLABLE,
        parameters=parameters,
    )
    write_checksums(folder)


def _write_tensors(
    folder: Path, model: DeepZModel, manifest: Manifest, variant: Variant, example: Example
) -> None:
    """Write test tensors, the same as TIFF for people, and the cover."""
    # Rounded from double precision, the output is the same on every processor.
    precise = copy.deepcopy(model).double()
    tensor = variant.tensor(example.tensor)
    output = _run(variant.graph(precise), tensor)
    if not np.isfinite(output).all() or output.max() <= 0:
        raise DeepZError(
            f"the weights turn the example image into values from {output.min():g} to "
            f"{output.max():g}; expected the grey levels of an image: is the training complete?"
        )
    np.save(folder / FILES.test_input, tensor)
    np.save(folder / FILES.test_output, output)
    pixel_size_um = manifest.system.pixel_size_um
    for name, channels, names in (
        (FILES.sample_input, tensor[0], variant.input_channels),
        (FILES.sample_output, output[0], variant.output_channels),
    ):
        image = Image(channels, "cyx", pixel_size_um, channel_names=names)
        if len(names) == 1:
            image = Image(channels[0], "yx", pixel_size_um)
        write_image(folder / name, image, style="imagej")
    refocused = []
    for dz in cover_distances(manifest.system):
        plane = np.stack([example.image, np.full_like(example.image, dz)])[None]
        refocused.append(_run(precise, plane)[0, 0])
    write_cover(folder / FILES.cover, example, refocused)


def _write_weights(folder: Path, model: DeepZModel) -> None:
    torch.save(model.state_dict(), folder / FILES.state_dict)
    export_torchscript(model, folder / FILES.torchscript)
    strip_machine_traces(folder / FILES.torchscript)
    export_onnx(model, folder / FILES.onnx)


def _run(model: DeepZModel, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run a model of double precision."""
    with torch.inference_mode():
        output: NDArray[np.float64] = model(torch.from_numpy(tensor).double()).numpy()
    return output.astype(np.float32)


def _tested(path: Path, progress: Progress) -> tuple[FormatDifference, ...]:
    """Test a finished package as its users' tools do, and against their rules."""
    progress("testing every weight format")
    with open_package(path) as description:
        for check in (*lint(description), *run_bioimageio_tests(description)):
            if check.status == "failed":
                raise CheckFailed(f"the package fails '{check.name}': {check.detail}")
        refuse_disparity(read_parity(description.parent / FILES.parity))
        return format_differences(description)
