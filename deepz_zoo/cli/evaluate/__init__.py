"""``deepz-zoo evaluate``: how accurate a model is, and where it fails."""

from __future__ import annotations

from deepz_zoo.cli.evaluate import benchmark, limits, neurons, simulated, stack
from deepz_zoo.cli.evaluate.group import EvaluateGroup

command = EvaluateGroup(
    "evaluate",
    commands=[
        simulated.simulated,
        limits.limits,
        benchmark.benchmark,
        stack.stack,
        neurons.neurons,
    ],
    help="Measure the accuracy of a model through the graph that its users run.\n\n"
    "Without a command, on simulated z-stacks: 'evaluate leica20x_0.8/TxRd' is 'evaluate "
    "simulated leica20x_0.8/TxRd'.",
)
