"""The accuracy of a model on an acquired z-stack: plane by plane, and as a manifest keeps it."""

from __future__ import annotations

from deepz_zoo.files import Record
from deepz_zoo.records.accuracy import BeadMetrics, ComparedMethod, ImageMetrics


class _BetweenPlanes(Record):
    """Two planes of a stack; z in µm from the first plane.

    Attributes
    ----------
    source_um
        Where the plane that went in lies.
    target_um
        Where the plane that was asked for lies.
    method
        What made the image that is compared.
    """

    source_um: float
    target_um: float
    method: ComparedMethod

    @property
    def dz_um(self) -> float:
        """Refocusing distance z_target − z_source in µm."""
        return round(self.target_um - self.source_um, 6)


class MeasuredRow(_BetweenPlanes, ImageMetrics):
    """Metrics of one method for one pair of planes."""


class MeasuredBeadRow(_BetweenPlanes, BeadMetrics):
    """Beads in the in-focus plane, brought there from another plane by one method."""


class StackAccuracy(Record):
    """Accuracy of a model on an acquired z-stack.

    Attributes
    ----------
    version
        Version of the definitions.
    pixel_size_um, z_step_um
        Calibration of the stack as it was given.
    resampled
        Factor by which the stack was enlarged to the pixel size of the model; 1 for none.
    planes
        Number of planes.
    in_focus_um, sources_um
        The plane with the highest standard deviation, and all planes that were refocused, that one
        first; z in µm from the first plane.
    bead_threshold
        Fraction of the intensity scale above the background that bounds the beads of ``beads``;
        None without beads.
    images
        One row for each pair of planes and method.
    beads
        One row for each defocused source and method.
    """

    version: int
    code_version: str
    system_name: str
    pixel_size_um: float
    z_step_um: float
    resampled: float
    planes: int
    in_focus_um: float
    sources_um: tuple[float, ...]
    bead_threshold: float | None
    images: tuple[MeasuredRow, ...]
    beads: tuple[MeasuredBeadRow, ...]

    def mean(self, source_um: float, method: ComparedMethod) -> ImageMetrics:
        """Return the mean metrics over all targets of one source plane, itself left out."""
        return ImageMetrics.mean_of(
            [
                row
                for row in self.images
                if row.source_um == source_um
                and row.method == method
                and row.target_um != row.source_um
            ]
        )


class StackRow(ImageMetrics):
    """Mean over all other planes within the axial range, from one plane of the stack.

    Attributes
    ----------
    from_focus_um
        Where the plane that went in lies.
    method
        What made the images that are compared.
    """

    from_focus_um: float
    method: ComparedMethod


class StackBeadRow(BeadMetrics):
    """Beads of the in-focus plane, brought there over a distance in µm."""

    dz_um: float
    method: ComparedMethod


class MeasuredStack(Record):
    """The accuracy on one acquired stack, as a manifest keeps it.

    Attributes
    ----------
    title
        What the stack shows, and where it is from.
    command
        Command that measures it.
    comment
        How to read the metrics.
    """

    title: str
    command: str
    comment: str
    images: tuple[StackRow, ...]
    beads: tuple[StackBeadRow, ...]
