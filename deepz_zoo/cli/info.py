"""``deepz-zoo info``: one model with its optics, range, training and accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.accuracy_tables import limit_summary, print_accuracy
from deepz_zoo.cli.options import console, json_option, model_options, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.manifest import Manifest

# Fields of the training record that other rows show.
_SHOWN_OTHERWISE = {
    "system", "generator", "data_ranges", "specimens", "stacks", "training_data", "datasets",
    "start",
}  # fmt: skip


@click.command("info")
@model_options()
@json_option
def command(*, model_name: str, as_json: bool) -> None:
    """Print a model's optics, axial range, training, accuracy and limits."""
    from deepz_zoo.optics import get_system
    from deepz_zoo.zoo import list_models

    system = get_system(model_name)
    trained = {manifest.name: manifest for manifest in list_models()}
    manifest = trained.get(system.name)
    if as_json:
        print_json(_as_json(system, manifest))
    else:
        _print_tables(system, manifest)


def _as_json(system: ImagingSystem, manifest: Manifest | None) -> dict[str, Any]:
    from deepz_zoo.cards.failures import failure_sentences

    return {
        "name": system.name,
        "depth_of_field_um": system.depth_of_field_um,
        "lateral_fwhm_um": system.lateral_fwhm_um,
        "system": system.model_dump(mode="json"),
        "trained": manifest is not None,
        "provenance": manifest.provenance if manifest else None,
        "failure_modes": list(failure_sentences(manifest.failure_modes)) if manifest else [],
        "manifest": manifest.model_dump(mode="json") if manifest else None,
    }


def _print_tables(system: ImagingSystem, manifest: Manifest | None) -> None:
    from deepz_zoo.cards.failures import failure_sentences

    output = console()
    # What decides whether the model is for an image comes first.
    output.print(_facts(system.name, _use(system)))
    if manifest is None:
        output.print(f"No weights yet: train them with 'deepz-zoo train {system.name} -o RUN'.")
        output.print(_facts("Optics", _optics(system)))
        return
    output.print(manifest.provenance)
    for sentence in failure_sentences(manifest.failure_modes):
        output.print(f"• {sentence}")
    output.print(_facts("Optics", _optics(system)))
    if manifest.accuracy is not None:
        print_accuracy(manifest.accuracy)
    if manifest.limits is not None:
        output.print(limit_summary(manifest.limits))
    output.print(_facts("Model", _model(manifest)))
    output.print(_facts("Training", _training(manifest)))


def _facts(title: str, facts: dict[str, str]) -> Table:
    """Return a table of two columns without a heading."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in facts.items():
        table.add_row(label, value)
    return table


def _use(system: ImagingSystem) -> dict[str, str]:
    return {
        "axial range": f"-{system.z_range_um:g} to +{system.z_range_um:g} µm of stage z",
        "pixel size": f"{system.pixel_size_um:g} µm in the specimen",
        "objective": system.objective.name,
        "channel": f"{system.channel.name}, {system.channel.emission_wavelength_um * 1000:.0f} nm",
    }


def _optics(system: ImagingSystem) -> dict[str, str]:
    lens = system.objective
    return {
        "magnification, NA": f"{lens.magnification:g}x, {lens.numerical_aperture:g}",
        "immersion": f"{lens.immersion}, index {lens.immersion_index:g}",
        "step of its stacks": f"{system.z_step_um:g} µm",
        "depth of field λn/NA²": f"{system.depth_of_field_um:.2f} µm",
        "lateral FWHM 0.51 λ/NA": f"{system.lateral_fwhm_um:.3f} µm",
    }


def _model(manifest: Manifest) -> dict[str, str]:
    generator = manifest.generator
    return {
        "generator": f"{manifest.size}: width {generator.width:g}, {generator.levels} levels",
        "normalization": f"{manifest.normalization}, inside the graph",
        "DPM": f"in µm, divided by {manifest.dpm_scale_um:g} inside the graph",
        "SHA-256": manifest.sha256,
        "license": manifest.license,
        "cite": "\n".join(f"{item.text}, doi:{item.doi}" for item in manifest.citations),
    }


def _training(manifest: Manifest) -> dict[str, str]:
    """Return the training record; the names of its fields serve as labels."""
    from deepz_zoo.cards.rows import import_rows, training_data_rows

    record = manifest.training
    if record is None:
        return import_rows(manifest.imported) if manifest.imported else {}
    shown = record.model_dump(mode="json", exclude=_SHOWN_OTHERWISE)
    rows = {name.replace("_", " "): _text(value) for name, value in shown.items()}
    return training_data_rows(record) | rows


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
