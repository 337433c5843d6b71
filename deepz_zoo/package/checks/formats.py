"""A package's weight formats: bioimageio.core's tests, and how far each is from the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from deepz_zoo.engines.difference import Difference
from deepz_zoo.engines.engine import Engine, Tensor
from deepz_zoo.engines.versions import version_of
from deepz_zoo.errors import DeepZError
from deepz_zoo.package.checks.check import Check
from deepz_zoo.package.reading.archive import as_in_package
from deepz_zoo.package.reading.trust import programs_in, refuse_harmful_weights
from deepz_zoo.package.reading.untrusted import is_remote, read_description, referenced_files

if TYPE_CHECKING:
    from bioimageio.core import PredictionPipeline
    from bioimageio.spec import InvalidDescr, ResourceDescr
    from bioimageio.spec.model.v0_5 import ModelDescr

FORMATS = ("pytorch_state_dict", "torchscript", "onnx")

_REMOTE = "All files are in the package"
_LOADING = "bioimageio.spec reads the description"


@dataclass(frozen=True)
class FormatDifference:
    """How far a weight format's output is from the test output.

    Attributes
    ----------
    weight_format
        Name of the format in the description.
    difference
        In the unit of the output, and relative to its largest absolute value.
    """

    weight_format: str
    difference: Difference


def run_bioimageio_tests(description: Path, *, trust: bool = False) -> list[Check]:
    """Run bioimageio.core's tests of every weight format.

    Parameters
    ----------
    description
        The package's ``rdf.yaml``.
    trust
        Run also the formats that run a program from the package, and fetch files that the
        description names by an address; see `deepz_zoo.package.reading.trust`.

    Returns
    -------
    list of Check
        The validation of the format first; formats that are not trusted are skipped.

    Raises
    ------
    DeepZError
        If the file is not a description, or the weights may be malicious.
    """
    content = read_description(description)
    refuse_harmful_weights(content, description.parent)
    remote = next((name for _, name in referenced_files(content) if is_remote(name)), None)
    if remote and not trust:
        return [Check(_REMOTE, "failed", f"{remote} was not fetched; set `trust` to allow it")]
    from bioimageio.core import test_model

    try:
        model = _load(description, perform_io_checks=True)
    except DeepZError as error:
        return [Check(_LOADING, "failed", str(error))]
    summary = model.validation_summary
    present = present_formats(model)
    programs = {} if trust else programs_in(content, description.parent, present)
    testable: Any = [name for name in present if name not in programs]
    for weight_format in testable:
        # The summary is one and the same, and grows. stop_early=True would stop after the first
        # format that passes.
        summary = test_model(model, weight_format=weight_format, stop_early=False)
    checks = [
        Check(
            _joined(detail.name),
            "passed" if detail.status == "passed" else "failed",
            as_in_package(
                "; ".join(_one_line(error.loc, error.msg) for error in detail.errors),
                description.parent,
            ),
        )
        for detail in summary.details
    ]
    if summary.status == "failed" and all(check.status == "passed" for check in checks):
        checks.append(Check("bioimage.io tests", "failed", f"status {summary.status}"))
    skipped = [
        Check(f"Tests of the weight format ({name})", "skipped", f"{why}; set `trust` to run it")
        for name, why in programs.items()
    ]
    return [*dict.fromkeys(checks), *skipped]


def _load(description: Path, **settings: Any) -> ResourceDescr | InvalidDescr:
    """Load a description by bioimageio.spec, which is not prepared for every value in it."""
    from bioimageio.spec import load_description

    try:
        loaded: ResourceDescr | InvalidDescr = load_description(description, **settings)
    except Exception as error:
        reason = as_in_package(_joined(str(error)), description.parent)
        raise DeepZError(
            f"{description.name}: bioimageio.spec cannot read it ({type(error).__name__}: {reason})"
        ) from error
    return loaded


def _one_line(place: tuple[int | str, ...], message: str) -> str:
    text = _joined(message)
    return f"{'.'.join(map(str, place))}: {text}" if place else text


def _joined(text: str) -> str:
    return " ".join(text.split())


def format_differences(description: Path, *, trust: bool = False) -> tuple[FormatDifference, ...]:
    """Run every weight format on the test input and compare with the test output.

    Formats that would run a program from the package are left out unless `trust` is given.
    """
    model = load_model_description(description)
    tensor, expected = reference_tensors(model)
    differences = []
    for weight_format in available_formats(model, trust=trust):
        with opened_format(model, weight_format) as engine:
            difference = Difference.between(engine(tensor), expected)
        differences.append(FormatDifference(weight_format, difference))
    return tuple(differences)


def load_model_description(description: Path) -> ModelDescr:
    """Load a description of format 0.5; nothing of the package is run.

    Raises
    ------
    DeepZError
        If it is not valid, describes something other than a model of format 0.5, or its weights
        may be malicious.
    """
    refuse_harmful_weights(read_description(description), description.parent)
    from bioimageio.spec import InvalidDescr
    from bioimageio.spec.model.v0_5 import ModelDescr

    model = _load(description)
    if isinstance(model, InvalidDescr):
        reason = model.get_reason() or "no reason given"
        raise DeepZError(f"{description.name}: not a valid description ({_joined(reason)})")
    if not isinstance(model, ModelDescr):
        raise DeepZError(
            f"{description.name}: describes a {model.type} of format {model.format_version}; "
            "expected a model of format 0.5"
        )
    return model


def available_formats(model: ModelDescr, *, trust: bool = False) -> tuple[str, ...]:
    """Return the weight formats of a description that can be run here.

    Those that would run a program from the package are left out unless `trust` is given.
    """
    present = present_formats(model)
    programs = {} if trust else programs_in(*_content(model), present)
    return tuple(name for name in FORMATS if name in present and name not in programs)


def present_formats(model: object) -> tuple[str, ...]:
    """Return the names of a description's weight formats; none where it is not a valid model."""
    weights = getattr(model, "weights", None)
    if not isinstance(weights, BaseModel):  # an invalid description keeps what the file says
        return ()
    return tuple(name for name in type(weights).model_fields if getattr(weights, name) is not None)


