"""``deepz-zoo fiji doctor``: what was found, and what to do about each gap."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.fiji.options import imagej_option
from deepz_zoo.cli.fiji.stacks import align
from deepz_zoo.cli.option_names import with_option_names
from deepz_zoo.cli.options import console, json_option, print_json, show_progress
from deepz_zoo.errors import CheckFailed

if TYPE_CHECKING:
    from deepz_zoo.fiji.doctor import Finding, Purpose

PURPOSES = ("run", "align", "edf", "refocus", "deepimagej")


@click.command("doctor")
@imagej_option
@click.option(
    "--for",
    "purpose",
    type=click.Choice(PURPOSES),
    default="run",
    show_default=True,
    help="What must work: running macros, StackReg, EDF, refocusing by macro, or deepImageJ.",
)
@json_option
def doctor(fiji: str | None, purpose: Purpose, as_json: bool) -> None:
    """Show which of Java, ImageJ, plugins, macros and models are found, and what to do.

    Starts ImageJ as a test. Exits with 1 if what --for names cannot work.
    """
    from deepz_zoo.fiji.doctor import examine

    with show_progress() as progress:
        progress("starting ImageJ")
        findings = [_with_options(finding) for finding in examine(fiji, purpose)]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _print(findings)
    stopping = [finding for finding in findings if finding.stops]
    if stopping:
        names = ", ".join(finding.name for finding in stopping)
        raise CheckFailed(f"'{purpose}' cannot run without {names}: {stopping[0].remedy}")


def _with_options(finding: Finding) -> Finding:
    """Return a finding whose remedy names the options of these commands."""
    return replace(finding, remedy=with_option_names(finding.remedy, align.params))


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
