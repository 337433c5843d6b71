"""From z-stacks to a dataset: every step of the paper's Methods, field of view by field of view."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.preprocess.dataset.fields import prepare_field
from deepz_zoo.preprocess.dataset.plan import (
    FIELDS_FOLDER,
    PreparationPlan,
    Progress,
    StackFile,
    check_jobs,
    describe_sources,
    list_jobs,
)
from deepz_zoo.preprocess.dataset.storage import (
    MANIFEST_NAME,
    PreparedDataset,
    open_dataset,
    read_record,
    write_field,
    write_manifest,
)
from deepz_zoo.preprocess.focus.projection import OWN_STEPS, Steps, project_by
from deepz_zoo.preprocess.regions.split import Window, divide_regions
from deepz_zoo.records.dataset import (
    SAME_MODALITY,
    SPLITS,
    DatasetManifest,
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
    progress: Progress = lambda what, done, total: None,
) -> PreparedDataset:
    """Prepare training pairs from z-stacks.

    Each stack is aligned, projected, normalized, covered with regions and written; the folder takes
    its name when all are. Until then it is called like `output` with ``.part`` added, and a
    preparation that was interrupted goes on there, after the last field of view that it finished.

    Parameters
    ----------
    files
        The stacks. Where one has targets of another modality all have.
    output
        Folder to write.
    system
        Objective, channel and sampling that the dataset is for.
    settings
        What decides how stacks become pairs.
    reading, target_reading
        How the files are to be understood.
    target_modality
        Name of the other modality.
    steps
        What aligns and projects; to be given where `settings` say that Fiji does.
    overwrite
        Whether to replace a finished dataset, and to discard an unfinished one of other settings.
    progress
        Called with every step.

    Raises
    ------
    DeepZError
        When a file is of no use, the folder holds something else, no region has signal, or the
        steps of Fiji are not given.
    """
    if "fiji" in (settings.align, settings.edf) and steps == OWN_STEPS:
        raise DeepZError("the settings leave steps to Fiji; pass the steps that it takes")
    if steps == OWN_STEPS:
        steps = Steps(project=project_by(settings.edf))
    paired = any(file.target for file in files)
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
    _check_unfinished(part, plan, overwrite)
    jobs = list(list_jobs(files, plan))
    if not part.exists():  # otherwise they were checked when it was begun
        check_jobs(jobs, progress)
    _start(part, plan)
    for done, job in enumerate(jobs):
        progress("preparing", done, len(jobs))
        if not (part / job.name).exists():
            write_field(part / job.name, prepare_field(job, steps))
    progress("preparing", len(jobs), len(jobs))
    _complete(part, plan, [read_record(part / job.name) for job in jobs])
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
        raise DeepZError(f"{output} exists and is no prepared dataset; choose another --output")
    if output.exists() and not overwrite:
        raise DeepZError(f"{output} exists; add --overwrite or choose another --output")


def _check_unfinished(part: Path, plan: PreparationPlan, overwrite: bool) -> None:
    """Refuse to go on with a preparation of other settings; discard it where that is wanted."""
    if not part.exists():
        return
    described = part / PLAN_NAME
    if not described.is_file():
        raise DeepZError(f"{part} is no unfinished preparation; move it away")
    try:
        same = PreparationPlan.model_validate_json(described.read_text(encoding="utf-8")) == plan
    except ValidationError:
        same = False
    if same:
        return
    if not overwrite:
        raise DeepZError(
            f"{part} holds an unfinished preparation of other stacks or settings; repeat its "
            "command, discard it with --overwrite, or choose another --output"
        )
    shutil.rmtree(part)


def _start(part: Path, plan: PreparationPlan) -> None:
    (part / FIELDS_FOLDER).mkdir(parents=True, exist_ok=True)
    with replacing(part / PLAN_NAME) as temporary:
        temporary.write_text(plan.model_dump_json(indent=1), encoding="utf-8")


def _move(part: Path, output: Path) -> None:
    """Give a complete dataset its name; one that it replaces is deleted last."""
    (part / PLAN_NAME).unlink()
    for left_over in (part / FIELDS_FOLDER).glob(".*.part"):
        left_over.unlink()  # of a process that was killed
    old = output.with_name(f"{output.name}.old")
    if output.exists():
        output.rename(old)
    part.rename(output)
    shutil.rmtree(old, ignore_errors=True)


# ------------------------------------------------------------------------------------ completion


def _complete(
    part: Path, plan: PreparationPlan, records: Sequence[tuple[FieldRecord, NDArray[Any]]]
) -> None:
    """Give every region its number and its split, and write pairs and manifest."""
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
    regions, table, leaking = _divide(regions, table, plan.parameters)
    splits = np.array([region.split for region in regions])[table["region"]]
    manifest = DatasetManifest(
        code_version=plan.code_version,
        system=plan.system,
        target_modality=plan.target_modality,
        parameters=plan.parameters,
        reading=plan.reading,
        target_reading=plan.target_reading,
        sources=plan.sources,
        fields=tuple(record.field for record, _ in records),
        regions=tuple(regions),
        rejected=(*rejected, *leaking),
        pair_counts={split: int(np.sum(splits == split)) for split in SPLITS},
    )
    write_manifest(part, manifest, table)


def _divide(
    regions: Sequence[Region], table: NDArray[Any], settings: PreparationSettings
) -> tuple[list[Region], NDArray[Any], list[Rejection]]:
    """Set the split of every region; leave out those that overlap validation, and their pairs."""
    ours = [region for region in regions if region.split != "test"]
    windows = [Window(r.field_of_view, r.y_px, r.x_px, r.size_px) for r in ours]
    division = divide_regions(windows, settings.validation_share, settings.seed)
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
