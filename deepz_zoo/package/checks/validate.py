"""Validate a package: the rules of its consumers, the tests of its format, and its behavior."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepz_zoo.engines.engine import FILE_FORMATS, EngineError, FileFormat, Runtime
from deepz_zoo.engines.old_programs import runtimes_in
from deepz_zoo.errors import DeepZError
from deepz_zoo.package.checks import behavior
from deepz_zoo.package.checks.check import Check, passed_if
from deepz_zoo.package.checks.formats import (
    FormatDifference,
    available_formats,
    format_differences,
    load_model_description,
    opened_format,
    run_bioimageio_tests,
)
from deepz_zoo.package.checks.lint import CONSUMERS, Consumer, ConsumerCheck, lint
from deepz_zoo.package.checks.parity import (
    ParityReport,
    exceeded,
    parity,
    read_parity,
)
from deepz_zoo.package.checks.plugin_units import in_camera_units
from deepz_zoo.package.contents.checksums import CHECKSUMS_NAME
from deepz_zoo.package.contents.deepz_config import DeepZConfig, read_deepz_config
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.package.contents.variants import Variant
from deepz_zoo.package.reading.archive import open_package
from deepz_zoo.package.reading.checksums import wrong_checksums
from deepz_zoo.package.reading.isolation import isolated_bioimageio
from deepz_zoo.progress import Progress, no_progress

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import InputTensorDescr, ModelDescr, OutputTensorDescr

CHECKSUMS = "files are as packaged"
CHANNEL_NAMES = "the description names the channels"
VALIDITY = "the validity is described"
PARITY = "weight formats agree as stated"

_NOT_DEEPZ = "not a Deep-Z package (no config.deepz in its description)"


@dataclass(frozen=True)
class ValidationReport:
    """What validating a package found.

    Attributes
    ----------
    path
        The package.
    format_checks
        bioimage.io's tests of the format and of every weight format.
    model_checks
        What makes the package one of a Deep-Z model.
    differences
        Largest difference of each weight format from the test output; of Deep-Z packages only.
    consumer_checks
        The rules of the programs that read packages.
    parity
        How far the weight formats are from each other, if that was computed again.
    """

    path: Path
    format_checks: tuple[Check, ...]
    model_checks: tuple[Check, ...]
    differences: tuple[FormatDifference, ...] = ()
    consumer_checks: tuple[ConsumerCheck, ...] = ()
    parity: ParityReport | None = None

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks."""
        return self.consumer_checks + self.format_checks + self.model_checks

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.status == "failed")


def validate_package(
    path: Path,
    *,
    consumers: Collection[Consumer] = CONSUMERS,
    run: bool = True,
    recompute_parity: bool = False,
    engines: Path | None = None,
    known_stacks: Sequence[behavior.KnownStack] | None = None,
    trust: bool = False,
    progress: Progress = no_progress,
) -> ValidationReport:
    """Lint a package, run bioimage.io's tests, and check that it behaves as a Deep-Z model.

    Parameters
    ----------
    path
        A zip file or a folder.
    consumers
        Programs whose rules the package must keep.
    run
        Run the model; otherwise there is nothing but the rules.
    recompute_parity
        Compare the weight formats of a Deep-Z package at several sizes with each other, and with
        what the package states.
    engines
        A folder of old engines to do so with too; see `deepz_zoo.engines.old_programs`.
    known_stacks
        Simulated stacks to check the behavior with; by default new ones of the optics that the
        package describes.
    trust
        Run also the programs in the package and fetch the addresses in its description.
    progress
        Called with the name of each step.

    Raises
    ------
    DeepZError
        If `path` holds no package that can be opened, or a malicious one.
    """
    old_runtimes = runtimes_in(engines) if engines else ()
    with isolated_bioimageio(online=trust), open_package(path) as description:
        report = ValidationReport(path, (), (), consumer_checks=lint(description, consumers))
        if not run:
            return report
        progress("testing every weight format")
        tests = tuple(run_bioimageio_tests(description, trust=trust))
        report = replace(report, format_checks=tests)
        if any(check.status == "failed" for check in tests):
            # What does not run, or not as described, need not be looked at further.
            return replace(report, model_checks=_skipped("it fails bioimage.io's tests"))
        model = load_model_description(description)
        deepz = getattr(model.config, "deepz", None)
        if not isinstance(deepz, Mapping):
            return replace(report, model_checks=_skipped(_NOT_DEEPZ))
        formats = available_formats(model, trust=trust)
        checks = _deepz_checks(description.parent, model, deepz, known_stacks, formats, progress)
        found = None
        if recompute_parity:
            progress("comparing the weight formats")
            check, found = _parity(model, description.parent, formats, old_runtimes)
            checks = [*checks, check]
        differences = format_differences(description, trust=trust)
        return replace(report, model_checks=tuple(checks), differences=differences, parity=found)


