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

from deepz_zoo.dpm import SHORTEST_PERIOD_UM
from deepz_zoo.package.archive import CHECKSUMS_NAME

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import InputTensorDescr, OutputTensorDescr, WeightsDescr

    from deepz_zoo.zoo import Manifest

FORMAT_VERSION = "0.5.10"
INPUT, OUTPUT = "input", "output"
FLUORESCENCE, DPM = "fluorescence", "dpm"
SMALLEST_SIDE_PX = 16

# Far above what engines and processors differ by (1e-6), far below what an image shows.
_TOLERANCE = 1e-3

_DESCRIPTION = (
    "Deep-Z: refocuses a single wide-field fluorescence image onto another plane or onto any "
    "surface. Channel 1 is the raw camera image, channel 2 the distance of the wanted surface at "
    "each pixel in µm (digital propagation matrix, positive toward increasing stage z). For the "
    "objective {objective} and the channel {channel}, {pixel_size_um:g} µm pixels, "
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
    "2d",
    "nuclei",
    "cells",
    "fiji",
    "imagej",
    "deepimagej",
    "ilastik",
)


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
    macro: str = "add_dpm_channel.ijm"
    checksums: str = CHECKSUMS_NAME


FILES = PackageFiles()


def package_id(manifest: Manifest) -> str:
    """Return the identifier of a package; Fiji's model runner loads none without it."""
    return f"deepz-{manifest.name.replace('/', '-').lower()}"


