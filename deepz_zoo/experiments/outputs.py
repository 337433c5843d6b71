"""The files of an experiment: record, table and figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepz_zoo.cards.plots import save_figure
from deepz_zoo.experiments.result import UNPRINTED, flat
from deepz_zoo.files import undone_if_failed, write_record, write_table

if TYPE_CHECKING:
    from deepz_zoo.experiments.catalogue import Experiment
    from deepz_zoo.experiments.result import Finding, Report

SUFFIXES = (".json", ".csv", ".png", ".svg")


def output_paths(folder: Path, name: str) -> tuple[Path, ...]:
    """Return the files that an experiment writes into a folder."""
    return tuple(folder / f"{name}{suffix}" for suffix in SUFFIXES)


def write_report(folder: Path, experiment: Experiment, report: Report) -> None:
    """Write the record as JSON, its rows as CSV, and its figure as PNG and SVG."""
    record, table, *pictures = output_paths(folder, experiment.name)
    figure = experiment.plot(report.result)
    where = report.stack or experiment.data
    figure.suptitle(f"{experiment.name} ({experiment.panel}): {report.model}, {where}", fontsize=9)
    figure.supxlabel("\n".join(map(finding_text, report.findings)), fontsize=7)
    with undone_if_failed((record, table, *pictures)):
        folder.mkdir(parents=True, exist_ok=True)
        rows = [flat(row) for row in report.result.rows()]
        write_table(table, list(rows[0]), (row.values() for row in rows))
        for picture in pictures:
            save_figure(figure, picture)
        write_record(record, report)


def finding_text(finding: Finding) -> str:
    """Return a finding in a line, the paper's number first where it prints one."""
    paper = "" if finding.paper == UNPRINTED else f"paper {finding.paper}, "
    return f"{finding.quantity}: {paper}ours {finding.ours}"
