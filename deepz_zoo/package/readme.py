"""The documents of a package: its README and the Fiji macro that makes a DPM."""

from __future__ import annotations

from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from deepz_zoo.dpm import SHORTEST_PERIOD_UM

if TYPE_CHECKING:
    from deepz_zoo.training.record import TrainingRecord
    from deepz_zoo.zoo import Manifest

MACRO_NAME = "add_dpm_channel.ijm"

_DEFINITIONS = (
    "The truth is the noise-free plane of the same stack, in camera units. Error/rms is "
    "rms(image − truth) / rms(truth − background), 1 for a blank image; SSIM, MAE and RMSE are "
    "those of images scaled to the intensity range of the true stack. The input as it is stands "
    "for doing nothing."
)


def macro_text(manifest: Manifest) -> str:
    """Return the ImageJ macro that adds a DPM channel to an image of the model's pixel size."""
    return _template(MACRO_NAME).substitute(pixel_size_um=f"{manifest.system.pixel_size_um:g}")


def readme_text(manifest: Manifest, *, parameters: int, archive_name: str) -> str:
    """Return the README of a package as Markdown.

    Parameters
    ----------
    manifest
        What the zoo says of the model.
    parameters
        Number of the network's parameters.
    archive_name
        Name of the package's zip file, for the examples.
    """
    system, lens = manifest.system, manifest.system.objective
    citation = manifest.citations[0]
    return _template("README.md").substitute(
        name=manifest.name,
        provenance=manifest.provenance,
        objective=lens.name,
        numerical_aperture=f"{lens.numerical_aperture:g}",
        immersion=lens.immersion,
        channel=system.channel.name,
        wavelength_nm=f"{system.channel.emission_wavelength_um * 1e3:.0f}",
        pixel_size_um=f"{system.pixel_size_um:g}",
        z_range_um=f"{system.z_range_um:g}",
        size=manifest.size,
        width=f"{manifest.generator.width:g}",
        levels=manifest.generator.levels,
        parameters=f"{parameters:,}",
        shortest_period_um=f"{SHORTEST_PERIOD_UM:g}",
        macro_name=MACRO_NAME,
        macro=macro_text(manifest).rstrip(),
        archive_name=archive_name,
        accuracy=_accuracy_text(manifest),
        limits="\n".join(f"- {limit}" for limit in manifest.limits),
        training=_training_table(manifest.training),
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
        f"model as it is packaged here.\n\n{accuracy.to_markdown()}\n\n{_DEFINITIONS}"
    )


def _training_table(record: TrainingRecord) -> str:
    rows = {
        **record.data_rows(),
        "patches": "{:,} of {}² and {}² px".format(record.patches, *record.patch_px),
        "steps": f"{record.steps:,} with batches of {record.batch_size}",
        "loss": record.loss,
        "validation MAE": f"{record.validation_mae:.4g}",
        "time": f"{record.hours:.2g} h on {record.device}",
        "date": record.date,
        "seed": str(record.seed),
        "code": f"deepz-zoo {record.code_version}",
        "command": f"`{record.command}`",
        "remarks": record.remarks or "none",
    }
    lines = [f"| {key} | {value} |" for key, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _template(name: str) -> Template:
    text = files("deepz_zoo.package").joinpath("templates").joinpath(name)
    return Template(text.read_text(encoding="utf-8"))
