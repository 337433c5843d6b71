"""``deepz-zoo validate``: the rules of consumers, bioimage.io's tests, and a model's behavior."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.option_names import with_option_names
from deepz_zoo.cli.options import console, engines_option, json_option, print_json, show_progress
from deepz_zoo.cli.parameters import PathName
from deepz_zoo.errors import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deepz_zoo.package.checks.check import Check
    from deepz_zoo.package.checks.parity import ParityReport
    from deepz_zoo.package.checks.validate import ValidationReport

_COLORS = {"passed": "green", "warned": "yellow", "failed": "red", "skipped": "yellow"}


@click.command("validate")
@click.argument("package", type=PathName(path_type=Path))
@click.option(
    "--consumer",
    type=click.Choice(["deepimagej", "ilastik", "bioimageio", "all"]),
    default="all",
    show_default=True,
    help="Whose rules the package must keep.",
)
@click.option("--no-test", is_flag=True, help="Check the rules only; do not run the model.")
@click.option(
    "--parity",
    "recompute_parity",
    is_flag=True,
    help="Compare the weight formats at several sizes, and with what the package states.",
)
@engines_option
@click.option(
    "--trust",
    is_flag=True,
    help="Run programs in the package and fetch what its description links to.",
)
@json_option
def command(
    *,
    package: Path,
    consumer: str,
    no_test: bool,
    recompute_parity: bool,
    engines: Path | None,
    trust: bool,
    as_json: bool,
) -> None:
    """Check a package: a zip file or its folder, of any bioimage.io model.

    Checks the rules that deepImageJ, ilastik and bioimageio.core set in practice, then runs
    bioimage.io's tests on every weight format. Where the package describes a Deep-Z model, it also
    runs the model on simulated images: is the DPM used, are the channels in order, does DPM 0 keep
    the plane, does refocusing come nearer to the true plane, and is the sign of z right? Exits with
    1 when a check fails; warnings do not count.

    Programs in a package that deepz-zoo did not write are not run, and their checks are skipped,
    unless --trust is given.
    """
    if no_test and recompute_parity:
        raise click.UsageError("--parity runs the model; leave --no-test out")
    if engines is not None and not recompute_parity:
        raise click.UsageError("--engines needs --parity")
    from deepz_zoo.package.checks.lint import CONSUMERS
    from deepz_zoo.package.checks.validate import validate_package

    with show_progress() as progress:
        report = validate_package(
            package,
            consumers=[name for name in CONSUMERS if consumer in (name, "all")],
            run=not no_test,
            recompute_parity=recompute_parity,
            engines=engines,
            trust=trust,
            progress=progress,
        )
    if as_json:
        print_json(_as_json(report))
    else:
        _print(report)
    if report.failed:
        names = ", ".join(f"'{check.name}'" for check in report.failed)
        raise CheckFailed(f"{package}: {names}: {_in_options(report.failed[0].detail)}")


def _in_options(detail: str) -> str:
    """Return what a check found, with the command's options in the place of arguments."""
    return with_option_names(detail, click.get_current_context().command.params)


def _as_json(report: ValidationReport) -> dict[str, object]:
    content: dict[str, object] = {
        "package": str(report.path),
        "passed": not report.failed,
        "checks": [asdict(check) for check in report.checks],
        "differences": [
            {"weight_format": found.weight_format, **asdict(found.difference)}
            for found in report.differences
        ],
    }
    if report.parity is not None:
        content["parity"] = report.parity.model_dump(mode="json")
    return content


def _print(report: ValidationReport) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("check", "result", "detail", box=None, header_style="bold")

    def add(check: Check, *details: str) -> None:
        color = _COLORS[check.status]
        detail = "\n".join(filter(None, (_in_options(check.detail), *details)))
        table.add_row(escape(check.name), f"[{color}]{check.status}[/{color}]", escape(detail))

    for summary in _summaries(report):
        table.add_row(*summary)
    for rule in report.consumer_checks:
        if rule.status in ("failed", "warned"):
            add(rule, f"{', '.join(rule.consumers)}: {rule.symptom}", f"fix: {rule.fix}")
    for check in report.format_checks:
        if check.status != "passed":
            add(check)
    for check in report.model_checks:
        add(check)
    for found in report.differences:
        table.add_row(
            f"weights as {found.weight_format}",
            "",
            f"largest difference {found.difference.absolute:.3g} grey levels "
            f"({found.difference.relative:.1e} relative)",
        )
    console().print(table)
    if report.parity is not None:
        console().print(_parity_table(report.parity))


def _summaries(report: ValidationReport) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each group of checks of which none failed."""
    groups: tuple[tuple[str, Sequence[Check]], ...] = (
        ("rules of consumers", report.consumer_checks),
        ("bioimage.io's tests", report.format_checks),
    )
    for name, checks in groups:
        count = Counter(check.status for check in checks)
        if checks and not count["failed"]:
            rest = [
                f"{count[status]} {status}" for status in ("warned", "skipped") if count[status]
            ]
            count_text = (
                ", ".join([str(count["passed"]), *rest]) if rest else f"all {count['passed']}"
            )
            yield name, "[green]passed[/green]", count_text


def _parity_table(parity: ParityReport) -> object:
    from rich.table import Table

    table = Table("weights", "run by", "size", "of the largest value", "grey levels", box=None)
    for row in parity.rows:
        batch, ny, nx = row.shape
        size = f"{batch} × {ny}×{nx}"
        table.add_row(
            row.weight_format, row.engine, size, f"{row.relative:.1e}", f"{row.absolute:.2g}"
        )
    return table
