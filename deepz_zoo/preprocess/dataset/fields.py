"""All steps for one field of view, from its file to what the dataset stores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.preprocess.dataset.plan import FieldTask
from deepz_zoo.preprocess.dataset.stacks import Stack
from deepz_zoo.preprocess.dataset.storage import PreparedField
from deepz_zoo.preprocess.focus.projection import OWN_STEPS, AlignedStack, Steps, align_and_project
from deepz_zoo.preprocess.regions.cover import Corner
from deepz_zoo.preprocess.regions.cross_modality import cut_paired_regions, pair_stacks
from deepz_zoo.preprocess.regions.cut import cut_regions, find_foreground
from deepz_zoo.preprocess.regions.pairs import PAIR_DTYPE, draw_pairs
from deepz_zoo.records.dataset import FieldOfView, FieldRecord, Region, Rejection


def prepare_field(task: FieldTask, steps: Steps = OWN_STEPS) -> PreparedField:
    """Read a field of view, align it, cut it into regions and draw their pairs."""
    stack, target = task.read()
    if target is not None:
        return _prepare_paired(task, stack, target, steps)
    settings = task.plan.parameters
    aligned = align_and_project(stack.data, settings.align, min_px=settings.region_px, steps=steps)
    mask = find_foreground(aligned, settings)
    regions, rejected = cut_regions(
        aligned,
        mask,
        field_index=task.index,
        role=task.role,
        z_step_um=stack.z_step_um,
        settings=settings,
    )
    field = _describe(task, aligned, mask, stack, stack.z_step_um)
    return _finish(task, field, aligned, mask, regions, rejected)


def _prepare_paired(task: FieldTask, stack: Stack, target: Stack, steps: Steps) -> PreparedField:
    """Prepare a field of view whose targets are of another modality."""
    settings = task.plan.parameters
    aligned, other = (
        align_and_project(part.data, settings.align, min_px=settings.region_px, steps=steps)
        for part in (stack, target)
    )
    try:
        paired = pair_stacks(aligned, other, min_px=settings.region_px)
    except DeepZError as error:
        mask = find_foreground(aligned, settings)
        field = _describe(task, aligned, mask, stack, target.z_step_um)
        lost = Rejection(field_of_view=task.index, reason=str(error))
        return _finish(task, field, aligned, mask, [], [lost])
    mask = find_foreground(paired.field, settings)
    regions, rejected, targets = cut_paired_regions(
        paired,
        mask,
        field_index=task.index,
        role=task.role,
        z_step_um=stack.z_step_um,
        target_z_step_um=target.z_step_um,
        settings=settings,
    )
    field = _describe(task, paired.field, mask, stack, target.z_step_um)
    field = field.model_copy(update={"registration": paired.describe()})
    content = _finish(task, field, paired.field, mask, regions, rejected)
    content.overviews["target_edf"] = paired.target_edf
    content.targets.update(targets)
    return content


def _describe(
    task: FieldTask,
    aligned: AlignedStack,
    mask: NDArray[np.bool_],
    stack: Stack,
    target_z_step_um: float,
) -> FieldOfView:
    planes, rows, columns = aligned.stack.shape
    return FieldOfView(
        index=task.index,
        source=task.source,
        position=task.position,
        file=task.name,
        same_as=dict(task.plan.twins or ()).get(task.index),
        shape=(planes, rows, columns),
        pixel_size_um=stack.pixel_size_um,
        z_step_um=stack.z_step_um,
        target_z_step_um=target_z_step_um,
        origin_px=aligned.origin_px,
        shifts_px=tuple((float(y), float(x)) for y, x in aligned.shifts_px),
        angles_deg=tuple(aligned.angles_deg.tolist()),
        rejected_planes=aligned.rejected_planes,
        background=aligned.scale.background,
        scale=aligned.scale.scale,
        mask_fraction=float(mask.mean()),
    )


def _finish(
    task: FieldTask,
    field: FieldOfView,
    aligned: AlignedStack,
    mask: NDArray[np.bool_],
    regions: list[Region],
    rejected: list[Rejection],
) -> PreparedField:
    """Draw the pairs and assemble what is written."""
    if not regions and not rejected:
        rejected = [Rejection(field_of_view=task.index, reason="no signal above the background")]
    # Independent of the fields prepared before this one, and so of an interruption.
    generator = np.random.default_rng([task.plan.parameters.seed, task.index])
    pairs: list[NDArray[Any]] = [np.empty(0, dtype=PAIR_DTYPE)]
    for region in regions:
        count = task.plan.parameters.targets
        pairs.append(draw_pairs(region.index, region.z_um, region.target_z_um, count, generator))
    targets: dict[Corner, NDArray[Any]] = {}
    return PreparedField(
        record=FieldRecord(field=field, regions=tuple(regions), rejected=tuple(rejected)),
        pairs=np.concatenate(pairs),
        stack=aligned.stack,
        overviews={"edf": aligned.edf, "height": aligned.height, "mask": mask},
        targets=targets,
    )
