"""``deepz-zoo validate``: bioimage.io's tests and the behavior of a Deep-Z model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.options import console, json_option, print_json
from deepz_zoo.errors import CheckFailed

if TYPE_CHECKING:
    from deepz_zoo.package.validate import ValidationReport

_COLORS = {"passed": "green", "failed": "red", "skipped": "yellow"}


@click.command("validate")
@click.argument("package", type=click.Path(path_type=Path))
@click.option(
    "--trust",
    is_flag=True,
    help="Run programs in the package and fetch what its description links to.",
)
@json_option
def command(package: Path, trust: bool, as_json: bool) -> None:
    """Check a package: a zip file or its folder.

    Runs bioimage.io's tests on every weight format. Where the package describes a Deep-Z model, it
    also runs the model on simulated images: is the DPM used, are the channels in order, does DPM 0
    keep the plane, does refocusing come nearer to the true plane, and is the sign of z right?
    Exits with 1 when a check fails.

    Programs in a package that deepz-zoo did not write are not run, and their checks are skipped,
    unless --trust is given.
    """
    from deepz_zoo.package.validate import validate_package

    with console(stderr=True).status("opening") as status:
        report = validate_package(package, trust=trust, progress=lambda step: status.update(step))
    if as_json:
        print_json(
            {
                "package": str(report.path),
                "passed": not report.failed,
                "checks": [asdict(check) for check in report.checks],
                "differences": [asdict(difference) for difference in report.differences],
            }
        )
    else:
        _print(report)
    if report.failed:
        names = ", ".join(f"'{check.name}'" for check in report.failed)
        raise CheckFailed(f"{package}: {names}: {report.failed[0].detail}")


def _print(report: ValidationReport) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("check", "result", "detail", box=None, header_style="bold")
    failed = [check for check in report.format_checks if check.status == "failed"]
    skipped = [check for check in report.format_checks if check.status == "skipped"]
    passed = len(report.format_checks) - len(failed) - len(skipped)
    if not failed:
        share = f"{passed}, others were skipped" if skipped else f"all {passed}"
        table.add_row("bioimage.io's tests", "[green]passed[/green]", share)
    for check in (*failed, *skipped, *report.model_checks):
        color = _COLORS[check.status]
        table.add_row(
            escape(check.name), f"[{color}]{check.status}[/{color}]", escape(check.detail)
        )
    for difference in report.differences:
        table.add_row(
            f"weights as {difference.weight_format}",
            "",
            f"largest difference {difference.absolute:.3g} grey levels "
            f"({difference.relative:.1e} relative)",
        )
    console().print(table)
