"""The group of the measurements."""

from __future__ import annotations

from deepz_zoo.cli.command_group import CommandGroup

command = CommandGroup(
    name="measure",
    modules={
        "beads": "deepz_zoo.cli.measure.beads",
        "neurons": "deepz_zoo.cli.measure.neurons",
    },
    help="Measure what the paper does, on your images: with the model beside what was acquired.",
)
