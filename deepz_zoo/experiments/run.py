"""Run an experiment, and say what it was run with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepz_zoo import __version__
from deepz_zoo.experiments.result import Report

if TYPE_CHECKING:
    from deepz_zoo.experiments.catalogue import Experiment
    from deepz_zoo.experiments.subject import Subject
    from deepz_zoo.records.manifest import Manifest


def run_experiment(experiment: Experiment, subject: Subject, manifest: Manifest) -> Report:
    """Run an experiment with the model of a manifest and return its report."""
    subject.model.eval()
    result = experiment.run(subject)
    return Report(
        experiment=experiment.name,
        panel=experiment.panel,
        model=manifest.name,
        size=manifest.size,
        stack=subject.stack.name if subject.stack else None,
        seed=subject.seed,
        quick=subject.quick,
        code_version=__version__,
        findings=result.findings(),
        result=result,
    )
