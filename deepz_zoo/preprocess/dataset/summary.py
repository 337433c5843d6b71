"""Summary of a prepared dataset: counts, what was left out, and warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from deepz_zoo.files import Record
from deepz_zoo.preprocess.dataset.storage import PreparedDataset
from deepz_zoo.records.dataset import DatasetManifest, Split


class DatasetSummary(Record):
    """Counts of a prepared dataset.

    Attributes
    ----------
    dataset
        Its folder.
    system, target_modality
        As in its manifest.
    fields, regions, pairs
        Number of them in each split; a field is in each split that one of its regions is in.
    left_out
        Regions and fields without pairs, by reason.
    clipped
        Regions with fewer planes, since their stack ends within the range.
    rejected_planes
        Planes whose alignment was rejected, from 1, by field.
    warnings
        One line each; arguments are in backticks.
    """

    dataset: str
    system: str
    target_modality: str
    fields: dict[Split, int]
    regions: dict[Split, int]
    pairs: dict[Split, int]
    left_out: dict[str, int]
    clipped: int
    rejected_planes: dict[str, tuple[int, ...]]
    warnings: tuple[str, ...]


def summarize(dataset: PreparedDataset) -> DatasetSummary:
    """Count what a dataset holds."""
    manifest, regions = dataset.manifest, dataset.regions
    splits = tuple(manifest.pair_counts)
    return DatasetSummary(
        dataset=str(dataset.path),
        system=manifest.system.name,
        target_modality=manifest.target_modality,
        fields={
            split: len({region.field_of_view for region in regions if region.split == split})
            for split in splits
        },
        regions={split: sum(region.split == split for region in regions) for split in splits},
        pairs=dict(manifest.pair_counts),
        # After the colon a reason gives the numbers of one region.
        left_out=dict(Counter(lost.reason.partition(":")[0] for lost in manifest.rejected)),
        clipped=sum(region.clipped for region in regions),
        rejected_planes={
            f"field {field.index}": tuple(plane + 1 for plane in field.rejected_planes)
            for field in manifest.fields
            if field.rejected_planes
        },
        warnings=tuple(_warnings(manifest)),
    )


def _warnings(manifest: DatasetManifest) -> Iterator[str]:
    if not manifest.pair_counts["training"]:
        yield "there are no pairs for training; give stacks that are not for the test"
    elif not manifest.pair_counts["validation"]:
        yield (
            "there are no pairs for validation, since all regions overlap or there is only one; "
            "give more stacks or a smaller `region_px`"
        )
    for field in manifest.fields:
        if field.same_as is not None:
            yield (
                f"{_name(manifest, field.index)} shows the same field of view as "
                f"{_name(manifest, field.same_as)}, in other units or with other noise; both are "
                "in the same split"
            )
    step_um, system = manifest.z_step_um, manifest.system
    half_range_um = manifest.parameters.planes_each_side * step_um
    if abs(half_range_um - system.z_range_um) > step_um:
        yield (
            f"regions extend {half_range_um:g} µm above and below their middle plane, but the "
            f"range of {system.name} is {system.z_range_um:g} µm "
            f"(`planes_each_side` {round(system.z_range_um / step_um)})"
        )


def _name(manifest: DatasetManifest, index: int) -> str:
    """Return the file of a field of view, and the number of its image if there are several."""
    field = manifest.fields[index]
    source = manifest.sources[field.source]
    several = source.positions > 1
    return f"{source.file.name}, image {field.position + 1}" if several else source.file.name
