"""A page that shows the steps of a preparation for each field of view."""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import refuse_output, replacing
from deepz_zoo.records.dataset import SAME_MODALITY, SPLITS, FieldOfView, Region, Rejection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from deepz_zoo.preprocess.dataset.storage import PreparedDataset

SUFFIXES = (".html", ".png")
_COLORS = {"training": "C0", "validation": "C1", "test": "C2"}
_REJECTED = "C3"
_LEFT_OUT = "left out"
_MAX_ROWS = 12
_MAX_CURVES = 40
_LABEL_WIDTH = 34
_PANEL_IN = 3.4
_DPI = 100
_BRIGHTEST = 99.8
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:1500px;margin:2em auto;padding:0 1em}"
    "img{max-width:100%}table{border-collapse:collapse}td,th{padding:.2em 1em;text-align:right}"
    "td:first-child,th:first-child{text-align:left}"
)


def check_report_name(report: Path) -> None:
    """Check that `write_report` can write a file, before the work.

    Raises
    ------
    DeepZError
        When its name ends neither in .html nor in .png, or its folder does not exist.
    """
    if report.suffix.lower() not in SUFFIXES:
        raise DeepZError(f"`report` {report}: expected a name that ends in .html or .png")
    refuse_output(report)


def write_report(dataset: PreparedDataset, report: Path) -> None:
    """Write a report: HTML that needs no other file, or one PNG image.

    Each field of view is a row: how its planes were aligned, its extended-depth-of-field image with
    the regions, its foreground mask, and the focus curve of each region. The PNG shows the first
    twelve fields, the HTML page all of them.

    Raises
    ------
    DeepZError
        See `check_report_name`.
    """
    check_report_name(report)
    if report.suffix.lower() == ".png":
        content = _png(_draw(dataset, dataset.manifest.fields[:_MAX_ROWS]))
    else:
        content = _page(dataset).encode("utf-8")
    with replacing(report) as temporary:
        temporary.write_bytes(content)


# -------------------------------------------------------------------------------------- the page


def _page(dataset: PreparedDataset) -> str:
    manifest = dataset.manifest
    rows = []
    for field in manifest.fields:
        picture = base64.b64encode(_png(_draw(dataset, [field]))).decode("ascii")
        rows.append(
            f"<h2>{html.escape(_name(dataset, field))}</h2>"
            f"<p>{html.escape(_remarks(dataset, field))}</p>"
            f'<img alt="alignment, regions, mask and focus" src="data:image/png;base64,{picture}">'
        )
    counts = "".join(
        f"<tr><td>{split}</td><td>{_regions_of(dataset, split)}</td>"
        f"<td>{manifest.pair_counts[split]}</td></tr>"
        for split in SPLITS
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(dataset.path.name)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(dataset.path.name)}: {html.escape(manifest.system.name)}</h1>"
        f"<table><tr><th></th><th>regions</th><th>pairs</th></tr>{counts}</table>"
        f"{''.join(rows)}</html>\n"
    )


def _regions_of(dataset: PreparedDataset, split: str) -> int:
    return sum(region.split == split for region in dataset.regions)


def _name(dataset: PreparedDataset, field: FieldOfView) -> str:
    source = dataset.manifest.sources[field.source]
    image = f", image {field.position + 1}" if source.positions > 1 else ""
    return f"{field.index}: {source.file.name}{image} ({source.role})"


def _remarks(dataset: PreparedDataset, field: FieldOfView) -> str:
    """Return in words what the panels of a field do not show."""
    planes, rows, columns = field.shape
    parts = [
        f"{planes} planes of {rows} × {columns} px, pixel size {field.pixel_size_um:.4g} µm, "
        f"z step {field.z_step_um:.4g} µm",
        f"background {field.background:.4g}, scale {field.scale:.4g}",
        f"foreground {field.mask_fraction:.1%}",
    ]
    if field.registration:
        parts.append(f"target: {field.registration}")
    if field.rejected_planes:
        listed = ", ".join(str(plane + 1) for plane in field.rejected_planes)
        parts.append(f"alignment rejected for planes {listed}")
    reasons = Counter(rejection.reason for rejection in _rejected(dataset, field))
    parts += [f"{count} × left out: {reason}" for reason, count in reasons.items()]
    return "; ".join(parts)


def _rejected(dataset: PreparedDataset, field: FieldOfView) -> list[Rejection]:
    return [r for r in dataset.manifest.rejected if r.field_of_view == field.index]


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


# ----------------------------------------------------------------------------------- the panels


