"""The description of a package, ``rdf.yaml``.

It is made and checked by bioimageio.spec, then written in the shape of format 0.5.10, which newer
and older readers share: deepImageJ, ilastik and bioimageio.core.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.cards.failures import failure_sentences
from deepz_zoo.package.contents.checksums import CHECKSUMS_NAME
from deepz_zoo.package.contents.deepz_config import deepz_config_of, output_unit
from deepz_zoo.package.contents.variants import DPM_CHANNEL, SURFACE, Variant

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import InputTensorDescr, OutputTensorDescr, WeightsDescr

    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.records.training import TrainingRecord

FORMAT_VERSION = "0.5.10"
INPUT, OUTPUT = "input", "output"
SMALLEST_SIDE_PX = 16

# Far above what engines and processors differ by (1e-6), far below what an image shows.
_TOLERANCE = 1e-3

_AUTHORS = "Y. Wu, Y. Rivenson, H. Wang et al."

_DESCRIPTIONS = {
    "surface": "Deep-Z: refocuses a single wide-field fluorescence image onto another plane or "
    "onto any surface. Channel 1 is the raw camera image, channel 2 the distance of the wanted "
    "surface at each pixel in µm (digital propagation matrix, positive toward increasing stage z).",
    "zstack": "Deep-Z: makes a z-stack from a single wide-field fluorescence image. Each output "
    "channel is the plane at the distance in its name, in µm toward increasing stage z.",
}
_FOR = (
    " For the objective {objective} and the channel {channel}, {pixel_size_um:g} µm pixels, "
    "±{z_range_um:g} µm. {provenance}"
)
_TAGS = (
    "deep-z",
    "virtual-refocusing",
    "depth-of-field",
    "fluorescence-light-microscopy",
    "image-reconstruction",
    "image-restoration",
    "unet",
    "pytorch",
    "nuclei",
    "cells",
    "fiji",
    "imagej",
    "deepimagej",
    "ilastik",
)
# The collection's categories of dimensions: what goes in is 2d, a z-stack comes out.
_VARIANT_TAGS = {"surface": ("2d",), "zstack": ("2d", "3d", "z-stack")}

# Programs of the collection that run the package.
_LINKS = ("deepimagej/deepimagej", "ilastik/ilastik")


@dataclass(frozen=True)
class PackageFiles:
    """Names of the files of a package, without folders."""

    description: str = "rdf.yaml"
    readme: str = "README.md"
    cover: str = "cover.png"
    architecture: str = "deepz_network.py"
    state_dict: str = "weights.pt"
    torchscript: str = "weights_torchscript.pt"
    onnx: str = "weights.onnx"
    test_input: str = "test_input.npy"
    test_output: str = "test_output.npy"
    sample_input: str = "sample_input.tif"
    sample_output: str = "sample_output.tif"
    manifest: str = "manifest.json"
    parity: str = "parity.json"
    surface_macro: str = "add_dpm_channel.ijm"
    zstack_macro: str = "channels_to_zstack.ijm"
    checksums: str = CHECKSUMS_NAME


FILES = PackageFiles()


def macro_name(variant: Variant) -> str:
    """Return the name of the ImageJ macro in a package."""
    return FILES.surface_macro if variant.z_um is None else FILES.zstack_macro


def package_id(manifest: Manifest, variant: Variant = SURFACE) -> str:
    """Return the identifier of a package; Fiji's model runner loads none without it."""
    return f"deepz-{manifest.name}{variant.suffix}".replace("/", "-").replace("_z", "-z").lower()


def write_description(
    folder: Path,
    manifest: Manifest,
    variant: Variant = SURFACE,
    *,
    architecture: dict[str, Any],
    callable_name: str,
    parameters: int,
) -> None:
    """Write ``rdf.yaml`` into a folder that holds all files that it names.

    Parameters
    ----------
    folder
        The package.
    manifest
        What the zoo says of the model.
    variant
        What the package takes and gives.
    architecture
        Keyword arguments of the function in the architecture file.
    callable_name
        Name of that function.
    parameters
        Number of the network's parameters.

    Raises
    ------
    ValueError
        If bioimageio.spec refuses the description; that is a fault of the program.
    """
    from bioimageio.spec import InvalidDescr, ValidationContext, dump_description
    from bioimageio.spec.utils import write_yaml

    with ValidationContext(root=folder, file_name=FILES.description):
        model = _model(folder, manifest, variant, architecture, callable_name, parameters)
        assert not isinstance(model, InvalidDescr)
        content = dump_description(model)
    write_yaml(shape_0_5_10(dict(content)), folder / FILES.description)


