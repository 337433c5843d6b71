"""A tiny training as a program of its own: to be killed, and to be several processes.

python tiny_run.py RUN STACKS SETTINGS [HARDWARE]: two JSON objects, the first one of changes of
`tiny_settings` and of ``checkpoint_seconds``. The start of each iteration is written to
RUN/steps_RANK.txt, so that a test knows how far a killed process came; the sums of the weights at
the end to RUN/weights_RANK.json.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from deepz_zoo.training.hardware import Hardware
from deepz_zoo.training.module import GeneratorTraining
from deepz_zoo.training.run import train
from tests.builders import SYSTEM, tiny_settings


def main(run: Path, stacks: Path, changes: dict, hardware: dict) -> None:
    seconds = changes.pop("checkpoint_seconds", 60.0)
    run.mkdir(parents=True, exist_ok=True)

    def start(self: GeneratorTraining, batch: dict, batch_idx: int) -> None:
        total = float(batch["input"].double().sum())
        with (run / f"steps_{self.global_rank}.txt").open("a") as file:
            file.write(f"{self.iterations_done} {time.monotonic()} {total!r}\n")

    def end(self: GeneratorTraining) -> None:
        sums = [float(parameter.double().sum()) for parameter in self.parameters()]
        (run / f"weights_{self.global_rank}.json").write_text(json.dumps(sums))

    for hook, function in (("on_train_batch_start", start), ("on_train_end", end)):
        setattr(GeneratorTraining, hook, function)
    train(
        SYSTEM,
        tiny_settings().model_copy(update=changes),
        run,
        preset="lite",
        stacks_folder=stacks,
        hardware=Hardware.model_validate({"accelerator": "cpu", "workers": 0} | hardware),
        checkpoint_seconds=seconds,
        progress_bar=False,
    )


if __name__ == "__main__":
    arguments = [*sys.argv[3:], "{}"]
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(json.loads, arguments[:2]))
