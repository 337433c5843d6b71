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
import torch
from pydantic import Field, ValidationError

from deepz_zoo.engines.programs import Engine, EngineError, FileFormat, Tensor, own_engines
from deepz_zoo.errors import CheckFailed, DeepZError
from deepz_zoo.files import Record, first_fault
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.package.checks.formats import FormatDifference, Predict
from deepz_zoo.package.contents.export import probe

SMALLEST_BOUND = 1e-5
_LARGEST_BOUND = 1e-2

_Side = Annotated[int, Field(ge=1, le=4096)]
Shape = tuple[Annotated[int, Field(ge=1, le=16)], _Side, _Side]
"""Batch, height and width."""

_SHAPES: tuple[Shape, ...] = ((1, 16, 16), (1, 17, 17), (1, 100, 333), (3, 64, 48))
_LARGEST_SIDE = 1024
_LONGEST_BYTES = 2**20
# Parameters × planes × pixels of the largest image that is compared: seconds on two cores.
_LARGEST_COST = 1.5e12


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
        The largest difference from the state dict as a share of the output's largest value.
    absolute
        The same in grey levels.
    largest_value
        Of the output.
    """

    weight_format: FileFormat
    engine: str
    shape: Shape
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
        One for each engine and size.
    """

    format_version: Literal[1] = 1
    reference: str
    rows: Annotated[tuple[ParityRow, ...], Field(max_length=1000)]

    @property
    def shapes(self) -> tuple[Shape, ...]:
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


def size_text(shape: Shape) -> str:
    """Return a size as people write it."""
    batch, ny, nx = shape
    return f"{batch} × {ny}×{nx}" if batch > 1 else f"{ny}×{nx}"


def parity_shapes(parameters: int, planes: int) -> tuple[Shape, ...]:
    """Return the sizes to compare: the smallest, odd ones, several at once, and a large one.

    The large one is 1024×1024 for an ordinary model, and smaller where that would take minutes.

    Parameters
    ----------
    parameters
        Number of the network's parameters.
    planes
        Number of its output channels.
    """
    affordable = math.sqrt(_LARGEST_COST / (parameters * planes))
    side = min(_LARGEST_SIDE, 2 ** int(math.log2(max(affordable, 32))))
    return (*_SHAPES, (1, side, side))


def model_parity(
    model: DeepZModel, weights: Mapping[FileFormat, Path], engines: Sequence[Engine] = ()
) -> ParityReport:
    """Compare the weight files of a model with the model.

    Parameters
    ----------
    model
        With the weights of the state dict.
    weights
        The files by format.
    engines
        Old engines to run them with, besides those of this environment.
    """
    channels = getattr(model, "input_channels", 2)
    parameters = sum(parameter.numel() for parameter in model.parameters())

    def predict(tensor: Tensor) -> Tensor:
        with torch.inference_mode():
            output: Tensor = model(torch.from_numpy(tensor)).numpy()
        return output

    planes = predict(probe((1, 16, 16))[:, :channels]).shape[1]
    shapes = parity_shapes(parameters, planes)
    return parity(predict, weights, shapes, channels=channels, engines=engines)


def parity(
    reference: Predict,
    weights: Mapping[FileFormat, Path],
    shapes: Sequence[Shape],
    *,
    channels: int = 2,
    engines: Sequence[Engine] = (),
) -> ParityReport:
    """Compare weight files with the state dict.

    Parameters
    ----------
    reference
        Runs the state dict with the torch of this environment.
    weights
        The files by format.
    shapes
        Sizes of the images.
    channels
        Number of the input's channels.
    engines
        Old engines to run the files with, besides those of this environment.

    Raises
    ------
    EngineError
        If an engine cannot run a file.
    """
    tensors = [np.ascontiguousarray(probe(shape)[:, :channels]) for shape in shapes]
    expected = [reference(tensor) for tensor in tensors]
    own = own_engines()
    rows = [
        _row(engine, shape, output, truth)
        for engine in (*own, *engines)
        if engine.weight_format in weights
        for shape, output, truth in zip(
            shapes, engine.run(weights[engine.weight_format], tensors), expected, strict=True
        )
    ]
    return ParityReport(reference=f"pytorch_state_dict run by {own[0]}", rows=tuple(rows))


def _row(engine: Engine, shape: Shape, output: Tensor, expected: Tensor) -> ParityRow:
    if output.shape != expected.shape:
        raise EngineError(
            f"{engine} returns {output.shape} for {size_text(shape)} px; expected {expected.shape}"
        )
    found = FormatDifference.between(engine.weight_format, output, expected)
    return ParityRow(
        weight_format=engine.weight_format,
        engine=str(engine),
        shape=shape,
        relative=found.relative,
        absolute=found.absolute,
        largest_value=float(np.abs(expected).max()),
    )


def bound(difference: float) -> float:
    """Return the power of ten that bounds a relative difference, not below `SMALLEST_BOUND`."""
    if not math.isfinite(difference):
        return math.inf
    if difference <= SMALLEST_BOUND:
        return SMALLEST_BOUND
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
            return ParityReport.model_validate_json(file.read(_LONGEST_BYTES))
    except ValidationError as error:
        raise DeepZError(first_fault(error, path.name)) from error


def refuse_disparity(report: ParityReport) -> None:
    """Raise CheckFailed where a weight format gives other images than the state dict.

    The limit of 1 % of the largest value leaves room for models that give whole grey levels of
    8 bits, where rounding may tip a pixel by one.
    """
    # "not … <=" so that NaN fails too
    for row in report.rows:
        if not row.relative <= _LARGEST_BOUND:
            raise CheckFailed(
                f"{row.weight_format} run by {row.engine} differs from the state dict by up to "
                f"{row.absolute:g} grey levels for images of {size_text(row.shape)} px; expected "
                f"at most {_LARGEST_BOUND:g} of the largest value"
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
