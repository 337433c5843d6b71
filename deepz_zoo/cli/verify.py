"""``deepz-zoo verify``: tell whether a package is what was built, and which file is not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.options import console, json_option, print_json
from deepz_zoo.cli.parameters import PathName
from deepz_zoo.errors import CheckFailed

if TYPE_CHECKING:
    from deepz_zoo.package.checks.check import Check


@click.command("verify")
@click.argument("package", type=PathName(path_type=Path))
@json_option
def command(package: Path, as_json: bool) -> None:
    """Compare a package with the SHA-256 of each of its files.

    The zip file is compared with SHA256SUMS beside it, and every file in it with SHA256SUMS inside.
    Nothing is run. Exits with 1 and names the files that were changed, are missing or were added.
    """
    from deepz_zoo.package.checks.verify import verify_package

    checks = verify_package(package)
    failed = [check for check in checks if check.status == "failed"]
    if as_json:
        print_json(
            {
                "package": str(package),
                "passed": not failed,
                "checks": [asdict(check) for check in checks],
            }
        )
    else:
        _print(package, checks)
    if failed:
        names = "; ".join(f"{check.name} {check.detail}" for check in failed)
        raise CheckFailed(f"{package}: {names}")


def _print(package: Path, checks: tuple[Check, ...]) -> None:
    archive, *files = checks
    right = sum(check.status == "passed" for check in files)
    out = console()
    out.print(f"{right} of {len(files)} files are as packaged", markup=False)
    out.print(f"{package}: {archive.status} ({archive.detail})", markup=False)