def _deepz_checks(
    folder: Path,
    model: ModelDescr,
    deepz: Mapping[str, Any],
    known_stacks: Sequence[behavior.KnownStack] | None,
    formats: Sequence[str],
    progress: Progress,
) -> list[Check]:
    try:
        config = read_deepz_config(deepz)
    except DeepZError as error:
        reason = "the validity is not known"
        return [
            _checksums(folder),
            Check(VALIDITY, "failed", str(error)),
            *(Check(name, "skipped", reason) for name in (CHANNEL_NAMES, *behavior.NAMES)),
        ]
    system = config.system
    summary = f"{system.name}, {system.pixel_size_um:g} µm, ±{system.z_range_um:g} µm"
    return [
        _checksums(folder),
        Check(VALIDITY, "passed", summary),
        _channel_names(model, config),
        *_behavior(model, config, known_stacks, formats, progress),
    ]


def _skipped(reason: str) -> tuple[Check, ...]:
    names = (CHECKSUMS, VALIDITY, CHANNEL_NAMES, *behavior.NAMES)
    return tuple(Check(name, "skipped", reason) for name in names)


def _checksums(folder: Path) -> Check:
    if not (folder / CHECKSUMS_NAME).is_file():
        return Check(CHECKSUMS, "skipped", f"there is no {CHECKSUMS_NAME}")
    wrong = "; ".join(f"{name} {how}" for name, how in wrong_checksums(folder).items())
    return passed_if(not wrong, CHECKSUMS, wrong or f"{CHECKSUMS_NAME} agrees")


def _channel_names(model: ModelDescr, config: DeepZConfig) -> Check:
    variant = Variant(config.z_um)
    expected = list(variant.input_channels), list(variant.output_channels)
    found = _channels(model.inputs[0]), _channels(model.outputs[0])
    right = len(model.inputs) == len(model.outputs) == 1 and found == expected
    return passed_if(
        right,
        CHANNEL_NAMES,
        f"{len(model.inputs)} input with {_listed(found[0])}, {len(model.outputs)} output with "
        f"{_listed(found[1])}; expected one with {_listed(expected[0])}, one with "
        f"{_listed(expected[1])}",
    )


def _channels(tensor: InputTensorDescr | OutputTensorDescr) -> list[str]:
    for axis in tensor.axes:
        if axis.type == "channel":
            return [str(name) for name in axis.channel_names]
    return []


def _listed(channels: Sequence[str]) -> str:
    shown = channels if len(channels) <= 3 else (channels[0], "…", channels[-1])
    return f"[{', '.join(shown)}]"


def _behavior(
    model: ModelDescr,
    config: DeepZConfig,
    known_stacks: Sequence[behavior.KnownStack] | None,
    formats: Sequence[str],
    progress: Progress,
) -> list[Check]:
    if not formats:
        reason = "none of its weights can be run; set `trust` to allow those that are programs"
        return [Check(name, "skipped", reason) for name in behavior.NAMES]
    system = config.system
    if known_stacks is None:
        progress("simulating planes to compare with")
        known_stacks = behavior.simulate_known_stacks(system)
    progress("checking the behavior")
    with opened_format(model, formats[0]) as engine:
        return behavior.check_behavior(
            in_camera_units(engine, config.normalization.rule),
            known_stacks,
            system.z_range_um,
            planes_um=config.z_um,
            error_at_zero=config.error_at_zero(),
        )


def _parity(
    model: ModelDescr, folder: Path, formats: Sequence[str], old_runtimes: Sequence[Runtime]
) -> tuple[Check, ParityReport | None]:
    """Compare the weight formats again, at the sizes that the package states."""
    path = folder / FILES.parity
    if not path.is_file():
        return Check(PARITY, "skipped", f"there is no {FILES.parity}"), None
    if "pytorch_state_dict" not in formats:
        return Check(PARITY, "skipped", "the state dict cannot be run without `trust`"), None
    stated = read_parity(path)
    weights: dict[FileFormat, Path] = {
        name: folder / str(getattr(model.weights, name).source.path)
        for name in FILE_FORMATS
        if name in formats
    }
    channels = len(_channels(model.inputs[0]))
    try:
        with opened_format(model, "pytorch_state_dict") as reference:
            found = parity(
                reference, weights, stated.shapes, channels=channels, old_runtimes=old_runtimes
            )
    except EngineError as error:
        return Check(PARITY, "failed", str(error)), None
    above = exceeded(stated, found)
    worst = max((row.relative for row in found.rows), default=0.0)
    detail = "; ".join(above) or (
        f"{len(found.rows)} comparisons, at most {worst:.1e} of the largest value"
    )
    return passed_if(not above, PARITY, detail), found
