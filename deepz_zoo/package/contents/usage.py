"""How to use a package, for its README, and the ImageJ macro that goes with it."""

from __future__ import annotations

from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from deepz_zoo.dpm import SHORTEST_PERIOD_UM
from deepz_zoo.package.contents.deepz_config import output_unit
from deepz_zoo.package.contents.description import macro_name

if TYPE_CHECKING:
    from deepz_zoo.package.contents.variants import Variant
    from deepz_zoo.records.manifest import Manifest

_SUMMARIES = {
    "surface": "Takes one wide-field fluorescence image and a *digital propagation matrix* (DPM), "
    "which says for\neach pixel how far away in z the wanted surface lies, and returns the image "
    "refocused onto that\nsurface: a plane at another depth, a z-stack, a tilted or a curved "
    "surface.",
    "zstack": "Takes one wide-field fluorescence image and returns it refocused onto planes above "
    "and below: a\nz-stack in one step.",
}


def summary_text(variant: Variant) -> str:
    """Return what a package does, in a sentence."""
    return _SUMMARIES[variant.name]


def macro_text(manifest: Manifest, variant: Variant) -> str:
    """Return the ImageJ macro of a package.

    That of a surface model adds a DPM channel to an image of the model's pixel size; that of a
    z-stack turns the channels of the output into planes.
    """
    values = {"pixel_size_um": f"{manifest.system.pixel_size_um:g}"}
    if variant.z_um is not None:
        values |= {"planes": str(len(variant.z_um)), "z_step_um": f"{_step_um(variant.z_um):g}"}
    return template(macro_name(variant)).substitute(values)


def usage_text(manifest: Manifest, variant: Variant, archive_name: str) -> str:
    """Return the sections on tensors and on the use in Fiji and Python, as Markdown."""
    values = {
        "pixel_size_um": f"{manifest.system.pixel_size_um:g}",
        "z_range_um": f"{manifest.system.z_range_um:g}",
        "output_unit": output_unit(manifest),
        "normalized": _normalized(manifest),
        "shortest_period_um": f"{SHORTEST_PERIOD_UM:g}",
        "macro_name": macro_name(variant),
        "macro": macro_text(manifest, variant).rstrip(),
        "archive_name": archive_name,
    }
    if variant.z_um is not None:
        values |= {
            "planes": str(len(variant.z_um)),
            "plane_names": ", ".join(f"`{name}`" for name in variant.output_channels),
            "costs": template("zstack_costs.md").substitute().rstrip(),
        }
    return template(f"{variant.name}.md").substitute(values).rstrip()


def template(name: str) -> Template:
    """Return one of the texts that ship with the project."""
    text = files("deepz_zoo.package.contents").joinpath("templates").joinpath(name)
    return Template(text.read_text(encoding="utf-8"))


def _step_um(z_um: tuple[float, ...]) -> float:
    """Return the distance between planes, the mean one where it differs."""
    return (z_um[-1] - z_um[0]) / (len(z_um) - 1) if len(z_um) > 1 else 1.0


def _normalized(manifest: Manifest) -> str:
    """Return what a user has to know of the plugin's normalization, for the input."""
    if manifest.normalization == "paper":
        return ""
    bits = 16 if manifest.normalization == "plugin" else 8
    return (
        f" The image is normalized as in the authors' Fiji plugin, which takes {bits}-bit images: "
        f"give it integer grey levels from 0 to {2**bits - 1}."
    )
