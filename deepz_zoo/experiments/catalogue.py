"""All experiments, each with the paper's panel that it repeats."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.result import Result
    from deepz_zoo.experiments.subject import Subject


@dataclass(frozen=True)
class Experiment:
    """One experiment of the paper.

    Its module has its name, with ``_`` for ``-``, and two functions: ``run`` takes a `Subject` and
    returns a `Result`; ``plot`` takes that and returns a figure without title.

    Attributes
    ----------
    name
        What the command line calls it.
    panel
        Where the paper shows it.
    summary
        What it measures, in a line.
    takes_stack
        Whether it can be run on an acquired z-stack in place of simulated ones.
    model
        The model that it is run with by default.
    data
        What it is run on without a stack.
    """

    name: str
    panel: str
    summary: str
    takes_stack: bool = False
    model: str = "leica20x_0.8/TxRd"
    data: str = "held-out simulated stacks"

    def run(self, subject: Subject) -> Result:
        """Measure."""
        result: Result = self._module.run(subject)
        return result

    def plot(self, result: Result) -> Figure:
        """Draw what was measured."""
        figure: Figure = self._module.plot(result)
        return figure

    @property
    def _module(self) -> Any:
        # Imported when it is used: the list of experiments needs no torch.
        return import_module(f"deepz_zoo.experiments.{self.name.replace('-', '_')}")


EXPERIMENTS = (
    Experiment("range", "Fig. S2", "accuracy within and beyond the trained range", True),
    Experiment("difference", "Figs. 2, S3", "absolute differences from the ground truth", True),
    Experiment("metrics", "Eqs. 10–13", "MSE, RMSE, MAE, correlation, SSIM against z", True),
    Experiment("sinusoid", "Fig. S7", "surfaces that oscillate: how finely a DPM may vary", True),
    Experiment("exposure", "Fig. S10", "shorter and longer exposures than in training"),
    Experiment("density", "Figs. S13, S15–S17", "density of beads at several distances"),
    Experiment("illumination", "Discussion", "illumination that varies across the image"),
    Experiment("surface-to-surface", "main text", "every plane as input and as output", True),
    Experiment(
        "photodamage",
        "Fig. S18",
        "the light a point takes in a scan and in one image",
        data="calculated",
    ),
    Experiment(
        "cross-modality",
        "Fig. 5",
        "sections of wide field, Deep-Z+ and confocal",
        model="leica63x_1.4/FITC",
    ),
)


def get_experiment(name: str) -> Experiment:
    """Return the experiment of a name.

    Raises
    ------
    KeyError
        If there is none.
    """
    return {experiment.name: experiment for experiment in EXPERIMENTS}[name]
