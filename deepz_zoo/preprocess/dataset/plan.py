"""What goes into a dataset, and what decides how it comes out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import Record, sha256_of
from deepz_zoo.images import count_positions
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.preprocess.dataset.stacks import Stack, read_stack
from deepz_zoo.records.dataset import (
    SMALLEST_REGION_PX,
    PreparationSettings,
    Role,
    Source,
    SourceFile,
    StackReading,
)

Progress = Callable[[str, int, int], None]
"""Receives what is being done, how many steps of it are done, and how many there are."""

FIELDS_FOLDER = "fields"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class StackFile:
    """A stack for the dataset: its file, what it is for, and the file of its targets.

    A file without a `target` has its targets in itself.
    """

    path: Path
    role: Role = "training"
    target: Path | None = None


class PreparationPlan(Record):
    """What decides the content of a dataset; an interrupted preparation goes on with the same.

    Attributes are those of `DatasetManifest`.
    """

    code_version: str = __version__
    system: ImagingSystem
    target_modality: str
    parameters: PreparationSettings
    reading: StackReading
    target_reading: StackReading | None
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Job:
    """A field of view that is to be prepared.

    Attributes
    ----------
    index
        Its place in the dataset.
    source
        Which file of the plan's sources.
    position
        Which image of that file, from 0.
    """

    index: int
    source: int
    position: int
    file: StackFile
    plan: PreparationPlan

    @property
    def name(self) -> str:
        """Where the dataset keeps it."""
        return f"{FIELDS_FOLDER}/{self.index:04d}.h5"

    @property
    def role(self) -> Role:
        """What it is for."""
        return self.file.role

    def read(self) -> tuple[Stack, Stack | None]:
        """Return its stack, and that of another modality where there is one."""
        plan, pixel_um = self.plan, self.plan.system.pixel_size_um
        image = self.position if plan.sources[self.source].positions > 1 else None
        stack = read_stack(self.file.path, image, plan.reading, pixel_um)
        if self.file.target is None or plan.target_reading is None:
            return stack, None
        return stack, read_stack(self.file.target, image, plan.target_reading, pixel_um)

    @property
    def label(self) -> str:
        """How a message names it."""
        several = self.plan.sources[self.source].positions > 1
        return f"{self.file.path}, image {self.position + 1}" if several else str(self.file.path)

    def check(self) -> str:
        """Read everything, and return the SHA-256 of the stack's pixels.

        Raises
        ------
        DeepZError
            When a file is of no use.
        """
        side = self.plan.parameters.region_px
        stack, target = self.read()
        for part, path in ((stack, self.file.path), (target, self.file.target)):
            if part is not None and min(part.data.shape[1:]) < side:
                rows, columns = part.data.shape[1:]
                fits = min(rows, columns) >= SMALLEST_REGION_PX
                advice = "give a smaller --region" if fits else "it is too small to train on"
                raise DeepZError(
                    f"{path}: the field of view has {rows} × {columns} px, a region {side} × "
                    f"{side}; {advice}"
                )
        return hashlib.sha256(stack.data.tobytes()).hexdigest()


def list_jobs(files: Sequence[StackFile], plan: PreparationPlan) -> Iterator[Job]:
    """Yield the fields of view: every image of every file."""
    index = 0
    for number, (file, source) in enumerate(zip(files, plan.sources, strict=True)):
        for position in range(source.positions):
            yield Job(index, number, position, file, plan)
            index += 1


def describe_sources(files: Sequence[StackFile], progress: Progress) -> tuple[Source, ...]:
    """Return names, hashes and numbers of images.

    Raises
    ------
    DeepZError
        When a file is missing, is no image, has another number of images than its targets, or has
        the same content as another one.
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


def check_jobs(jobs: Sequence[Job], progress: Progress) -> None:
    """Read every field of view before the work begins.

    Raises
    ------
    DeepZError
        When one is of no use, or shows the same pixels as another one, as files do that each list
        all positions of an acquisition: it would be in training and validation, or in the test.
    """
    first: dict[str, str] = {}
    for done, job in enumerate(jobs):
        progress("checking", done, len(jobs))
        pixels = job.check()
        if earlier := first.get(pixels):
            raise DeepZError(
                f"{job.label} shows the same pixels as {earlier}; give every stack once, for "
                "training or for the test"
            )
        first[pixels] = job.label


def _describe(file: StackFile) -> Source:
    positions = count_positions(file.path)
    if file.target is not None and (found := count_positions(file.target)) != positions:
        raise DeepZError(
            f"{file.target} holds {found} images, {file.path} {positions}; expected one target for "
            "each"
        )
    return Source(
        file=_hashed(file.path),
        role=file.role,
        positions=positions,
        target=None if file.target is None else _hashed(file.target),
    )


def _hashed(path: Path) -> SourceFile:
    return SourceFile(name=path.name, sha256=sha256_of(path))
