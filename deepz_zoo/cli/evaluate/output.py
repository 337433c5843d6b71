"""Where an evaluation is written to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from deepz_zoo.cli.options import overwrite_option
from deepz_zoo.cli.parameters import PathName

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.files import Record

Function = TypeVar("Function", bound=Callable[..., Any])
AnyRecord = TypeVar("AnyRecord", bound="Record")


@dataclass(frozen=True)
class Outputs:
    """The files to write; None for none."""

    json_path: Path | None
    plot_path: Path | None

    def write(self, record: AnyRecord, plot: Callable[[AnyRecord], Figure]) -> None:
        """Write the record as JSON, and its plot."""
        from deepz_zoo.cards.plots import save_figure
        from deepz_zoo.files import write_record

        if self.json_path is not None:
            write_record(self.json_path, record)
        if self.plot_path is not None:
            save_figure(plot(record), self.plot_path)


def output_options(function: Function) -> Function:
    """Add ``--json`` and ``--plot``; the command's function receives ``outputs: Outputs``."""

    @wraps(function)
    def with_outputs(
        *args: Any, json_path: Path | None, plot_path: Path | None, overwrite: bool, **kwargs: Any
    ) -> Any:
        from deepz_zoo.extras import require_plots
        from deepz_zoo.files import refuse_output
        from deepz_zoo.models import model_files

        paths = list(filter(None, (json_path, plot_path)))
        if len({path.resolve() for path in paths}) < len(paths):
            raise click.UsageError("--json and --plot name the same file")
        models = [kwargs.get(name) for name in ("model_name", "weights", "against")]
        inputs = [*model_files(*models), *filter(None, [kwargs.get("path")])]
        for path in paths:
            refuse_output(path, overwrite=overwrite, inputs=inputs)
        if plot_path is not None:
            require_plots("--plot")
        return function(*args, outputs=Outputs(json_path, plot_path), **kwargs)

    command: Any = overwrite_option(with_outputs)
    command = click.option(
        "--plot",
        "plot_path",
        metavar="FILE.png",
        type=PathName(dir_okay=False, path_type=Path),
        help="Write plots of the metrics.",
    )(command)
    return click.option(  # type: ignore[no-any-return]
        "--json",
        "json_path",
        metavar="FILE",
        type=PathName(dir_okay=False, path_type=Path),
        help="Write all metrics to this file.",
    )(command)
