"""From z-stacks to a dataset, field of view by field of view, by the steps of the Methods."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.disk import is_disk_full
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import read_record, remove, temporary_name, write_record
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.preprocess.dataset.fields import prepare_field
from deepz_zoo.preprocess.dataset.plan import (
    FIELDS_FOLDER,
    PreparationPlan,
    StackFile,
    check_tasks,
    describe_sources,
    list_tasks,
)
from deepz_zoo.preprocess.dataset.storage import (
    MANIFEST_NAME,
    PreparedDataset,
    is_complete_field,
    open_dataset,
    read_field_record,
    write_field,
    write_pairs_and_manifest,
)
from deepz_zoo.preprocess.focus.projection import OWN_STEPS, Steps, project_by
from deepz_zoo.preprocess.regions.split import Window, divide_regions
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.dataset import (
    SAME_MODALITY,
    SPLITS,
    DatasetManifest,
    FieldOfView,
    FieldRecord,
    PreparationSettings,
    Region,
    Rejection,
    StackReading,
)

PLAN_NAME = "plan.json"


def prepare_dataset(
    files: Sequence[StackFile],
    output: Path,
    system: ImagingSystem,
    settings: PreparationSettings,
    *,
    reading: StackReading | None = None,
    target_reading: StackReading | None = None,
    target_modality: str = "other",
    steps: Steps = OWN_STEPS,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> PreparedDataset:
    """Prepare training pairs from z-stacks.

    Each stack is aligned, projected, normalized, covered with regions and written. Until all are,
    the folder has the name of `output` with ``.part`` added. An interrupted preparation is resumed
    there, after the last complete field of view.

    Parameters
    ----------
    files
        The stacks. If one has targets of another modality, all have.
    output
        Folder to write.
    system
        Objective, channel and sampling of the dataset.
    settings
        Settings by which stacks become pairs.
    reading, target_reading
        What the user says of the files.
    target_modality
        Name of the other modality.
    steps
        Functions that align and project; required where `settings` name Fiji.
    overwrite
        Whether to replace a complete dataset, and to discard an unfinished one of other settings.
    progress
        Called with each step.

    Raises
    ------
    DeepZError
        When a file cannot be used, the folder holds something else, no region has signal, or the
        steps of Fiji are not given.
    """
    if "fiji" in (settings.align, settings.edf) and steps == OWN_STEPS:
        raise DeepZError("the settings name Fiji; pass the `steps` that run there")
    if steps == OWN_STEPS:
        steps = Steps(project=project_by(settings.edf))
    paired = any(file.target for file in files)
    if paired and target_modality.strip() in {"", SAME_MODALITY}:
        raise DeepZError(
            f"`target_modality` is {target_modality!r}; expected a name such as confocal"
        )
    part = output.with_name(f"{output.name}.part")
    _check_output(output, overwrite)
    plan = PreparationPlan(
        system=system,
        target_modality=target_modality if paired else SAME_MODALITY,
        parameters=settings,
        reading=reading or StackReading(),
        target_reading=(target_reading or StackReading()) if paired else None,
        sources=describe_sources(files, progress),
    )
    unfinished = _read_unfinished(part, plan, overwrite)
    if unfinished is None:  # otherwise they were checked when it was begun
        twins = check_tasks(list(list_tasks(files, plan)), progress)
        unfinished = plan.model_copy(update={"twins": twins})
    tasks = list(list_tasks(files, unfinished))
    with _kept_if_resumable(part):
        _start(part, unfinished)
        for done, task in enumerate(tasks):
            progress("preparing", done, len(tasks))
            if not is_complete_field(part / task.name):
                write_field(part / task.name, prepare_field(task, steps))
        progress("preparing", len(tasks), len(tasks))
        _complete(part, unfinished, [read_field_record(part / task.name) for task in tasks])
        _move(part, output)
    return open_dataset(output)


# ----------------------------------------------------------------------------------- the folder


def _check_output(output: Path, overwrite: bool) -> None:
    """Refuse a folder that must not be replaced, before any work is done."""
    if not output.absolute().parent.is_dir():
        raise DeepZError(f"cannot write {output}: the folder {output.parent} does not exist")
    if output.is_dir() and not any(output.iterdir()):
        return
    if output.exists() and not (output / MANIFEST_NAME).is_file():
        raise DeepZError(f"{output} exists and is not a prepared dataset; choose another `output`")
    if output.exists() and not overwrite:
        raise DeepZError(f"{output} exists; choose another `output` or set `overwrite`")


def _read_unfinished(part: Path, plan: PreparationPlan, overwrite: bool) -> PreparationPlan | None:
    """Return the plan of an unfinished preparation to resume, or None if there is none.

    Refuses one of other settings; discards it with `overwrite`.
    """
    if not part.exists():
        return None
    described = part / PLAN_NAME
    if not described.is_file():
        if _is_empty(part):  # killed before its plan was written
            return None
        raise DeepZError(f"{part} is not an unfinished preparation; move it away")
    try:
        stored = read_record(described, PreparationPlan)
        if stored.model_copy(update={"twins": plan.twins}) == plan:
            return stored
    except DeepZError:
        pass
    if not overwrite:
        raise DeepZError(
            f"{part} holds an unfinished preparation of other stacks or settings; repeat its "
            "command, choose another `output`, or set `overwrite` to discard it"
        )
    shutil.rmtree(part)
    return None


def _is_empty(part: Path) -> bool:
    """Tell whether a folder holds nothing but what `_start` makes before the plan."""
    return part.is_dir() and all(
        path == part / FIELDS_FOLDER or path.name.startswith(f".{PLAN_NAME}.")
        for path in part.rglob("*")
    )


@contextmanager
def _kept_if_resumable(part: Path) -> Iterator[None]:
    """Delete an unfinished preparation that fails before its first field of view is complete.

    Raises
    ------
    DeepZError
        In place of a full disk or a lack of memory, and of another one if fields are complete: with
        the line that the preparation can be resumed.
    """
    try:
        yield
    except BaseException as error:
        resumable = any((part / FIELDS_FOLDER).glob("*.h5"))
        if not resumable:
            shutil.rmtree(part, ignore_errors=True)
        reason = _reason(error, part)
        if reason is None:
            raise
        kept = f"; what is done is kept in {part}: repeat the command to go on"
        raise DeepZError(reason + (kept if resumable else "")) from error


def _reason(error: BaseException, part: Path) -> str | None:
    """Return the line for an error that is not a fault of the program, or None."""
    if is_disk_full(error):
        return f"the disk of {part.parent.absolute()} is full; free some space"
    if isinstance(error, MemoryError):
        return f"there is not enough memory ({error or 'allocation failed'}); close other programs"
    return str(error) if isinstance(error, DeepZError) else None


def _start(part: Path, plan: PreparationPlan) -> None:
    (part / FIELDS_FOLDER).mkdir(parents=True, exist_ok=True)
    write_record(part / PLAN_NAME, plan)


def _move(part: Path, output: Path) -> None:
    """Give a complete dataset its name, and then delete the one that it replaces."""
    for left_over in (part / FIELDS_FOLDER).glob(".*.part"):
        left_over.unlink()  # by a killed process
    old = temporary_name(output)
    if output.exists():
        output.rename(old)
    part.rename(output)
    # The last step: until then a preparation that is killed is resumed.
    (output / PLAN_NAME).unlink()
    remove(old)


# ------------------------------------------------------------------------------------ completion


def _complete(
    part: Path, plan: PreparationPlan, records: Sequence[tuple[FieldRecord, NDArray[Any]]]
) -> None:
    """Give numbers to the regions, set the split of each, and write pairs and manifest."""
    if not any(record.regions for record, _ in records):
        shutil.rmtree(part)
        first = next(rejection for record, _ in records for rejection in record.rejected)
        raise DeepZError(
            f"none of the {len(records)} fields of view gives a region (the first: "
            f"{first.reason}); check channel and stacks"
        )
    regions: list[Region] = []
    tables: list[NDArray[Any]] = []
    for record, pairs in records:
        pairs["region"] += len(regions)
        tables.append(pairs)
        regions += [
            region.model_copy(update={"index": len(regions) + region.index})
            for region in record.regions
        ]
    rejected = [rejection for record, _ in records for rejection in record.rejected]
    table = np.concatenate(tables)
    fields = tuple(record.field for record, _ in records)
    regions, table, leaking = _divide(fields, regions, table, plan.parameters)
    splits = np.array([region.split for region in regions])[table["region"]]
    manifest = DatasetManifest(
        code_version=plan.code_version,
        system=plan.system,
        target_modality=plan.target_modality,
        parameters=plan.parameters,
        reading=plan.reading,
        target_reading=plan.target_reading,
        sources=plan.sources,
        fields=fields,
        regions=tuple(regions),
        rejected=(*rejected, *leaking),
        pair_counts={split: int(np.sum(splits == split)) for split in SPLITS},
    )
    write_pairs_and_manifest(part, manifest, table)


def _divide(
    fields: Sequence[FieldOfView],
    regions: Sequence[Region],
    table: NDArray[Any],
    settings: PreparationSettings,
) -> tuple[list[Region], NDArray[Any], list[Rejection]]:
    """Set the split of each region; leave out those that overlap validation, and their pairs."""
    ours = [region for region in regions if region.split != "test"]
    windows = [_window(region, fields[region.field_of_view]) for region in ours]
    division = divide_regions(windows, settings.validation_fraction, settings.seed)
    validation = {ours[i].index for i in division.validation}
    dropped = {ours[i].index for i in division.dropped}
    kept = [region for region in regions if region.index not in dropped]
    places = {region.index: place for place, region in enumerate(kept)}
    divided = [
        region.model_copy(
            update={
                "index": places[region.index],
                "split": "validation" if region.index in validation else region.split,
            }
        )
        for region in kept
    ]
    table = table[~np.isin(table["region"], list(dropped))]
    table["region"] = [places[region] for region in table["region"].tolist()]
    leaking = [
        Rejection(
            field_of_view=region.field_of_view,
            y_px=region.y_px,
            x_px=region.x_px,
            reason="overlaps a region for validation",
        )
        for region in regions
        if region.index in dropped
    ]
    return divided, table, leaking


def _window(region: Region, field: FieldOfView) -> Window:
    """Return the place of a region in its specimen: fields that show the same one are one field."""
    specimen = field.index if field.same_as is None else field.same_as
    y_px, x_px = field.origin_px
    return Window(specimen, y_px + region.y_px, x_px + region.x_px, region.size_px)
