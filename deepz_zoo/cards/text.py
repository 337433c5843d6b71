"""The text of a model card: what to know before using a model, made from its manifest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepz_zoo.cards.failures import failure_sentences
from deepz_zoo.cards.labels import LIMIT_DEFINITION
from deepz_zoo.cards.names import accuracy_plot_name, example_name, limits_plot_name
from deepz_zoo.cards.rows import import_rows, training_data_rows
from deepz_zoo.cards.tables import (
    accuracy_tables,
    limit_table,
    precision_table,
    stack_tables,
    two_column_table,
)
from deepz_zoo.records.accuracy import BENCHMARK_VERSION
from deepz_zoo.records.precision import MAX_CORRELATION_LOSS

if TYPE_CHECKING:
    from deepz_zoo.records.accuracy import Accuracy
    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.records.measured_stack import MeasuredStack

PATENT = "The method is covered by a patent application (WO2020/139835A1)."


def card_text(manifest: Manifest) -> str:
    """Return the Markdown card of a model; its pictures lie beside it."""
    sections = [
        f"# {manifest.name} ({manifest.size})\n\n**{manifest.provenance}** {PATENT}",
        f"![Input, refocused planes and ground truth]({example_name(manifest)})",
        _use(manifest),
        _training(manifest),
        _accuracy(manifest),
        *(_measured(stack) for stack in manifest.measured),
        *_precision(manifest),
        _failures(manifest),
        _citation(manifest),
    ]
    return "\n\n".join(sections) + "\n"


def _use(manifest: Manifest) -> str:
    system, lens = manifest.system, manifest.system.objective
    rows = {
        "objective": f"{lens.name} (NA {lens.numerical_aperture:g}, {lens.immersion})",
        "channel": f"{system.channel.name}, emission "
        f"{system.channel.emission_wavelength_um * 1e3:.0f} nm",
        "pixel size in the specimen": f"{system.pixel_size_um:g} µm",
        "axial range": f"-{system.z_range_um:g} to +{system.z_range_um:g} µm of stage travel",
        "depth of field λn/NA²": f"{system.depth_of_field_um:.2f} µm",
    }
    made = ""
    if (laser := system.confocal) is not None:
        made = ", as a confocal microscope shows them"
        rows["confocal microscope"] = (
            f"{laser.excitation_wavelength_um * 1e3:.0f} nm, pinhole of "
            f"{laser.pinhole_airy:g} Airy disk"
        )
    return (
        "## Intended use\n\nVirtual refocusing of a single wide-field fluorescence image onto "
        f"planes and smooth surfaces within the axial range{made}, for images of this objective "
        f"and channel.\n\n{two_column_table(rows)}"
    )


def _training(manifest: Manifest) -> str:
    if (imported := manifest.imported) is not None:
        return f"## Training\n\n{two_column_table(import_rows(imported) | _weights(manifest))}"
    record, ranges = manifest.training, manifest.system.aberrations
    assert record is not None
    rows = {
        **training_data_rows(record),
        "patches": "{:,} of {}² and {}² px".format(record.patches, *record.patch_px),
        "time": f"{record.hours:.2f} h on {record.device}",
    }
    simulation = {
        "coverslip": f"{ranges.coverslip_um[0]:g} ± {ranges.coverslip_um[1]:g} µm "
        "(170 µm by design)",
        "depth of the focal plane": "{:g} to {:g} µm".format(*ranges.depth_um),
        "index of the specimen": "{:g} to {:g}".format(*ranges.specimen_index),
        "residual blur": "{:g} to {:g} µm FWHM".format(*ranges.residual_blur_um),
        "coma, astigmatism": f"up to {ranges.coma_waves:g} and {ranges.astigmatism_waves:g} waves "
        "at the edge of the pupil",
        "light over the pupil": _pupil(ranges.pupil_gradient),
    }
    rows |= simulation if record.training_data != "measured" else {}
    rows |= {
        "loss": record.loss,
        "seed, date, code": f"{record.seed}, {record.date}, deepz-zoo {record.code_version}",
        "command": f"`{record.command}`",
        "remarks": record.remarks or "none",
    } | _weights(manifest)
    return f"## Training\n\n{two_column_table(rows)}"


def _pupil(gradient: float) -> str:
    return f"1 + g u in any direction, g up to {gradient:g}" if gradient else "even"


def _weights(manifest: Manifest) -> dict[str, str]:
    return {"SHA-256 of the weights": f"`{manifest.sha256}`"}


def _accuracy(manifest: Manifest) -> str:
    accuracy = manifest.accuracy
    if accuracy is None:
        return "## Accuracy\n\nNot measured."
    stacks = len(accuracy.seeds) * len(accuracy.specimens)
    return (
        f"## Accuracy on held-out simulated stacks\n\n{stacks} stacks for each kind of noise, of "
        "seeds, specimens and instruments never trained on, through the graph that users run: raw "
        f"image in, intensity scale from that image alone.{_older(accuracy)}\n\n"
        f"```\ndeepz-zoo evaluate {manifest.name} --seeds {len(accuracy.seeds)}\n```\n\n"
        f"![Accuracy against the refocusing distance]({accuracy_plot_name(manifest)})\n\n"
        f"{accuracy_tables(accuracy)}"
    )


def _older(accuracy: Accuracy) -> str:
    """Say that the command below gives other figures, where it does."""
    if accuracy.benchmark_version == BENCHMARK_VERSION:
        return ""
    return (
        f" These are figures of version {accuracy.benchmark_version} of the benchmark, whose "
        f"instruments had the ranges above; version {BENCHMARK_VERSION}, which the command now "
        "runs, has wider ones."
    )


def _measured(stack: MeasuredStack) -> str:
    return (
        f"## {stack.title}\n\n```\n{stack.command}\n```\n\n{stack.comment}\n\n"
        f"Mean over all other planes within the axial range:\n\n{stack_tables(stack)}"
    )


def _precision(manifest: Manifest) -> list[str]:
    if not manifest.precisions:
        return []
    return [
        "## With fewer digits\n\nWhat it costs that the network computes in another precision than "
        "float32, on the low-noise images of the benchmark, at the distance where it costs most. "
        f"`--precision auto` takes what costs at most {MAX_CORRELATION_LOSS:g} of correlation, "
        f"where it is faster.\n\n{precision_table(manifest.precisions)}"
    ]


def _failures(manifest: Manifest) -> str:
    parts = [
        "## Where it fails",
        "\n".join(f"- {mode}" for mode in failure_sentences(manifest.failure_modes)),
    ]
    if (limits := manifest.limits) is not None:
        distance = limits.settings.distance_um
        parts += [
            f"Measured on simulated stacks of {len(limits.seeds)} more held-out instruments with "
            f"low noise, every condition but the distance at |Δz| {distance:g} µm. "
            f"{LIMIT_DEFINITION}",
            f"```\ndeepz-zoo evaluate limits {manifest.name} --seeds {len(limits.seeds)}\n```",
            f"![Accuracy against each condition]({limits_plot_name(manifest)})",
            *map(limit_table, limits.curves),
        ]
    return "\n\n".join(parts)


def _citation(manifest: Manifest) -> str:
    works = "\n".join(f"- {work.text}. doi:{work.doi}" for work in manifest.citations)
    return f"## Citation and license\n\n{works}\n\nThe weights: {manifest.license}."
