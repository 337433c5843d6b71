"""``deepz-zoo list``: the zoo as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.options import console, json_option, print_json

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.manifest import Manifest


@click.command("list")
@json_option
@click.option("--names", is_flag=True, help="Print the names of the trained models only.")
def command(*, as_json: bool, names: bool) -> None:
    """Print every objective and channel of the zoo, and which of them are trained."""
    from deepz_zoo.optics import list_systems
    from deepz_zoo.zoo import list_models

    trained = {manifest.name: manifest for manifest in list_models()}
    systems = list_systems()
    if names:
        # in the order of the catalogue: dialogs offer the first one
        click.echo("\n".join(system.name for system in systems if system.name in trained))
        return
    rows = [_row(system, trained.get(system.name)) for system in systems]
    if as_json:
        print_json(rows)
    else:
        _print_table(rows)


def _row(system: ImagingSystem, manifest: Manifest | None) -> dict[str, Any]:
    """Return what the table says of a system, made of JSON's own types."""
    from deepz_zoo.zoo.store import weights_bytes

    return {
        "name": system.name,
        "lens": system.objective.name,
        "emission_um": system.channel.emission_wavelength_um,
        "pixel_size_um": system.pixel_size_um,
        "z_range_um": system.z_range_um,
        "trained": manifest is not None,
        "size": manifest.size if manifest else None,
        "training_data": manifest.training_data if manifest else None,
        "weights_bytes": weights_bytes(manifest) if manifest else None,
        "correlation": _correlations(manifest),
    }


def _correlations(manifest: Manifest | None) -> dict[str, float]:
    """Return the mean correlation at about half of the range and at its edge."""
    if manifest is None or manifest.accuracy is None:
        return {}
    accuracy = manifest.accuracy
    return {
        f"{distance:g}": accuracy.correlation(dz=distance)
        for distance in accuracy.distances_um[-2:]
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    # Without frames it fits into 80 columns.
    table = Table(box=None, header_style="bold", pad_edge=False, collapse_padding=True)
    table.add_column("model", no_wrap=True)
    for heading in ("nm", "px µm", "range µm"):
        table.add_column(heading, justify="right")
    table.add_column("size, MB")
    for heading in ("correlation", "at the edge"):
        table.add_column(heading, justify="right")
    for row in rows:
        correlations = [f"{value:.2f} ({dz})" for dz, value in row["correlation"].items()]
        size = row["weights_bytes"]
        megabytes = "?" if size is None else f"{size / 1e6:.1f}"
        table.add_row(
            row["name"],
            f"{row['emission_um'] * 1000:.0f}",
            f"{row['pixel_size_um']:g}",
            f"±{row['z_range_um']:g}",
            f"{row['size']} {megabytes}" if row["trained"] else "none",
            *(correlations or ("–", "–")),
        )
    output = console()
    output.print(table)
    output.print(
        "Mean correlation with the ground truth (at |Δz| in µm), on held-out simulated\n"
        "stacks with low noise. 'deepz-zoo info MODEL' has the rest."
    )
