"""Rules on the description: its shape, its names, its files and its documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import numpy as np

from deepz_zoo.package.checks.lint.contents import (
    Contents,
    NotApplicable,
    items,
    mappings,
    source_of,
)
from deepz_zoo.package.checks.lint.rule import rule
from deepz_zoo.package.contents.checksums import CHECKSUMS_NAME
from deepz_zoo.package.reading.untrusted import is_remote, referenced_files

_MAX_FRACTION = 0.01  # of the largest value of a test output
_MAX_RELATIVE = 0.01
_MAX_MISMATCHED = 5000

_KNOWN_VERSION = re.compile(r"0\.[45]\.\d+")
_NAME = re.compile(r"[A-Za-z0-9_+\- ()]+")
_VALIDATION = re.compile("^#.*validation", re.IGNORECASE | re.MULTILINE)
_MACRO = re.compile(r"""run\(\s*["']DeepImageJ Run["'].*?\)\s*;?""", re.DOTALL)
_OLD_KEYS = re.compile(r"\b(modelPath|inputPath|outputFolder|displayOutput)\b")
# such as "50 million", "5000×5000", "50331648 values"
_LIMIT = re.compile(r"50(\.\d+)?\s*(million|M\b)|5000\s*[x×]\s*5000|50[,. ']?331[,. ']?648")


@rule(
    "the package is one of a model",
    "deepimagej",
    "ilastik",
    "bioimageio",
    symptom="the package is not listed, or not loaded",
    fix="write type: model",
)
def _type(package: Contents) -> Iterator[str]:
    if (kind := package.description.get("type")) != "model":
        yield f"its type is {kind!r}" if kind else "it states no type"


@rule(
    "the version of the format is known",
    "deepimagej",
    "ilastik",
    "bioimageio",
    symptom="the description is not read, or read as that of another version",
    fix="write the version that the description follows, such as format_version: 0.5.10",
)
def _version(package: Contents) -> Iterator[str]:
    version = package.description.get("format_version")
    if not isinstance(version, str) or not _KNOWN_VERSION.fullmatch(version):
        yield f"format_version is {version!r}"


@rule(
    "there are weights",
    "deepimagej",
    "ilastik",
    "bioimageio",
    symptom="nothing can be run",
    fix="describe at least one weight format with its file",
)
def _weights(package: Contents) -> Iterator[str]:
    weights = package.description.get("weights")
    entries = weights.values() if isinstance(weights, Mapping) else ()
    if not any(isinstance(entry, Mapping) and entry.get("source") for entry in entries):
        yield "no weight format has a source"


@rule(
    "every file that is named is there",
    "deepimagej",
    "ilastik",
    "bioimageio",
    symptom="the package fails when the file is needed",
    fix="put the file into the package, under the name that the description states",
)
def _existing_files(package: Contents) -> Iterator[str]:
    for place, name in referenced_files(package.description):
        if not is_remote(name) and not (package.folder / name).is_file():
            yield f"{place}: {name} is missing"


@rule(
    "the description has an id",
    "deepimagej",
    symptom="NullPointerException; the model is missing from the list",
    fix="write id: a-lower-case-name",
)
def _id(package: Contents) -> Iterator[str]:
    if not package.description.get("id"):
        yield "there is none"


@rule(
    "documentation and covers are plain names",
    "deepimagej",
    "ilastik",
    symptom="ClassCastException in deepImageJ; ilastik's bioimageio.spec 0.5.9 finds it invalid",
    fix="write them as format 0.5.10 does, documentation: README.md and covers: [cover.png]",
)
def _plain_names(package: Contents) -> Iterator[str]:
    if isinstance(package.description.get("documentation"), Mapping):
        yield "documentation is a mapping, as in format 0.5.11"
    if mappings(package.description.get("covers")):
        yield "covers are mappings, as in format 0.5.11"


@rule(
    "all files are in the package",
    "deepimagej",
    "ilastik",
    "bioimageio",
    symptom="the package fails without a network, and when the address is gone",
    fix="put the files into the package and name them without an address",
)
def _local_files(package: Contents) -> Iterator[str]:
    for place, name in referenced_files(package.description):
        if is_remote(name):
            yield f"{place} is {name}"


@rule(
    "no one is named by a GitHub account",
    "bioimageio",
    symptom="without a network the description counts as invalid",
    fix="leave out maintainers, and github_user of authors, where packages are used offline",
    advice=True,
)
def _no_github(package: Contents) -> Iterator[str]:
    if package.description.get("maintainers"):
        yield "there are maintainers"
    for field in ("authors", "packaged_by", "uploader"):
        people = package.description.get(field)
        for person in mappings(people if isinstance(people, list) else [people]):
            if person.get("github_user"):
                yield f"{field} have a github_user"
                break


@rule(
    "the name holds letters, digits and _+-() only",
    "bioimageio",
    symptom="the description counts as invalid",
    fix="replace other characters, such as a dot by _",
)
def _name(package: Contents) -> Iterator[str]:
    name = package.description.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield f"the name is {name!r}"


@rule(
    "tensor ids are lower case",
    "bioimageio",
    symptom="the description counts as invalid",
    fix="write id: input, not id: Input",
)
def _lower_case(package: Contents) -> Iterator[str]:
    for tensor in package.tensors:
        name = tensor.entry.get("id")
        if isinstance(name, str) and name != name.lower():
            yield tensor.name


@rule(
    "units are spelled as the format does",
    "bioimageio",
    symptom="the description counts as invalid",
    fix="write micrometer for an axis and µm for data",
)
def _units(package: Contents) -> Iterator[str]:
    from bioimageio.spec.model.v0_5 import SpaceUnit, TimeUnit

    spelled_out = {*get_args(SpaceUnit), *get_args(TimeUnit)}
    for tensor in package.tensors:
        for axis in tensor.axes:
            unit = axis.get("unit")
            if isinstance(unit, str) and unit not in spelled_out:
                yield f"{tensor.name} axis {axis.get('id')} is in {unit!r}"
        data = tensor.entry.get("data")
        for values in mappings(data if isinstance(data, list) else [data]):
            if str(values.get("unit")) in spelled_out:
                yield f"data of {tensor.name} are in {values['unit']!r}"


@rule(
    "tolerances are within what the format allows",
    "bioimageio",
    symptom="the description counts as invalid",
    fix=f"at most absolute_tolerance {_MAX_FRACTION:g} of the largest test output, "
    f"relative_tolerance {_MAX_RELATIVE:g}, mismatched_elements_per_million {_MAX_MISMATCHED}",
)
def _tolerances(package: Contents) -> Iterator[str]:
    for entry in _tolerance_entries(package):
        relative, most = (
            entry.get(key) or 0 for key in ("relative_tolerance", "mismatched_elements_per_million")
        )
        if _exceeds(relative, _MAX_RELATIVE):
            yield f"relative_tolerance {relative}"
        if _exceeds(most, _MAX_MISMATCHED):
            yield f"mismatched_elements_per_million {most}"
        absolute = entry.get("absolute_tolerance") or 0
        named = items(entry.get("output_ids"))
        for tensor in package.outputs:
            if not _exceeds(absolute, 0) or (named and tensor.entry.get("id") not in named):
                continue
            largest = float(np.max(package.test_array(tensor)))
            if _exceeds(absolute, _MAX_FRACTION * largest):
                yield f"absolute_tolerance {absolute}; largest value of {tensor.name} {largest:g}"


@rule(
    "no tolerance hides a later one",
    "bioimageio",
    symptom="the first entry that matches is used: the later one has no effect",
    fix="put the entries with output_ids or weights_formats first",
    advice=True,
)
def _reached_tolerances(package: Contents) -> Iterator[str]:
    entries = _tolerance_entries(package)
    for number, entry in enumerate(entries[:-1]):
        if not entry.get("output_ids") and not entry.get("weights_formats"):
            yield f"reproducibility_tolerance[{number}] matches everything"


@rule(
    "the documentation has a section on validation",
    "bioimageio",
    symptom="the format's validation warns",
    fix='add a heading "## Validation" and say how to check the model on new images',
    advice=True,
)
def _validation_section(package: Contents) -> Iterator[str]:
    if not _VALIDATION.search(package.documentation):
        yield "no heading names validation"


@rule(
    "the documentation names the largest image",
    "deepimagej",
    symptom="users of deepImageJ meet its endless loop beyond 50.3 million input values",
    fix="say how large an image may be; with 2 channels about 5000×5000",
    advice=True,
)
def _stated_limit(package: Contents) -> Iterator[str]:
    if not _LIMIT.search(package.documentation):
        yield "it does not"


@rule(
    "macros in the documentation use today's keys",
    "deepimagej",
    symptom="deepImageJ 3.1 does not run the macro",
    fix="write model_path=, input_path=, output_folder=, display_output=",
)
def _macro_keys(package: Contents) -> Iterator[str]:
    calls = _MACRO.findall(package.documentation)
    if not calls:
        raise NotApplicable("the documentation has no macro for deepImageJ")
    if old := sorted({key for call in calls for key in _OLD_KEYS.findall(call)}):
        yield f"it has {', '.join(old)}"


@rule(
    "the description has a timestamp",
    "bioimageio",
    symptom="bioimageio.spec writes the time of the day: no two builds are equal",
    fix="write timestamp: the date of the training",
    advice=True,
)
def _timestamp(package: Contents) -> Iterator[str]:
    if not package.description.get("timestamp"):
        yield "there is none"


@rule(
    "cover and documentation have checksums",
    "bioimageio",
    symptom="a changed cover or documentation goes unnoticed",
    fix=f"add a {CHECKSUMS_NAME} as sha256sum writes it",
    advice=True,
)
def _checksums(package: Contents) -> Iterator[str]:
    entries = [package.description.get("documentation"), *items(package.description.get("covers"))]
    path = package.file(CHECKSUMS_NAME)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path else []
    listed = {line.partition("  ")[2] for line in lines}
    for entry in entries:
        name = source_of(entry)
        hashed = isinstance(entry, Mapping) and entry.get("sha256")
        if name and package.file(name) and not hashed and name not in listed:
            yield f"{name} has none"


def _tolerance_entries(package: Contents) -> tuple[Mapping[str, Any], ...]:
    config = package.description.get("config")
    bioimageio = config.get("bioimageio") if isinstance(config, Mapping) else None
    entries = mappings(
        bioimageio.get("reproducibility_tolerance") if isinstance(bioimageio, Mapping) else None
    )
    if not entries:
        raise NotApplicable("the description states no tolerance")
    return entries


def _exceeds(value: Any, limit: float) -> bool:
    return isinstance(value, int | float) and value > limit


RULES = (
    _type,
    _version,
    _weights,
    _existing_files,
    _id,
    _plain_names,
    _local_files,
    _no_github,
    _name,
    _lower_case,
    _units,
    _tolerances,
    _reached_tolerances,
    _validation_section,
    _stated_limit,
    _macro_keys,
    _timestamp,
    _checksums,
)