def _draw(dataset: PreparedDataset, fields: Sequence[FieldOfView]) -> Figure:
    """Draw a row of panels for each field."""
    # Not by pyplot, which needs a display and keeps a global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    paired = dataset.manifest.target_modality != SAME_MODALITY
    columns = 5 if paired else 4
    size = (columns * _PANEL_IN * 1.2, len(fields) * _PANEL_IN)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(fields), columns, squeeze=False)
    for field, row in zip(fields, rows, strict=True):
        regions = [r for r in dataset.regions if r.field_of_view == field.index]
        _draw_alignment(row[0], field)
        name = textwrap.fill(_name(dataset, field), _LABEL_WIDTH)  # file names can be long
        row[0].set_ylabel(f"{name}\nshift / px")
        edf = dataset.overview(field.index, "edf")
        _draw_image(row[1], _shown(edf), "in focus, with regions")
        _draw_regions(row[1], regions, _rejected(dataset, field), dataset)
        _draw_image(row[2], dataset.overview(field.index, "mask"), "foreground mask")
        _draw_focus(row[3], regions, target=False)
        if paired:
            _draw_overlay(row[4], dataset, field, edf)
            _draw_focus(row[3], regions, target=True)
    return figure


def _draw_alignment(axis: Axes, field: FieldOfView) -> None:
    shifts = np.array(field.shifts_px)
    planes = np.arange(1, len(shifts) + 1)
    for values, label in ((shifts[:, 0], "y"), (shifts[:, 1], "x")):
        axis.plot(planes, values, ".-", label=label)
    if field.rejected_planes:
        where = np.array(field.rejected_planes)
        axis.plot(where + 1, np.zeros(len(where)), "x", color=_REJECTED, label="jump, rejected")
    axis.set(xlabel="plane", title="alignment")
    axis.legend(fontsize=8)


def _draw_image(axis: Axes, image: NDArray[Any], title: str) -> None:
    axis.imshow(image, cmap="gray", interpolation="nearest")
    axis.set(title=title, xticks=[], yticks=[])


def _draw_regions(
    axis: Axes,
    regions: Sequence[Region],
    rejected: Sequence[Rejection],
    dataset: PreparedDataset,
) -> None:
    from matplotlib.patches import Rectangle

    side = dataset.manifest.parameters.region_px
    labels = set()
    boxes: list[tuple[int, int, str]] = [
        (region.y_px, region.x_px, region.split) for region in regions
    ]
    boxes += [
        (r.y_px, r.x_px, _LEFT_OUT) for r in rejected if r.y_px is not None and r.x_px is not None
    ]
    for y, x, kind in boxes:
        axis.add_patch(
            Rectangle(
                (x, y),
                side - 1,
                side - 1,
                fill=False,
                linewidth=1.5,
                edgecolor=_COLORS.get(kind, _REJECTED),
                linestyle="--" if kind == _LEFT_OUT else "-",
                label=None if kind in labels else kind,
            )
        )
        labels.add(kind)
    if labels:
        axis.legend(fontsize=8, loc="upper right")


def _draw_focus(axis: Axes, regions: Sequence[Region], *, target: bool) -> None:
    """Draw the focus curves, each scaled to its maximum; those of targets are dashed."""
    for region in regions[:_MAX_CURVES]:
        z_um = region.target_z_um if target else region.z_um
        curve = np.array(region.target_focus_curve if target else region.focus_curve)
        style = "--" if target else "-"
        axis.plot(z_um, curve / curve.max(), style, color=_COLORS[region.split], linewidth=1)
    more = f", first {_MAX_CURVES} regions" if len(regions) > _MAX_CURVES else ""
    axis.set(xlabel="z / µm", title=f"focus{' (dashed: targets)' if target else ''}{more}")
    axis.axvline(0, color="0.8", zorder=0)


def _draw_overlay(
    axis: Axes, dataset: PreparedDataset, field: FieldOfView, edf: NDArray[Any]
) -> None:
    """Draw the wide-field image in magenta and the registered one in green."""
    if not field.registration:
        axis.set(title="not registered", xticks=[], yticks=[])
        return
    wide, other = _shown(edf), _shown(dataset.overview(field.index, "target_edf"))
    axis.imshow(np.stack([wide, other, wide], axis=-1), interpolation="nearest")
    axis.set(title="wide field magenta, target green", xticks=[], yticks=[])


def _shown(image: NDArray[Any]) -> NDArray[np.float64]:
    """Return an image between 0 and 1 with its dim parts brightened."""
    low, high = np.percentile(image, (1, _BRIGHTEST))
    shown: NDArray[np.float64] = np.clip((image - low) / max(high - low, 1e-9), 0, 1) ** 0.5
    return shown
