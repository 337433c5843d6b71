"""Print after how many iterations one training run is as good as the best of another.

For maintainers: ``python packaging/compare_runs.py RUN REFERENCE``, two runs that were validated on
the same stacks, for instance with and without ``--from``. docs/training.md has the commands.
"""

from __future__ import annotations

import csv
from pathlib import Path

import click

from deepz_zoo.cli.options import console
from deepz_zoo.errors import DeepZError

_SHOWN = 12


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.argument("reference", type=click.Path(exists=True, path_type=Path))
def main(run: Path, reference: Path) -> None:
    """Compare the validation errors of RUN with the best one of REFERENCE."""
    from rich.table import Table

    try:
        errors, others = read_errors(run), read_errors(reference)
    except DeepZError as error:
        raise click.ClickException(str(error)) from error
    table = Table(box=None)
    for heading in ("iterations", str(run), str(reference)):
        table.add_column(heading, justify="right")
    both = sorted(errors.keys() & others.keys())
    for iteration in both[:: -(-len(both) // _SHOWN) or 1]:
        table.add_row(f"{iteration:,}", f"{errors[iteration]:.5f}", f"{others[iteration]:.5f}")
    console().print(table)
    click.echo(verdict(errors, others))


def read_errors(run: Path) -> dict[int, float]:
    """Return the validation MAE of a run by iterations done, over all its resumptions."""
    errors: dict[int, float] = {}
    for path in sorted((run / "metrics").glob("version_*/metrics.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("val_mae"):
                    errors[int(row["step"]) + 1] = float(row["val_mae"])
    if not errors:
        raise DeepZError(f"{run} has no validation errors; expected the folder of a training run")
    return errors


def verdict(errors: dict[int, float], others: dict[int, float]) -> str:
    """Return when a run reaches the best error of another, in words."""
    best = min(others, key=lambda iteration: others[iteration])
    goal = f"the best error of the reference, {others[best]:.5f} after {best:,} iterations,"
    reached = [iteration for iteration in sorted(errors) if errors[iteration] <= others[best]]
    if not reached:
        return f"{goal} is not reached (best: {min(errors.values()):.5f})"
    return f"{goal} is reached after {reached[0]:,}: {reached[0] / best:.1%} of them"


if __name__ == "__main__":
    main()
