"""The README of a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepz_zoo.cards.failures import failure_sentences
from deepz_zoo.cards.rows import import_rows, training_data_rows
from deepz_zoo.cards.tables import accuracy_tables
from deepz_zoo.package.contents.usage import summary_text, template, usage_text
from deepz_zoo.records.manifest import LICENSE

if TYPE_CHECKING:
    from deepz_zoo.package.contents.variants import Variant
    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.records.training import TrainingRecord

_DEFINITIONS = (
    "The ground truth is the noise-free plane of the same stack, in camera units. Error/rms is "
    "rms(image − ground truth) / rms(ground truth − background), 1 for a blank image; SSIM, MAE "
    "and RMSE are those of images scaled to the intensity range of the ground truth. The input as "
    "it is stands for doing nothing."
)


def readme_text(
    manifest: Manifest, variant: Variant, *, parameters: int, archive_name: str, parity: str
) -> str:
    """Return the README of a package as Markdown.

    Parameters
    ----------
    manifest
        What the zoo says of the model.
    variant
        What the package takes and gives.
    parameters
        Number of the network's parameters.
    archive_name
        Name of the package's zip file, for the examples.
    parity
        Table of how far the weight formats are from each other.
    """
    system, lens = manifest.system, manifest.system.objective
    citation = manifest.citations[0]
    return template("README.md").substitute(
        name=manifest.name,
        kind="" if variant.z_um is None else ", z-stack",
        summary=summary_text(variant),
        provenance=manifest.provenance,
        objective=lens.name,
        numerical_aperture=f"{lens.numerical_aperture:g}",
        immersion=lens.immersion,
        channel=system.channel.name,
        wavelength_nm=f"{system.channel.emission_wavelength_um * 1e3:.0f}",
        pixel_size_um=f"{system.pixel_size_um:g}",
        z_range_um=f"{system.z_range_um:g}",
        network=_network(manifest),
        width=f"{manifest.generator.width:g}",
        levels=manifest.generator.levels,
        parameters=f"{parameters:,}",
        license=_license(manifest),
        use=usage_text(manifest, variant, archive_name),
        accuracy=_accuracy_text(manifest),
        parity=parity,
        limits="\n".join(f"- {limit}" for limit in failure_sentences(manifest.failure_modes)),
        training=_origin_table(manifest),
        citation=citation.text,
        doi=citation.doi,
    )


def _accuracy_text(manifest: Manifest) -> str:
    accuracy = manifest.accuracy
    if accuracy is None:
        return (
            "The accuracy of these weights was **not measured**. Measure it with "
            "`deepz-zoo evaluate` before relying on them."
        )
    stacks = len(accuracy.seeds) * len(accuracy.specimens)
    return (
        f"Measured on {stacks} simulated stacks for each kind of noise ({len(accuracy.seeds)} "
        f"instruments × {', '.join(accuracy.specimens)}) that were never trained on, with the "
        f"model as it is packaged here.\n\n{accuracy_tables(accuracy)}\n\n{_DEFINITIONS}"
    )


def _network(manifest: Manifest) -> str:
    if manifest.imported is not None:
        return "generator that the method's authors released, which is not that of the paper"
    return f'generator of the paper, "{manifest.size}"'


def _license(manifest: Manifest) -> str:
    if not manifest.restricted:
        return f"{manifest.license}."
    return (
        f"**The weights: {manifest.license}.** Keep this package to yourself. The code and the "
        f"documents in it: {LICENSE}."
    )


def _origin_table(manifest: Manifest) -> str:
    if manifest.training is None:
        assert manifest.imported is not None
        return _table(import_rows(manifest.imported))
    return _table(_training_rows(manifest.training))


def _training_rows(record: TrainingRecord) -> dict[str, str]:
    return {
        **training_data_rows(record),
        "patches": "{:,} of {}² and {}² px".format(record.patches, *record.patch_px),
        "steps": f"{record.steps:,} with batches of {record.batch_size}",
        "loss": record.loss,
        "validation MAE": (
            "not measured" if record.validation_mae is None else f"{record.validation_mae:.4g}"
        ),
        "time": f"{record.hours:.2g} h on {record.device}",
        "date": record.date,
        "seed": str(record.seed),
        "code": f"deepz-zoo {record.code_version}",
        "command": f"`{record.command}`",
        "remarks": record.remarks or "none",
    }


def _table(rows: dict[str, str]) -> str:
    lines = [f"| {key} | {value} |" for key, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])