def _content(model: ModelDescr) -> tuple[Mapping[str, Any], Path]:
    """Return the description that a model was loaded from, and its folder."""
    folder = Path(str(model.root))
    return read_description(folder / str(model.file_name)), folder


def reference_tensors(model: ModelDescr) -> tuple[Tensor, Tensor]:
    """Return the first test input and test output of a description."""
    return model.get_input_test_arrays()[0], model.get_output_test_arrays()[0]


class PipelineEngine(Engine):
    """Runs one weight format of a package through a prediction pipeline of bioimageio.core."""

    def __init__(self, model: ModelDescr, weight_format: str, pipeline: PredictionPipeline) -> None:
        self.name = f"bioimageio.core {version_of('bioimageio.core')}"
        self.weight_format = weight_format
        self._model = model
        self._pipeline = pipeline

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Run the weight format as users of bioimageio.core do; see `Engine.run`."""
        return [self._predict(tensor) for tensor in tensors]

    def _predict(self, tensor: Tensor) -> Tensor:
        from bioimageio.core.digest_spec import create_sample_for_model

        model = self._model
        sample = create_sample_for_model(model, inputs={model.inputs[0].id: tensor})
        result = self._pipeline.predict_sample_without_blocking(sample)
        output = result.members[model.outputs[0].id].data.to_numpy()
        return np.asarray(output, dtype=np.float32)


@contextmanager
def opened_format(model: ModelDescr, weight_format: str) -> Iterator[Engine]:
    """Yield the engine of one weight format, as bioimageio.core runs it."""
    from bioimageio.core import create_prediction_pipeline

    options: dict[str, Any] = {"weight_format": weight_format, "devices": ["cpu"]}
    with create_prediction_pipeline(model, **options) as pipeline:
        yield PipelineEngine(model, weight_format, pipeline)
