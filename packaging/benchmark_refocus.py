"""Time every engine and precision on the three sizes of network, beside TensorFlow.

For maintainers: ``python packaging/benchmark_refocus.py`` prints the table of docs/performance.md.
The networks take turns, so that other load on the machine meets all of them alike. Weights are
random: they do not change the time. TensorFlow runs the network that the method's authors released;
``make .venv-tensorflow/.installed`` installs it, or name its interpreter.
"""

from __future__ import annotations

import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import torch

from deepz_zoo.cli.options import show_progress
from deepz_zoo.engines.choice import Choice
from deepz_zoo.engines.device import choose_device
from deepz_zoo.engines.survey import choices_of, network_run, survey_engines, time_in_turns
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel

HERE = Path(__file__).parent
TENSORFLOW = HERE.parent / ".venv-tensorflow" / "bin" / "python"
WIDTHS = {"lite": 0.25, "half": 0.5, "paper": 1.0}
AUTHORS = "TensorFlow, the authors' network, float32"


@click.command()
@click.option("--side", "side_px", type=click.IntRange(min=64), default=1024, show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--size", "sizes", type=click.Choice(list(WIDTHS)), multiple=True, help="Repeatable.")
@click.option(
    "--emulated",
    is_flag=True,
    help="Time torch in bfloat16 also where the CPU does not compute so.",
)
@click.option(
    "--tensorflow",
    type=click.Path(dir_okay=False, path_type=Path),
    default=TENSORFLOW,
    help="Interpreter that has TensorFlow; it is left out where there is none.",
)
def benchmark(
    side_px: int, repeats: int, sizes: tuple[str, ...], emulated: bool, tensorflow: Path
) -> None:
    """Time one plane and print a table in Markdown."""
    choices = choices_of(survey_engines(choose_device()))
    if emulated and not any((c.engine, c.precision) == ("torch", "bfloat16") for c in choices):
        choices.append(Choice("torch", "bfloat16", torch.device("cpu"), "emulated"))
    chosen = sizes or tuple(WIDTHS)
    runs: dict[tuple[str, str], Callable[[], object]] = {}
    with ExitStack() as stack:
        for size in chosen:
            model = DeepZModel(Generator(GeneratorConfig(width=WIDTHS[size])).eval())
            for choice in choices:
                runs[str(choice), size] = network_run(model, choice, side_px)
        if tensorflow.exists():
            runs[AUTHORS, "paper"] = stack.enter_context(_tensorflow(tensorflow, side_px))
        for run in runs.values():
            run()  # the first one prepares
        with show_progress() as progress:
            seconds = time_in_turns(list(runs.values()), repeats, progress)
    medians = dict(zip(runs, map(statistics.median, seconds), strict=True))
    spread = dict(zip(runs, ((min(times), max(times)) for times in seconds), strict=True))
    print(f"{_processor()}, {torch.get_num_threads()} threads; one plane of {side_px}², seconds,")
    print(f"median of {repeats} turns (fastest–slowest)\n")
    print(f"| | {' | '.join(chosen)} |\n|---|{'---|' * len(chosen)}")
    for name in dict.fromkeys(name for name, _ in runs):
        cells = [
            f"{medians[name, size]:.2f} ({spread[name, size][0]:.2f}–{spread[name, size][1]:.2f})"
            if (name, size) in runs
            else "–"
            for size in chosen
        ]
        print(f"| {name} | {' | '.join(cells)} |")


@contextmanager
def _tensorflow(python: Path, side_px: int) -> Iterator[Callable[[], object]]:
    """Yield a function that runs the authors' network once, in a process of its own."""
    command = [str(python), str(HERE / "benchmark_tensorflow.py"), str(side_px)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        given, made = process.stdin, process.stdout

        def run() -> None:
            given.write("\n")
            given.flush()
            if made.readline() != "done\n":
                sys.exit("TensorFlow ended early; see above")

        if made.readline() != "ready\n":
            sys.exit("TensorFlow did not start; see above")
        try:
            yield run
        finally:
            given.close()


def _processor() -> str:
    """Return the name of the processor."""
    listed = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", listed.read_text()) if listed.is_file() else None
    return found[1] if found else platform.processor() or platform.machine()


if __name__ == "__main__":
    benchmark()