def write_description(
    folder: Path,
    manifest: Manifest,
    *,
    architecture: dict[str, Any],
    callable_name: str,
    parameters: int,
) -> None:
    """Write ``rdf.yaml`` into a folder that holds all other files of the package.

    Parameters
    ----------
    folder
        The package.
    manifest
        What the zoo says of the model.
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
        model = _model(folder, manifest, architecture, callable_name, parameters)
        assert not isinstance(model, InvalidDescr)
        content = dump_description(model)
    write_yaml(shape_0_5_10(dict(content)), folder / FILES.description)


def shape_0_5_10(content: dict[str, Any]) -> dict[str, Any]:
    """Return a description of format 0.5.12 in the shape that readers of 0.5.10 understand.

    Since 0.5.11 covers and documentation are mappings with a hash, which deepImageJ cannot load.
    """
    return {
        **content,
        "format_version": FORMAT_VERSION,
        "documentation": content["documentation"]["source"],
        "covers": [cover["source"] for cover in content["covers"]],
    }


def _model(
    folder: Path,
    manifest: Manifest,
    architecture: dict[str, Any],
    callable_name: str,
    parameters: int,
) -> Any:
    from bioimageio.spec.model import v0_5 as spec

    from deepz_zoo import __version__

    output = np.load(folder / FILES.test_output)
    return spec.ModelDescr(
        id=spec.ModelId(package_id(manifest)),
        name=f"Deep-Z {manifest.name.replace('/', ' ').replace('.', '_')}",
        description=_description(manifest),
        version=spec.Version(__version__),
        timestamp=spec.Datetime(_timestamp(manifest.training.date)),
        authors=[spec.Author(name="The deepz-zoo authors")],
        cite=[
            spec.CiteEntry(text=citation.text, doi=spec.Doi(citation.doi))
            for citation in manifest.citations
        ],
        license=manifest.license,
        tags=list(_TAGS),
        documentation=spec.FileDescr(source=_path(FILES.readme)),
        covers=[spec.FileDescr(source=_path(FILES.cover))],
        attachments=[
            spec.FileDescr(source=_path(name))
            for name in (FILES.manifest, FILES.macro, FILES.checksums)
        ],
        inputs=[_input(manifest)],
        outputs=[_output()],
        weights=_weights(architecture, callable_name),
        config=spec.Config.model_validate(
            {
                "bioimageio": _bioimageio_config(manifest, output, parameters),
                "deepz": _deepz_config(manifest),
            }
        ),
    )


def _path(name: str) -> Any:
    from bioimageio.spec.common import RelativeFilePath

    return RelativeFilePath(PurePosixPath(name))


def _description(manifest: Manifest) -> str:
    system = manifest.system
    return _DESCRIPTION.format(
        objective=system.objective.name,
        channel=system.channel.name,
        pixel_size_um=system.pixel_size_um,
        z_range_um=system.z_range_um,
        provenance=manifest.provenance,
    )


def _timestamp(date: str) -> datetime:
    """Return the date of the training: a package of the same weights is the same package."""
    moment = datetime.fromisoformat(date.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _input(manifest: Manifest) -> InputTensorDescr:
    from bioimageio.spec.model import v0_5 as spec

    reach = manifest.system.z_range_um
    any_size = spec.ParameterizedSize(min=SMALLEST_SIDE_PX, step=1)
    return spec.InputTensorDescr(
        id=spec.TensorId(INPUT),
        description="Raw camera image and digital propagation matrix (µm).",
        axes=[
            spec.BatchAxis(id=spec.AxisId("batch")),
            spec.ChannelAxis(id=spec.AxisId("channel"), channel_names=[FLUORESCENCE, DPM]),
            spec.SpaceInputAxis(id=spec.AxisId("y"), size=any_size),
            spec.SpaceInputAxis(id=spec.AxisId("x"), size=any_size),
        ],
        data=[
            spec.IntervalOrRatioDataDescr(type="float32"),
            spec.IntervalOrRatioDataDescr(type="float32", unit="µm", range=(-reach, reach)),
        ],
        test_tensor=spec.FileDescr(source=_path(FILES.test_input)),
        sample_tensor=spec.FileDescr(source=_path(FILES.sample_input)),
    )


def _output() -> OutputTensorDescr:
    from bioimageio.spec.model import v0_5 as spec

    def same_as(axis: str) -> spec.SpaceOutputAxis:
        size = spec.SizeReference(tensor_id=spec.TensorId(INPUT), axis_id=spec.AxisId(axis))
        return spec.SpaceOutputAxis(id=spec.AxisId(axis), size=size)

    return spec.OutputTensorDescr(
        id=spec.TensorId(OUTPUT),
        description="Refocused image in the intensity unit of the input.",
        axes=[
            spec.BatchAxis(id=spec.AxisId("batch")),
            spec.ChannelAxis(id=spec.AxisId("channel"), channel_names=[FLUORESCENCE]),
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

    from deepz_zoo.network.export import OPSET

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
    return {
        "reproducibility_tolerance": [
            {
                "relative_tolerance": _TOLERANCE,
                "absolute_tolerance": float(f"{_TOLERANCE * output.max():.3g}"),
                "mismatched_elements_per_million": 0,
            }
        ],
        "architecture_type": "U-Net with residual blocks",
        "modality": "wide-field fluorescence microscopy",
        "task": "virtual refocusing",
        "model_parameter_count": parameters,
        "bias_risks_limitations": {"limitations": " ".join(manifest.limits)},
        "training": {
            "training_batch_size": float(record.batch_size),
            "loss_function": record.loss,
            "training_duration": record.hours,
        },
    }


def _deepz_config(manifest: Manifest) -> dict[str, Any]:
    """Return what a program needs to know to use the model within its validity."""
    system = manifest.system.model_dump(mode="json")
    reach = manifest.system.z_range_um
    return {
        "format_version": 1,
        "model": manifest.name,
        "size": manifest.size,
        "system": system,
        "pixel_size_um": manifest.system.pixel_size_um,
        "dpm": {
            "channel_index": 1,
            "channel_name": DPM,
            "unit": "µm",
            "positive_direction": "increasing stage z",
            "range_um": [-reach, reach],
            "shortest_lateral_period_um": SHORTEST_PERIOD_UM,
            "scale_um": manifest.dpm_scale_um,
        },
        "normalization": {
            "rule": manifest.normalization,
            "reference": "the input image itself",
            "where": "inside the graph; the output has the unit of the input",
        },
        "training_data": manifest.training_data,
        "weights_sha256": manifest.sha256,
        "accuracy": _accuracy(manifest),
    }


def _accuracy(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the mean figures of the model at each distance; the manifest holds them all."""
    accuracy = manifest.accuracy
    if accuracy is None:
        return []
    return [
        {
            "noise": noise,
            "distance_um": dz,
            "correlation": round(accuracy.correlation(dz=dz, noise=noise), 4),
            "error_over_rms": round(accuracy.error_over_rms(dz=dz, noise=noise), 4),
            "ssim": round(accuracy.ssim(dz=dz, noise=noise), 4),
        }
        for noise in accuracy.noises
        for dz in accuracy.distances_um
    ]
