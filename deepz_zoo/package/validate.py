"""Validate a package: the tests of its format, its files and its behavior."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from deepz_zoo.optics import ImagingSystem
from deepz_zoo.package import behavior
from deepz_zoo.package.archive import CHECKSUMS_NAME, open_package, wrong_checksums
from deepz_zoo.package.checks import Check, passed_if
from deepz_zoo.package.description import DPM, FLUORESCENCE
from deepz_zoo.package.formats import (
    FormatDifference,
    available_formats,
    format_differences,
    load_model_description,
    opened_format,
    run_bioimageio_tests,
)
from deepz_zoo.package.isolation import isolated_bioimageio

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import ModelDescr

CHECKSUMS = "files are as packaged"
CHANNEL_NAMES = "the description names the channels"
OPTICS = "the optics are described"

_NOT_DEEPZ = "not a Deep-Z package (no config.deepz in its description)"

Progress = Callable[[str], None]


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
    """

    path: Path
    format_checks: tuple[Check, ...]
    model_checks: tuple[Check, ...]
    differences: tuple[FormatDifference, ...] = ()

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks in the order in which they ran."""
        return self.format_checks + self.model_checks

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.status == "failed")


def validate_package(
    path: Path,
    *,
    scenes: Sequence[behavior.Scene] | None = None,
    trust: bool = False,
    progress: Progress = lambda step: None,
) -> ValidationReport:
    """Run bioimage.io's tests on a package, and check that it behaves as a Deep-Z model.

    Parameters
    ----------
    path
        A zip file or a folder.
    scenes
        Simulated stacks to check the behavior with; by default new ones of the optics that the
        package describes.
    trust
        Run also the programs in the package and fetch the addresses in its description.
    progress
        Called with the name of each step.

    Raises
    ------
    DeepZError
        If `path` holds no package that can be opened, or one that is made to do harm.
    """
    with isolated_bioimageio(online=trust), open_package(path) as description:
        progress("testing every weight format")
        tests = tuple(run_bioimageio_tests(description, trust=trust))
        if any(check.status == "failed" for check in tests):
            # What does not run, or not as described, need not be looked at further.
            return ValidationReport(path, tests, _skipped("it fails bioimage.io's tests"))
        model = load_model_description(description)
        deepz = getattr(model.config, "deepz", None)
        if not isinstance(deepz, Mapping):
            return ValidationReport(path, tests, _skipped(_NOT_DEEPZ))
        checks = [
            _checksums(description.parent),
            _channel_names(model),
            *_behavior(model, deepz, scenes, available_formats(model, trust=trust), progress),
        ]
        differences = format_differences(description, trust=trust)
        return ValidationReport(path, tests, tuple(checks), differences)


def _skipped(reason: str) -> tuple[Check, ...]:
    names = (CHECKSUMS, CHANNEL_NAMES, OPTICS, *behavior.NAMES)
    return tuple(Check(name, "skipped", reason) for name in names)


def _checksums(folder: Path) -> Check:
    if not (folder / CHECKSUMS_NAME).is_file():
        return Check(CHECKSUMS, "skipped", f"there is no {CHECKSUMS_NAME}")
    wrong = wrong_checksums(folder)
    return passed_if(not wrong, CHECKSUMS, "; ".join(wrong) or f"{CHECKSUMS_NAME} agrees")


def _channel_names(model: ModelDescr) -> Check:
    expected = [FLUORESCENCE, DPM]
    named = [
        [str(name) for name in axis.channel_names]
        for axis in model.inputs[0].axes
        if axis.type == "channel"
    ]
    found = named[0] if named else []
    right = len(model.inputs) == len(model.outputs) == 1 and found == expected
    return passed_if(
        right,
        CHANNEL_NAMES,
        f"{len(model.inputs)} input with channels {found}, {len(model.outputs)} output; "
        f"expected one input with {expected}, one output",
    )


def _behavior(
    model: ModelDescr,
    deepz: Mapping[str, Any],
    scenes: Sequence[behavior.Scene] | None,
    formats: Sequence[str],
    progress: Progress,
) -> list[Check]:
    try:
        system = ImagingSystem.model_validate(deepz.get("system"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(["config.deepz.system", *map(str, first["loc"])])
        return [
            Check(OPTICS, "failed", f"{place}: {first['msg']}"),
            *(Check(name, "skipped", "the optics are not known") for name in behavior.NAMES),
        ]
    described = passed_if(
        True, OPTICS, f"{system.name}, {system.pixel_size_um:g} µm, ±{system.z_range_um:g} µm"
    )
    if not formats:
        reason = "none of its weights can be run; --trust allows those that are programs"
        return [described, *(Check(name, "skipped", reason) for name in behavior.NAMES)]
    if scenes is None:
        progress("simulating planes to compare with")
        scenes = behavior.simulate_scenes(system)
    progress("checking the behavior")
    with opened_format(model, formats[0]) as predict:
        return [
            described,
            *behavior.check_behavior(
                predict, scenes, system.z_range_um, error_at_zero=_error_at_zero(deepz)
            ),
        ]


def _error_at_zero(deepz: Mapping[str, Any]) -> float | None:
    """Return the error/rms with DPM 0 and low noise that the package states."""
    for row in deepz.get("accuracy") or []:
        if row.get("noise") == "low" and row.get("distance_um") == 0:
            return float(row["error_over_rms"])
    return None
