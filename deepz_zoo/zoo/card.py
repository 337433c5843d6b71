"""Model cards: what a person has to know before using a model, made from its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepz_zoo.analysis.accuracy import METHOD_LABELS, ratio_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepz_zoo.analysis.measured import StackAccuracy
    from deepz_zoo.zoo.manifest import Manifest

PATENT = "The method is covered by a patent application (WO2020/139835A1)."


@dataclass(frozen=True)
class MeasuredStack:
    """What a model reached on a stack that somebody measured.

    Attributes
    ----------
    title
        What the stack shows, and where it is from.
    command
        Command that made the figures.
    comment
        How to read them.
    accuracy
        The figures.
    """

    title: str
    command: str
    comment: str
    accuracy: StackAccuracy


def card_text(
    manifest: Manifest, measured: Sequence[MeasuredStack] = (), *, picture: str | None = None
) -> str:
    """Return the Markdown card of a model.

    Parameters
    ----------
    manifest
        What the zoo says of the model.
    measured
        Its figures on measured stacks.
    picture
        Path of a picture of refocused images, from the card's folder.
    """
    title = f"# {manifest.name} ({manifest.size})\n\n**{manifest.provenance}** {PATENT}"
    sections = [title]
    if picture:
        sections.append(f"![Input, refocused and true planes]({picture})")
    sections += [_use(manifest), _training(manifest), _accuracy(manifest)]
    sections += [_measured(stack) for stack in measured]
    sections += [_limits(manifest), _citation(manifest)]
    return "\n\n".join(sections) + "\n"


def _table(rows: dict[str, str]) -> str:
    lines = [f"| {key} | {value} |" for key, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


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
    return (
        "## Intended use\n\nVirtual refocusing of a single wide-field fluorescence image onto "
        "planes and smooth surfaces within the axial range, for images of this objective and "
        f"channel.\n\n{_table(rows)}"
    )


def _training(manifest: Manifest) -> str:
    record, ranges = manifest.training, manifest.system.aberrations
    rows = {
        **record.data_rows(),
        "patches": "{:,} of {}² and {}² px".format(record.patches, *record.patch_px),
        "time": f"{record.hours:.2f} h on {record.device}",
    }
    simulation = {
        "coverslip": f"{ranges.coverslip_um[0]:g} ± {ranges.coverslip_um[1]:g} µm "
        "(170 µm by design)",
        "depth of the focal plane": "{:g} to {:g} µm".format(*ranges.depth_um),
        "index of the specimen": "{:g} to {:g}".format(*ranges.specimen_index),
        "residual blur": "{:g} to {:g} µm FWHM".format(*ranges.residual_blur_um),
    }
    rows |= simulation if record.training_data != "measured" else {}
    rows |= {
        "loss": record.loss,
        "seed, date, code": f"{record.seed}, {record.date}, deepz-zoo {record.code_version}",
        "command": f"`{record.command}`",
        "remarks": record.remarks or "none",
        "SHA-256 of the weights": f"`{manifest.sha256}`",
    }
    return f"## Training\n\n{_table(rows)}"


def _accuracy(manifest: Manifest) -> str:
    accuracy = manifest.accuracy
    if accuracy is None:
        return "## Accuracy\n\nNot measured."
    stacks = len(accuracy.seeds) * len(accuracy.specimens)
    return (
        f"## Accuracy on held-out simulated stacks\n\n{stacks} stacks for each kind of noise, of "
        "seeds, specimens and instruments never trained on, through the graph that users run: raw "
        "image in, intensity scale from that image alone.\n\n"
        f"```\ndeepz-zoo evaluate {manifest.name} --seeds {len(accuracy.seeds)}\n```\n\n"
        f"{accuracy.to_markdown()}"
    )


def _measured(stack: MeasuredStack) -> str:
    accuracy = stack.accuracy
    lines = [
        "| from plane | method | correlation | error/rms | SSIM |",
        "|---|---|---:|---:|---:|",
    ]
    methods = sorted({row.method for row in accuracy.images}, key=list(METHOD_LABELS).index)
    for source in accuracy.sources_um:
        offset = source - accuracy.in_focus_um
        plane = "in focus" if abs(offset) < 1e-6 else f"{offset:+g} µm from focus"
        for method in methods:
            mean = accuracy.mean(source, method)
            lines.append(
                f"| {plane} | {METHOD_LABELS[method]} | {mean.correlation:.3f} | "
                f"{mean.error_over_rms:.3f} | {mean.ssim:.3f} |"
            )
    beads = [
        f"| {row.dz_um:+g} | {METHOD_LABELS[row.method]} | {ratio_text(row.peak)} | "
        f"{ratio_text(row.fwhm)} | {ratio_text(row.flux)} |"
        for row in accuracy.beads
    ]
    if beads:
        lines += [
            "",
            "The bead brought to focus over Δz µm, refocused / recorded:",
            "",
            "| Δz µm | method | peak | FWHM | flux |",
            "|---:|---|---:|---:|---:|",
            *beads,
        ]
    return (
        f"## {stack.title}\n\n```\n{stack.command}\n```\n\n{stack.comment}\n\n"
        "Mean over all other planes within the axial range:\n\n" + "\n".join(lines)
    )


def _limits(manifest: Manifest) -> str:
    return "## Where it fails\n\n" + "\n".join(f"- {limit}" for limit in manifest.limits)


def _citation(manifest: Manifest) -> str:
    works = "\n".join(f"- {work.text}. doi:{work.doi}" for work in manifest.citations)
    return f"## Citation and licence\n\n{works}\n\nThe weights: {manifest.license}."
