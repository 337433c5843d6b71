"""The record of a prepared dataset: settings, sources, fields of view and regions.

Some fields had other names in older datasets, which still load.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, model_validator

from deepz_zoo.files import Record
from deepz_zoo.images.sampling import Mismatch
from deepz_zoo.optics import ImagingSystem

FORMAT_VERSION = 1

Split = Literal["training", "validation", "test"]
SPLITS: tuple[Split, ...] = ("training", "validation", "test")
Role = Literal["training", "test"]
Align = Literal["stackreg", "fiji", "none"]
Edf = Literal["wavelets", "plugin-exact", "fiji"]

MIN_REGION_PX = 32
"""The smallest patch that a network is trained on."""

MIN_PLANES = 5
"""A shorter stack, or a shorter range of planes, gives too few pairs to train on."""

MASK_LOW, MASK_HIGH = 0.1, 0.3
"""Thresholds of the foreground mask; the paper does not give its own."""

MAX_THRESHOLD = 1000.0
"""In units of the intensity scale, which 1 % of the foreground exceeds."""

TARGETS_SAME_MODALITY = 7
TARGETS_CROSS_MODALITY = 4

SAME_MODALITY = "same"
"""Target modality of pairs whose two planes come from one stack."""


MIN_LENGTH_UM, MAX_LENGTH_UM = 1e-4, 1000.0
"""No microscope has pixels or steps between planes outside of this range."""

MAX_PLANES = 10_000
MAX_SEED = 2**63 - 1


class PreparationSettings(Record):
    """The settings by which stacks become pairs.

    Attributes
    ----------
    align
        How planes are aligned: by StackReg in Python, by the plugin in Fiji, or not at all.
    edf
        How the extended-depth-of-field image is made: by complex wavelets, by the same with the
        fault of the plugin (see `extended_depth_of_field`), or by the plugin in Fiji.
    region_px
        Side of a region.
    overlap
        Fraction of their area that neighboring regions have in common.
    mask_low, mask_high
        Thresholds of the foreground mask on the normalized extended-depth-of-field image, see
        `foreground_mask`.
    planes_each_side
        Planes above and below a region's middle plane.
    targets
        Targets per input plane. The paper takes 5 to 10 "depending on the size of the data
        set"; 7 give 287 pairs from 41 planes. From another modality it takes four.
    validation_fraction
        Fraction of the training stacks' regions that is kept for validation.
    seed
        Seed of the targets and of the split.
    """

    align: Align = "stackreg"
    edf: Edf = "wavelets"
    region_px: int = Field(default=256, ge=MIN_REGION_PX)
    overlap: float = Field(default=0.05, ge=0, lt=0.5)
    mask_low: float = Field(default=MASK_LOW, gt=0, le=MAX_THRESHOLD)
    mask_high: float = Field(default=MASK_HIGH, gt=0, le=MAX_THRESHOLD)
    planes_each_side: int = Field(default=20, ge=2, le=MAX_PLANES)
    targets: int = Field(default=TARGETS_SAME_MODALITY, ge=1, le=MAX_PLANES)
    validation_fraction: float = Field(
        default=0.15,
        gt=0,
        lt=1,
        validation_alias=AliasChoices("validation_fraction", "validation_share"),
    )
    seed: int = Field(default=0, ge=0, le=MAX_SEED)

    @model_validator(mode="after")
    def _check_thresholds(self) -> PreparationSettings:
        if self.mask_low > self.mask_high:
            raise ValueError(f"`mask_low` {self.mask_low} is above `mask_high` {self.mask_high}")
        return self


class StackReading(Record):
    """What the user says of stack files whose metadata are missing or wrong.

    Attributes
    ----------
    axes
        Names of the axes, such as ``"zyx"``.
    input_channel
        Channel to take: a name or a number from 1, see `select_channel`; an integer is a number
        whatever the names are. Needed where there are several.
    pixel_size_um, z_step_um
        Sampling.
    mismatch
        What to do where the pixel size is not the system's, see `find_sampling`.
    """

    axes: str | None = None
    input_channel: str | Annotated[int, Field(ge=1)] | None = Field(
        default=None, validation_alias=AliasChoices("input_channel", "channel_index")
    )
    pixel_size_um: float | None = Field(default=None, ge=MIN_LENGTH_UM, le=MAX_LENGTH_UM)
    z_step_um: float | None = Field(default=None, ge=MIN_LENGTH_UM, le=MAX_LENGTH_UM)
    mismatch: Mismatch = "refuse"


class SourceFile(Record):
    """A source file: its name without folder, and its SHA-256."""

    name: str
    sha256: str


class Source(Record):
    """A stack file, its role, and the file of its targets in another modality."""

    file: SourceFile
    role: Role
    positions: int
    target: SourceFile | None = None


class FieldOfView(Record):
    """One stack of a dataset, with what its preparation measured.

    Attributes
    ----------
    index
        Place among the dataset's fields.
    source, position
        Which file of `DatasetManifest.sources`, and which image in it, both from 0.
    file
        Where the dataset keeps it, relative to the dataset.
    same_as
        Index of an earlier field that shows the same specimen, in other units or with other noise;
        both are in one split. None for any other field.
    shape
        (planes, rows, columns) as stored.
    pixel_size_um, z_step_um
        Sampling as stored; the planes are in order of increasing stage z.
    target_z_step_um
        Distance between the target's planes; equal to `z_step_um` for pairs of one stack.
    origin_px
        (y, x) of the first stored pixel in the aligned stack, whose borders are cut.
    shifts_px, angles_deg
        (y, x) shift and rotation that aligned each plane.
    rejected_planes
        Planes whose alignment was rejected as a jump.
    background, scale
        Intensity scale by the extended-depth-of-field image, in grey levels.
    mask_fraction
        Fraction of the field that is foreground.
    registration
        How a target of another modality was registered, in words; empty without such a target.
    """

    index: int
    source: int
    position: int
    file: str
    same_as: int | None = None
    shape: tuple[int, int, int]
    pixel_size_um: float
    z_step_um: float
    target_z_step_um: float
    origin_px: tuple[int, int]
    shifts_px: tuple[tuple[float, float], ...]
    angles_deg: tuple[float, ...]
    rejected_planes: tuple[int, ...]
    background: float
    scale: float
    mask_fraction: float = Field(validation_alias=AliasChoices("mask_fraction", "mask_share"))
    registration: str = ""


class Region(Record):
    """A square window of a field of view over a range of its planes.

    Attributes
    ----------
    index
        Place among the dataset's regions.
    field_of_view
        Index of its field.
    y_px, x_px, size_px
        First row and column in the field as stored, and the side.
    split
        Training, validation or test.
    first_plane
        Plane of the field's stack that is plane 0 of the region.
    z_um
        Stage position of each plane relative to the middle plane (to the axial zero where the
        target is of another modality), ascending.
    target_z_um
        The same for the planes that can be a target; `z_um` itself for pairs of one stack.
    stack_scale, target_scale
        (background, scale) of the stack and of its targets by their extended-depth-of-field images,
        in grey levels.
    single_image_scale
        (background, scale) of each input plane by itself, as a single image is normalized.
    focus_curve, target_focus_curve
        Sharpness of each plane: standard deviation in grey levels for pairs of one stack, SSIM
        with the extended-depth-of-field image for two modalities.
    axial_zero_um
        Where z = 0 lies in the field's stack and in its target's, from the first plane of each.
    fine_shift_px
        (y, x) by which the target was moved onto this region, after its registration to the whole
        field; None for pairs of one stack.
    clipped
        Whether the stack ends within the range of planes.
    """

    index: int
    field_of_view: int
    y_px: int
    x_px: int
    size_px: int
    split: Split
    first_plane: int
    z_um: tuple[float, ...]
    target_z_um: tuple[float, ...]
    stack_scale: tuple[float, float]
    target_scale: tuple[float, float]
    single_image_scale: tuple[tuple[float, float], ...] = Field(
        validation_alias=AliasChoices("single_image_scale", "lone_scale")
    )
    focus_curve: tuple[float, ...]
    target_focus_curve: tuple[float, ...]
    axial_zero_um: tuple[float, float]
    fine_shift_px: tuple[float, float] | None = None
    clipped: bool = False


class Rejection(Record):
    """A region that gives no pairs, and why; `y_px` and `x_px` are None for a whole field."""

    field_of_view: int
    y_px: int | None = None
    x_px: int | None = None
    reason: str


class DatasetManifest(Record):
    """The record of a whole dataset.

    Attributes
    ----------
    target_modality
        ``"same"`` where inputs and targets come from one stack, otherwise the name of the other
        modality.
    reading, target_reading
        How the files were read; the latter only with targets of another modality.
    rejected
        Regions and fields without pairs.
    pair_counts
        Number of pairs in each split.
    """

    format_version: int = FORMAT_VERSION
    code_version: str
    system: ImagingSystem
    target_modality: str
    parameters: PreparationSettings
    reading: StackReading
    target_reading: StackReading | None = None
    sources: tuple[Source, ...]
    fields: tuple[FieldOfView, ...]
    regions: tuple[Region, ...]
    rejected: tuple[Rejection, ...]
    pair_counts: dict[Split, int]

    @model_validator(mode="after")
    def _check_places(self) -> DatasetManifest:
        """Check that the parts fit together, so that nothing outside of the stacks is read."""
        if not self.fields:
            raise ValueError("there are no fields of view")
        for place, field in enumerate(self.fields):
            path = PurePosixPath(field.file)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"the file of field {place} lies outside of the dataset")
            if field.source not in range(len(self.sources)):
                raise ValueError(f"field {place} is of source {field.source}, which is not listed")
            if field.same_as is not None and field.same_as not in range(place):
                raise ValueError(f"field {place} is not the same as an earlier one")
        for place, region in enumerate(self.regions):
            if region.field_of_view not in range(len(self.fields)):
                raise ValueError(
                    f"region {place} is in field {region.field_of_view}, which is not listed"
                )
            if not _lies_within(region, self.fields[region.field_of_view].shape):
                raise ValueError(f"region {place} lies outside of its field of view")
            if not len(region.z_um) == len(region.single_image_scale) > 0:
                raise ValueError(f"region {place} needs a scale for each of its planes")
            scales = (region.stack_scale, region.target_scale, *region.single_image_scale)
            if min(scale for _, scale in scales) <= 0:
                raise ValueError(f"region {place} has an intensity scale that is not positive")
        return self

    @property
    def seed(self) -> int:
        """Seed of targets and split."""
        return self.parameters.seed

    @property
    def pixel_size_um(self) -> float:
        """Pixel size of the first field; others differ only if the user ignored the difference."""
        return self.fields[0].pixel_size_um

    @property
    def z_step_um(self) -> float:
        """The finest distance between the planes of its fields."""
        return min(field.z_step_um for field in self.fields)


class FieldRecord(Record):
    """The record of one field of view before the dataset is complete.

    Regions are numbered within the field, and their split is the role of its stack.
    """

    field: FieldOfView
    regions: tuple[Region, ...]
    rejected: tuple[Rejection, ...]


def _lies_within(region: Region, shape: tuple[int, int, int]) -> bool:
    """Tell whether the planes and the window of a region are in a stack of a shape."""
    planes, rows, columns = shape
    return (
        region.size_px > 0
        and 0 <= region.first_plane <= planes - len(region.z_um)
        and 0 <= region.y_px <= rows - region.size_px
        and 0 <= region.x_px <= columns - region.size_px
    )
