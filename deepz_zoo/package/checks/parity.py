"""The parity report of a package: how far each weight format is from the state dict, and where.

The report travels in the package as ``parity.json`` and as a table of its README. Differences of
floating-point sums vary between processors, so what it states are bounds: powers of ten, none below
1e-5 of the largest value. Two machines then write the same report.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field, ValidationError

from deepz_zoo.engines.difference import Difference, probe
from deepz_zoo.engines.engine import Engine, EngineError, FileFormat, Runtime, Tensor
from deepz_zoo.engines.installed import installed_runtimes
from deepz_zoo.engines.torch_model import TorchModel
from deepz_zoo.errors import CheckFailed, DeepZError
from deepz_zoo.files import Record, first_fault
from deepz_zoo.network.graph.wrapper import DeepZModel

MIN_BOUND = 1e-5
_MAX_DISPARITY = 1e-2

_Side = Annotated[int, Field(ge=1, le=4096)]
InputShape = tuple[Annotated[int, Field(ge=1, le=16)], _Side, _Side]
"""Batch, height and width."""

_SHAPES: tuple[InputShape, ...] = ((1, 16, 16), (1, 17, 17), (1, 100, 333), (3, 64, 48))
_MAX_SIDE_PX = 1024
_MAX_BYTES = 2**20
# Parameters × planes × pixels of the largest image that is compared: seconds on two cores.
_MAX_COST = 1.5e12


class ParityRow(Record):
    """One engine on images of one size.

    Attributes
    ----------
    weight_format
        Of the file that it ran.
    engine
        Name and version.
    shape
        Batch, height and width.
    relative
        The largest difference from the state dict as a fraction of the output's largest value.
    absolute
        The same in grey levels.
    largest_value
        Of the output.
    """

    model_config = ConfigDict(allow_inf_nan=True)  # of an engine that fails

    weight_format: FileFormat
    engine: str
    shape: InputShape
    relative: float
    absolute: float
    largest_value: float

    def bounded(self) -> ParityRow:
        """Return the row with bounds in place of what was measured."""
        relative = bound(self.relative)
        largest = float(f"{self.largest_value:.3g}")
        absolute = _rounded_up(relative * largest)
        changes = {"relative": relative, "absolute": absolute, "largest_value": largest}
        return self.model_copy(update=changes)


class ParityReport(Record):
    """How far the weight formats of a package are from its state dict.

    Attributes
    ----------
    reference
        Weight format and engine that the others are compared with.
    rows
        One per engine and size.
    """

    format_version: Literal[1] = 1
    reference: str
    rows: Annotated[tuple[ParityRow, ...], Field(max_length=1000)]

    @property
    def shapes(self) -> tuple[InputShape, ...]:
        """The sizes in the order of the rows."""
        return tuple(dict.fromkeys(row.shape for row in self.rows))

    def bounded(self) -> ParityReport:
        """Return the report that a package states: the same on every machine."""
        return self.model_copy(update={"rows": tuple(row.bounded() for row in self.rows)})

    def to_json(self) -> str:
        """Return the content of ``parity.json``."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """Return bounds as a table with a row for each engine and a column for each size."""
        head = ["weights", "run by", *map(size_text, self.shapes), "grey levels"]
        lines = [head, ["---"] * len(head)]
        for weight_format, engine in dict.fromkeys((r.weight_format, r.engine) for r in self.rows):
            rows = [r for r in self.rows if (r.weight_format, r.engine) == (weight_format, engine)]
            bounds = {row.shape: f"≤ {row.relative:.0e}" for row in rows}
            cells = [bounds.get(shape, "") for shape in self.shapes]
            worst = max(row.absolute for row in rows)
            lines.append([weight_format, engine, *cells, f"≤ {worst:g}"])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def size_text(shape: InputShape) -> str:
    """Return a size as people write it."""
    batch, ny, nx = shape
    return f"{batch} × {ny}×{nx}" if batch > 1 else f"{ny}×{nx}"


def parity_shapes(parameters: int, planes: int) -> tuple[InputShape, ...]:
    """Return the sizes to compare: the smallest, odd ones, several at once, and a large one.

    The large one is 1024×1024 for an ordinary model, and smaller where that would take minutes.

    Parameters
    ----------
    parameters
        Number of the network's parameters.
    planes
        Number of its output channels.
    """
    affordable = math.sqrt(_MAX_COST / (parameters * planes))
    side = min(_MAX_SIDE_PX, 2 ** int(math.log2(max(affordable, 32))))
    return (*_SHAPES, (1, side, side))


def model_parity(
    model: DeepZModel, weights: Mapping[FileFormat, Path], old_runtimes: Sequence[Runtime] = ()
) -> ParityReport:
    """Compare the weight files of a model with the model.

    Parameters
    ----------
    model
        With the weights of the state dict.
    weights
        The files by format.
    old_runtimes
        What runs them besides the runtimes of this environment.
    """
    channels = getattr(model, "input_channels", 2)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    reference = TorchModel(model)
    planes = reference(probe((1, 16, 16))[:, :channels]).shape[1]
    shapes = parity_shapes(parameters, planes)
    return parity(reference, weights, shapes, channels=channels, old_runtimes=old_runtimes)


def parity(
    reference: Engine,
    weights: Mapping[FileFormat, Path],
    shapes: Sequence[InputShape],
    *,
    channels: int = 2,
    old_runtimes: Sequence[Runtime] = (),
) -> ParityReport:
    """Compare weight files with the state dict.

    Parameters
    ----------
    reference
        Runs the state dict.
    weights
        The files by format.
    shapes
        Sizes of the images.
    channels
        Number of the input's channels.
    old_runtimes
        What runs the files besides the runtimes of this environment.

    Raises
    ------
    EngineError
        If a runtime cannot run a file.
    """
    tensors = [np.ascontiguousarray(probe(shape)[:, :channels]) for shape in shapes]
    expected = reference.run(tensors)
    engines = [
        runtime.open(weights[runtime.weight_format])
        for runtime in (*installed_runtimes(), *old_runtimes)
        if runtime.weight_format in weights
    ]
    rows = [
        _row(engine, *of_size)
        for engine in engines
        for of_size in zip(shapes, engine.run(tensors), expected, strict=True)
    ]
    return ParityReport(
        reference=f"{reference.weight_format} run by {reference.name}", rows=tuple(rows)
    )


def _row(engine: Engine, shape: InputShape, output: Tensor, expected: Tensor) -> ParityRow:
    if output.shape != expected.shape:
        raise EngineError(
            f"{engine.name} returns {output.shape} for {size_text(shape)} px; "
            f"expected {expected.shape}"
        )
    found = Difference.between(output, expected)
    return ParityRow.model_validate(
        {
            "weight_format": engine.weight_format,
            "engine": engine.name,
            "shape": shape,
            "relative": found.relative,
            "absolute": found.absolute,
            "largest_value": float(np.abs(expected).max()),
        }
    )


def bound(difference: float) -> float:
    """Return the power of ten that bounds a relative difference, not below `MIN_BOUND`."""
    if not math.isfinite(difference):
        return math.inf
    if difference <= MIN_BOUND:
        return MIN_BOUND
    return float(f"1e{math.ceil(math.log10(difference))}")


def _rounded_up(value: float) -> float:
    """Return a value rounded up to two digits."""
    if not 0 < value < math.inf:
        return value
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / step) * step:.2g}")


def read_parity(path: Path) -> ParityReport:
    """Read a ``parity.json``.

    Raises
    ------
    DeepZError
        If it is none.
    """
    try:
        with path.open("rb") as file:
            return ParityReport.model_validate_json(file.read(_MAX_BYTES))
    except ValidationError as error:
        raise DeepZError(first_fault(error, path.name)) from error


def refuse_disparity(report: ParityReport) -> None:
    """Raise CheckFailed where a weight format gives other images than the state dict.

    The limit of 1 % of the largest value leaves room for models that give integer grey levels of
    8 bits, where rounding may tip a pixel by one.
    """
    # "not … <=" so that NaN fails too
    for row in report.rows:
        if not row.relative <= _MAX_DISPARITY:
            raise CheckFailed(
                f"{row.weight_format} run by {row.engine} differs from the state dict by up to "
                f"{row.absolute:g} grey levels for images of {size_text(row.shape)} px; expected "
                f"at most {_MAX_DISPARITY:g} of the largest value"
            )


def exceeded(stated: ParityReport, found: ParityReport) -> tuple[str, ...]:
    """Return a phrase for each row of a new report whose difference is above what was stated.

    A format is held to what was stated of it for the size, whatever engine ran it then.
    """
    phrases = []
    for row in found.rows:
        limits = [
            entry.relative
            for entry in stated.rows
            if (entry.weight_format, entry.shape) == (row.weight_format, row.shape)
        ]
        # "not … <=" so that NaN counts too
        if limits and not row.relative <= max(limits):
            phrases.append(
                f"{row.weight_format} run by {row.engine} at {size_text(row.shape)} px differs by "
                f"{row.relative:.1e} of the largest value; stated {max(limits):.0e}"
            )
    return tuple(phrases)