def shape_0_5_10(content: dict[str, Any]) -> dict[str, Any]:
    """Return a description of format 0.5.12 in the shape that readers of 0.5.10 understand.

    Since 0.5.11 covers and documentation are mappings with a hash, which deepImageJ cannot load.
    """
    shaped = {
        **content,
        "format_version": FORMAT_VERSION,
        "documentation": content["documentation"]["source"],
        "covers": [cover["source"] for cover in content["covers"]],
    }
    if shaped["license"] is None:
        del shaped["license"]
    return shaped


def _model(
    folder: Path,
    manifest: Manifest,
    variant: Variant,
    architecture: dict[str, Any],
    callable_name: str,
    parameters: int,
) -> Any:
    from bioimageio.spec.model import v0_5 as spec

    from deepz_zoo import __version__

    output = np.load(folder / FILES.test_output)
    return spec.ModelDescr(
        id=spec.ModelId(package_id(manifest, variant)),
        name=_name(manifest, variant),
        description=_description(manifest, variant),
        version=spec.Version(__version__),
        timestamp=spec.Datetime(_timestamp(manifest.date)),
        authors=[spec.Author(name=_AUTHORS if manifest.restricted else "The deepz-zoo authors")],
        cite=[
            spec.CiteEntry(text=citation.text, doi=spec.Doi(citation.doi))
            for citation in manifest.citations
        ],
        # Readers of 0.5.10 take identifiers of known licenses only; the README states the terms.
        license=None if manifest.restricted else manifest.license,
        tags=[*_TAGS, *_VARIANT_TAGS[variant.name]],
        links=list(_LINKS),
        documentation=spec.FileDescr(source=_path(FILES.readme)),
        covers=[spec.FileDescr(source=_path(FILES.cover))],
        attachments=[
            spec.FileDescr(source=_path(name))
            for name in (FILES.manifest, FILES.parity, macro_name(variant))
        ],
        inputs=[_input(manifest, variant)],
        outputs=[_output(manifest, variant)],
        weights=_weights(architecture, callable_name),
        config=spec.Config.model_validate(
            {
                "bioimageio": _bioimageio_config(manifest, output, parameters),
                "deepz": deepz_config_of(manifest, variant).model_dump(mode="json"),
            }
        ),
    )


def _path(name: str) -> Any:
    from bioimageio.spec.common import RelativeFilePath

    return RelativeFilePath(PurePosixPath(name))


def _name(manifest: Manifest, variant: Variant) -> str:
    kind = "" if variant.z_um is None else " z-stack"
    return f"Deep-Z {manifest.name.replace('/', ' ').replace('.', '_')}{kind}"


def _description(manifest: Manifest, variant: Variant) -> str:
    system = manifest.system
    return _DESCRIPTIONS[variant.name] + _FOR.format(
        objective=system.objective.name,
        channel=system.channel.name,
        pixel_size_um=system.pixel_size_um,
        z_range_um=system.z_range_um,
        provenance=manifest.provenance,
    )


