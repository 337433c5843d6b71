"""``deepz-zoo fiji doctor``: what was found, and the one thing to do for each gap."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.fiji.options import imagej_option
from deepz_zoo.cli.options import console, json_option, print_json
from deepz_zoo.errors import CheckFailed

if TYPE_CHECKING:
    from deepz_zoo.fiji.doctor import Finding, Job

_JOBS = ("run", "align", "edf", "refocus", "deepimagej")


@click.command("doctor")
@imagej_option
@click.option(
    "--for",
    "job",
    type=click.Choice(_JOBS),
    default="run",
    show_default=True,
    help="The job that must run: macros, StackReg, EDF, refocusing by macro, or deepImageJ.",
)
@json_option
def doctor(place: str | None, job: Job, as_json: bool) -> None:
    """Say what of Java, ImageJ, plugins, macros and models is found, and what to do.

    Starts ImageJ to see whether it does. Exits with 1 if the job cannot run.
    """
    from deepz_zoo.fiji.doctor import examine

    with console(stderr=True).status("starting ImageJ"):
        findings = examine(place, job)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _print(findings)
    stopping = [finding for finding in findings if finding.stops]
    if stopping:
        names = ", ".join(finding.name for finding in stopping)
        raise CheckFailed(f"'{job}' cannot run without {names}: {stopping[0].remedy}")


def _print(findings: list[Finding]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None)
    for title in ("", "found", "to do"):
        table.add_column(title, overflow="fold")
    for finding in findings:
        color = "green" if finding.found else "red" if finding.needed else "yellow"
        found = finding.found or ("missing" if finding.needed else "not found")
        remedy = "" if finding.found else finding.remedy
        table.add_row(finding.name, f"[{color}]{escape(found)}[/{color}]", escape(remedy))
    console().print(table)
