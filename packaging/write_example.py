"""Simulate the example of a model's package and keep it in ``deepz_zoo/zoo/stored``.

For maintainers: ``python packaging/write_example.py leica20x_0.8/TxRd``, after a change of the
system or of the simulator; packages of models without a stored example simulate one.
"""

from __future__ import annotations

from pathlib import Path

import click

import deepz_zoo.zoo
from deepz_zoo.zoo import get_manifest
from deepz_zoo.zoo.examples import simulate_example_stack
from deepz_zoo.zoo.stored_examples import store_stack

EXAMPLES = Path(next(iter(deepz_zoo.zoo.__path__))) / "stored"


@click.command()
@click.argument("name")
def write(name: str) -> None:
    """Write the example of the embedded model NAME."""
    EXAMPLES.mkdir(exist_ok=True)
    path = store_stack(EXAMPLES, simulate_example_stack(get_manifest(name).system))
    click.echo(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    write()