def _timestamp(date: str) -> datetime:
    """Return the date of the weights: a package of the same weights is the same package."""
    moment = datetime.fromisoformat(date.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _input(manifest: Manifest, variant: Variant) -> InputTensorDescr:
    from bioimageio.spec.model import v0_5 as spec

    half_range = manifest.system.z_range_um
    channels = variant.input_channels
    data = [spec.IntervalOrRatioDataDescr(type="float32")]
    if DPM_CHANNEL in channels:
        data += [
            spec.IntervalOrRatioDataDescr(
                type="float32", unit="µm", range=(-half_range, half_range)
            )
        ]
    any_size = spec.ParameterizedSize(min=SMALLEST_SIDE_PX, step=1)
    return spec.InputTensorDescr(
        id=spec.TensorId(INPUT),
        description="Raw camera image and digital propagation matrix (µm)."
        if DPM_CHANNEL in channels
        else "Raw camera image.",
        axes=[
            spec.BatchAxis(id=spec.AxisId("batch")),
            spec.ChannelAxis(id=spec.AxisId("channel"), channel_names=list(channels)),
            spec.SpaceInputAxis(id=spec.AxisId("y"), size=any_size),
            spec.SpaceInputAxis(id=spec.AxisId("x"), size=any_size),
        ],
        data=data if len(data) > 1 else data[0],
        test_tensor=spec.FileDescr(source=_path(FILES.test_input)),
        sample_tensor=spec.FileDescr(source=_path(FILES.sample_input)),
    )


def _output(manifest: Manifest, variant: Variant) -> OutputTensorDescr:
    from bioimageio.spec.model import v0_5 as spec

    def same_as(axis: str) -> spec.SpaceOutputAxis:
        size = spec.SizeReference(tensor_id=spec.TensorId(INPUT), axis_id=spec.AxisId(axis))
        return spec.SpaceOutputAxis(id=spec.AxisId(axis), size=size)

    return spec.OutputTensorDescr(
        id=spec.TensorId(OUTPUT),
        description=f"Refocused {'image' if variant.z_um is None else 'planes'} in "
        f"{output_unit(manifest)}.",
        axes=[
            spec.BatchAxis(id=spec.AxisId("batch")),
            spec.ChannelAxis(
                id=spec.AxisId("channel"), channel_names=list(variant.output_channels)
            ),
            same_as("y"),
            same_as("x"),
        ],
        data=spec.IntervalOrRatioDataDescr(type="float32"),
        test_tensor=spec.FileDescr(source=_path(FILES.test_output)),
        sample_tensor=spec.FileDescr(source=_path(FILES.sample_output)),
    )


def _weights(architecture: dict[str, Any], callable_name: str) -> WeightsDescr:
    import torch
    from bioimageio.spec.model import v0_5 as spec

    from deepz_zoo.network.graph.export import OPSET

    torch_version = spec.Version(torch.__version__.split("+")[0])
    return spec.WeightsDescr(
        pytorch_state_dict=spec.PytorchStateDictWeightsDescr(
            source=_path(FILES.state_dict),
            architecture=spec.ArchitectureFromFileDescr(
                source=_path(FILES.architecture),
                callable=spec.Identifier(callable_name),
                kwargs=architecture,
            ),
            pytorch_version=torch_version,
        ),
        torchscript=spec.TorchscriptWeightsDescr(
            source=_path(FILES.torchscript),
            parent="pytorch_state_dict",
            pytorch_version=torch_version,
        ),
        onnx=spec.OnnxWeightsDescr(
            source=_path(FILES.onnx), parent="pytorch_state_dict", opset_version=OPSET
        ),
    )


def _bioimageio_config(
    manifest: Manifest, output: NDArray[np.float32], parameters: int
) -> dict[str, Any]:
    record = manifest.training
    training = {} if record is None else {"training": _training_config(record)}
    return {
        "reproducibility_tolerance": [
            {
                "relative_tolerance": _TOLERANCE,
                "absolute_tolerance": max(
                    float(f"{_TOLERANCE * output.max():.3g}"), _step(manifest)
                ),
                "mismatched_elements_per_million": 0,
            }
        ],
        "architecture_type": "U-Net with residual blocks",
        "modality": "wide-field fluorescence microscopy",
        "task": "virtual refocusing",
        "model_parameter_count": parameters,
        "bias_risks_limitations": {
            "limitations": " ".join(failure_sentences(manifest.failure_modes))
        },
        **training,
    }


def _training_config(record: TrainingRecord) -> dict[str, Any]:
    return {
        "training_batch_size": float(record.batch_size),
        "loss_function": record.loss,
        "training_duration": record.hours,
    }


def _step(manifest: Manifest) -> float:
    """Return by how much rounding may change an output: integer grey levels change by one."""
    return 0.0 if manifest.normalization == "paper" else 1.0
