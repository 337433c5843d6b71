"""Write the weights of training runs in half precision, with their records, as a tar archive.

For maintainers: ``python packaging/pack_runs.py FOLDER > zoo.tar`` packs every run in FOLDER. The
archive holds ``RUN/best.safetensors``, from which ``packaging/embed_model.py RUN`` makes a model of
the zoo, ``best.json`` and the metrics.
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import torch

from deepz_zoo.files import read_record
from deepz_zoo.network.weights import load_generator, save_generator
from deepz_zoo.records.training import WEIGHTS_NAME, TrainingRecord
from deepz_zoo.training.best import RECORD_NAME


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def pack(folder: Path) -> None:
    """Write an archive of the runs in FOLDER to standard output."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for weights in sorted(folder.glob(f"*/{WEIGHTS_NAME}")):
            run = weights.parent
            with TemporaryDirectory() as temporary:
                half = Path(temporary, WEIGHTS_NAME)
                config = read_record(run / RECORD_NAME, TrainingRecord).generator
                save_generator(half, load_generator(weights, config), dtype=torch.float16)
                archive.add(half, f"{run.name}/{WEIGHTS_NAME}")
            for file in (run / RECORD_NAME, *run.glob("metrics/*/metrics.csv")):
                archive.add(file, f"{run.name}/{file.relative_to(run)}")


if __name__ == "__main__":
    pack()
