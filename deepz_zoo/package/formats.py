"""A package's weight formats: bioimageio.core's tests, and how far each is from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.package.checks import Check

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import ModelDescr

Tensor = NDArray[np.float32]
Predict = Callable[[Tensor], Tensor]
"""Maps (b, 2, ny, nx) to (b, 1, ny, nx)."""

FORMATS = ("pytorch_state_dict", "torchscript", "onnx")


@dataclass(frozen=True)
class FormatDifference:
    """How far a weight format's output is from the test output.

    Attributes
    ----------
    weight_format
        Name of the format in the description.
    absolute
        Largest absolute difference, in the unit of the output.
    relative
        The same as a share of the largest absolute value of the output.
    """

    weight_format: str
    absolute: float
    relative: float

    @classmethod
    def between(cls, weight_format: str, output: Tensor, expected: Tensor) -> FormatDifference:
        """Compare two outputs of one shape."""
        absolute = float(np.abs(output.astype(np.float64) - expected).max())
        largest = float(np.abs(expected).max())
        return cls(weight_format, absolute, absolute / largest if largest else absolute)


def run_bioimageio_tests(description: Path) -> list[Check]:
    """Run bioimageio.core's tests of every weight format.

    Parameters
    ----------
    description
        The package's ``rdf.yaml``.

    Returns
    -------
    list of Check
        The validation of the format first.

    Raises
    ------
    DeepZError
        If the file is not YAML or holds no mapping.
    """
    _refuse_unreadable(description)
    from bioimageio.core import test_model

    # stop_early=True would stop after the first format that passes
    summary = test_model(description, stop_early=False)
    checks = [
        Check(
            _joined(detail.name),
            "passed" if detail.status == "passed" else "failed",
            "; ".join(_one_line(error.loc, error.msg) for error in detail.errors),
        )
        for detail in summary.details
    ]
    if summary.status != "passed" and all(check.status == "passed" for check in checks):
        checks.append(Check("bioimage.io tests", "failed", f"status {summary.status}"))
    return checks


def _refuse_unreadable(description: Path) -> None:
    from bioimageio.spec.utils import read_yaml

    try:
        content = read_yaml(description)
    except Exception as error:  # of the YAML library, which is none of ours
        raise DeepZError(f"{description.name} is not YAML ({_joined(str(error))})") from error
    if not isinstance(content, dict):
        raise DeepZError(
            f"{description.name} holds {type(content).__name__}; expected a mapping with the "
            "fields of a bioimage.io description"
        )


def _one_line(place: tuple[int | str, ...], message: str) -> str:
    text = _joined(message)
    return f"{'.'.join(map(str, place))}: {text}" if place else text


def _joined(text: str) -> str:
    return " ".join(text.split())


def format_differences(description: Path) -> tuple[FormatDifference, ...]:
    """Run every weight format on the test input and compare with the test output."""
    model = load_model_description(description)
    tensor, expected = reference_tensors(model)
    differences = []
    for weight_format in available_formats(model):
        with opened_format(model, weight_format) as predict:
            difference = FormatDifference.between(weight_format, predict(tensor), expected)
        differences.append(difference)
    return tuple(differences)


def load_model_description(description: Path) -> ModelDescr:
    """Load a description of format 0.5.

    Raises
    ------
    DeepZError
        If it is not valid, or describes something other than a model of format 0.5.
    """
    from bioimageio.spec import InvalidDescr, load_description
    from bioimageio.spec.model.v0_5 import ModelDescr

    model = load_description(description)
    if isinstance(model, InvalidDescr):
        reason = model.get_reason() or "no reason given"
        raise DeepZError(f"{description.name}: not a valid description ({_joined(reason)})")
    if not isinstance(model, ModelDescr):
        raise DeepZError(
            f"{description.name}: describes a {model.type} of format {model.format_version}; "
            "expected a model of format 0.5"
        )
    return model


def available_formats(model: ModelDescr) -> tuple[str, ...]:
    """Return the weight formats of a description that can be run here."""
    return tuple(name for name in FORMATS if getattr(model.weights, name) is not None)


def reference_tensors(model: ModelDescr) -> tuple[Tensor, Tensor]:
    """Return the first test input and test output of a description."""
    return model.get_input_test_arrays()[0], model.get_output_test_arrays()[0]


@contextmanager
def opened_format(model: ModelDescr, weight_format: str) -> Iterator[Predict]:
    """Yield a function that runs one weight format as bioimageio.core does."""
    from bioimageio.core import create_prediction_pipeline
    from bioimageio.core.digest_spec import create_sample_for_model

    options: dict[str, Any] = {"weight_format": weight_format, "devices": ["cpu"]}
    with create_prediction_pipeline(model, **options) as pipeline:

        def predict(tensor: Tensor) -> Tensor:
            sample = create_sample_for_model(model, inputs={model.inputs[0].id: tensor})
            result = pipeline.predict_sample_without_blocking(sample)
            output = result.members[model.outputs[0].id].data.to_numpy()
            return np.asarray(output, dtype=np.float32)

        yield predict
