"""The plan of a preparation: its stacks, its settings, and the fields of view to prepare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import Record, sha256_of
from deepz_zoo.images import count_positions
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.preprocess.dataset.duplicates import Duplicates, Likeness
from deepz_zoo.preprocess.dataset.stacks import Stack, read_stack
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.dataset import (
    MIN_REGION_PX,
    TARGETS_CROSS_MODALITY,
    PreparationSettings,
    Role,
    Source,
    SourceFile,
    StackReading,
)

FIELDS_FOLDER = "fields"


@dataclass(frozen=True)
class StackFile:
    """A stack for the dataset: its file, its role, and the file of its targets.

    Without a `target`, its own planes are the targets.
    """

    path: Path
    role: Role = "training"
    target: Path | None = None


def list_stacks(
    stacks: Sequence[Path], test_stacks: Sequence[Path] = (), targets_from: Sequence[Path] = ()
) -> list[StackFile]:
    """Return the stacks with their roles and targets.

    Parameters
    ----------
    stacks
        Files of stacks.
    test_stacks
        Those of them that are kept for the test; files that are not in `stacks` follow after them.
    targets_from
        Files of targets in another modality, one per stack, in the same order; none for targets
        from the stacks themselves.

    Raises
    ------
    DeepZError
        If there are targets for only some of the stacks.
    """
    given, tested = ({path.resolve() for path in paths} for paths in (stacks, test_stacks))
    stacks = [*stacks, *(path for path in test_stacks if path.resolve() not in given)]
    if targets_from and len(targets_from) != len(stacks):
        raise DeepZError(
            f"{len(stacks)} stacks and {len(targets_from)} targets; give `targets_from` once per "
            "stack, in the order of the stacks"
        )
    return [
        StackFile(
            path,
            role="test" if path.resolve() in tested else "training",
            target=targets_from[index] if targets_from else None,
        )
        for index, path in enumerate(stacks)
    ]


def choose_preparation(changes: dict[str, Any], *, paired: bool) -> PreparationSettings:
    """Return the settings of a preparation with changes.

    Parameters
    ----------
    changes
        Fields of `PreparationSettings` that are not to have their default.
    paired
        Whether targets are of another modality, of which the paper takes fewer.

    Raises
    ------
    DeepZError
        If a value is out of its range, or the values do not go together.
    """
    targets = {"targets": TARGETS_CROSS_MODALITY} if paired else {}
    try:
        return PreparationSettings.model_validate(targets | changes)
    except ValidationError as error:
        raise _bad_setting(error) from None


def choose_reading(given: dict[str, Any], *, prefix: str = "") -> StackReading:
    """Return how files are read.

    Parameters
    ----------
    given
        Fields of `StackReading`.
    prefix
        What the names of the arguments begin with in errors.

    Raises
    ------
    DeepZError
        If a value is out of its range.
    """
    try:
        return StackReading.model_validate(given)
    except ValidationError as error:
        raise _bad_setting(error, prefix) from None


def _bad_setting(error: ValidationError, prefix: str = "") -> DeepZError:
    """Return the error for a setting that is out of its range, with the name of its argument."""
    first = error.errors()[0]
    if not first["loc"]:
        return DeepZError(first["msg"].removeprefix("Value error, "))
    message = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
    return DeepZError(f"`{prefix}{first['loc'][0]}` is {first['input']}: {message}")


class PreparationPlan(Record):
    """The settings and sources that determine a dataset; only the same plan resumes one.

    Attributes are those of `DatasetManifest`, and those that are found when its stacks are checked:

    Attributes
    ----------
    twins
        See `check_tasks`; None before it.
    """

    code_version: str = __version__
    system: ImagingSystem
    target_modality: str
    parameters: PreparationSettings
    reading: StackReading
    target_reading: StackReading | None
    sources: tuple[Source, ...]
    twins: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True)
class FieldTask:
    """A field of view to prepare.

    Attributes
    ----------
    index
        Its index in the dataset.
    source
        Index of its file among the plan's sources.
    position
        Index of the image in that file.
    """

    index: int
    source: int
    position: int
    file: StackFile
    plan: PreparationPlan

    @property
    def name(self) -> str:
        """Its file in the dataset."""
        return f"{FIELDS_FOLDER}/{self.index:04d}.h5"

    @property
    def role(self) -> Role:
        """Whether it is for training or for the test."""
        return self.file.role

    def read(self) -> tuple[Stack, Stack | None]:
        """Return its stack, and its targets of another modality if there are any."""
        plan, pixel_um = self.plan, self.plan.system.pixel_size_um
        image = self.position if plan.sources[self.source].positions > 1 else None
        stack = read_stack(self.file.path, image, plan.reading, pixel_um)
        if self.file.target is None or plan.target_reading is None:
            return stack, None
        return stack, read_stack(self.file.target, image, plan.target_reading, pixel_um)

    @property
    def label(self) -> str:
        """Its name in messages."""
        several = self.plan.sources[self.source].positions > 1
        return f"{self.file.path}, image {self.position + 1}" if several else str(self.file.path)

    def check(self) -> tuple[Stack, Stack | None]:
        """Read everything, and return what `read` does.

        Raises
        ------
        DeepZError
            When a file cannot be used.
        """
        side = self.plan.parameters.region_px
        stack, target = self.read()
        for part, path in ((stack, self.file.path), (target, self.file.target)):
            if part is None:
                continue
            rows, columns = part.data.shape[1:]
            if min(rows, columns) < side:
                fits = min(rows, columns) >= MIN_REGION_PX
                advice = "choose a smaller `region_px`" if fits else "it is too small to train on"
                raise DeepZError(
                    f"{path}: the field of view is {rows} × {columns} px, a region is {side} × "
                    f"{side} px; {advice}"
                )
            if part.data.min() == part.data.max():
                raise DeepZError(
                    f"{path}: all pixels of the stack are {part.data.flat[0]:g}; expected an image "
                    "of a specimen"
                )
        return stack, target


def list_tasks(files: Sequence[StackFile], plan: PreparationPlan) -> Iterator[FieldTask]:
    """Yield the fields of view: every image of every file."""
    index = 0
    for number, (file, source) in enumerate(zip(files, plan.sources, strict=True)):
        for position in range(source.positions):
            yield FieldTask(index, number, position, file, plan)
            index += 1


def describe_sources(
    files: Sequence[StackFile], progress: Progress = no_progress
) -> tuple[Source, ...]:
    """Return names, hashes and numbers of images.

    Raises
    ------
    DeepZError
        When a file is missing, is not an image, holds another number of images than its targets,
        or has the same content as another one.
    """
    sources: list[Source] = []
    first: dict[str, Path] = {}
    for done, file in enumerate(files):
        progress("reading", done, len(files))
        source = _describe(file)
        if earlier := first.get(source.file.sha256):
            raise DeepZError(
                f"{file.path} has the same content as {earlier}; give every stack once, for "
                "training or for the test"
            )
        first[source.file.sha256] = file.path
        sources.append(source)
    progress("reading", len(files), len(files))
    return tuple(sources)


def check_tasks(
    tasks: Sequence[FieldTask], progress: Progress = no_progress
) -> tuple[tuple[int, int], ...]:
    """Read every field of view before the work begins, and find those that show one specimen.

    Returns
    -------
    tuple of tuple of int
        Index of each field that shows the same specimen as an earlier one, in other units or with
        other noise, and the index of the first such field. They must come into the same split.

    Raises
    ------
    DeepZError
        When one cannot be used, or has the same values as another one in whatever type, as happens
        with files that each list all positions of an acquisition; when one of two that show the
        same specimen is for training and the other for the test; when two have the same targets.
    """
    stacks, targets = Duplicates(), Duplicates()
    twins: dict[int, int] = {}
    for done, task in enumerate(tasks):
        progress("checking", done, len(tasks))
        stack, target = task.check()
        found = stacks.find(task.index, stack.data)
        if found is not None:
            _refuse_duplicate(task, tasks[found.index], found)
            twins[task.index] = twins.get(found.index, found.index)
        found = None if target is None else targets.find(task.index, target.data)
        if found is not None and found.same_values:
            raise DeepZError(
                f"the target of {task.label} has the same pixels as that of "
                f"{tasks[found.index].label}; give to each stack the target of its own field of "
                "view"
            )
    progress("checking", len(tasks), len(tasks))
    return tuple(twins.items())


def _refuse_duplicate(task: FieldTask, earlier: FieldTask, found: Likeness) -> None:
    """Raise unless two stacks that show the same may be in one dataset."""
    if found.same_values:
        likeness = "has the same pixels as"
    elif task.role != earlier.role:
        likeness = "shows the same field of view, in other units or with other noise, as"
    else:
        return
    raise DeepZError(
        f"{task.label} {likeness} {earlier.label}; give every stack once, for training or for the "
        "test"
    )


def _describe(file: StackFile) -> Source:
    positions = count_positions(file.path)
    if file.target is not None and (found := count_positions(file.target)) != positions:
        raise DeepZError(
            f"{file.target} holds {found} images, {file.path} {positions}; expected one target per "
            "image"
        )
    return Source(
        file=_hashed(file.path),
        role=file.role,
        positions=positions,
        target=None if file.target is None else _hashed(file.target),
    )


def _hashed(path: Path) -> SourceFile:
    return SourceFile(name=path.name, sha256=sha256_of(path))
