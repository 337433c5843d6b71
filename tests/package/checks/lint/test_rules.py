"""Every rule: a package that breaks it is reported, and nothing else is."""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from bioimageio.spec.utils import write_yaml

from deepz_zoo.package.build import write_contents
from deepz_zoo.package.checks.lint import CONSUMERS, RULES, lint, rules_table
from deepz_zoo.package.checks.lint.contents import Contents
from deepz_zoo.package.checks.lint.tensor_rules import LARGEST_INPUT
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.package.contents.variants import Variant
from tests.builders import read_yaml

pytestmark = pytest.mark.slow

Break = Callable[[dict[str, Any], Path], object]
CASES: list[tuple[str, str, Break]] = []


def breaks(name: str, detail: str = "") -> Callable[[Break], Break]:
    """Register a change to a sound package that breaks the rule of this name."""

    def register(change: Break) -> Break:
        CASES.append((name, detail, change))
        return change

    return register


def complaints(folder: Path) -> dict[str, str]:
    checks = lint(folder / FILES.description)
    return {check.name: check.detail for check in checks if check.status in {"warned", "failed"}}


def edit_onnx(folder: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    model = onnx.load(folder / FILES.onnx)
    change(model)
    (folder / FILES.onnx).write_bytes(model.SerializeToString())


def edit_torchscript(folder: Path, records: dict[str, bytes | None]) -> None:
    """Replace records of the TorchScript file, or drop them."""
    path = folder / FILES.torchscript
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            content = records.get(name.partition("/")[2], content)
            if content is not None:
                archive.writestr(name, content)


def edit_test_input(folder: Path, change: Callable[[np.ndarray], Any]) -> None:
    array = np.load(folder / FILES.test_input)
    changed = change(array)
    np.save(folder / FILES.test_input, array if changed is None else changed)


def edit_readme(folder: Path, old: str, new: str) -> None:
    path = folder / FILES.readme
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def process(rdf: dict[str, Any], step: dict[str, Any]) -> None:
    """Give a package that is not of a Deep-Z model a processing step."""
    rdf["config"].pop("deepz")
    rdf["inputs"][0]["preprocessing"] = [step]


# the description


@breaks("the description has an id")
def no_id(rdf, folder):
    rdf.pop("id")


@breaks("documentation and covers are plain names", "documentation is a mapping")
def shape_0_5_11(rdf, folder):
    rdf["documentation"] = {"source": rdf["documentation"]}
    rdf["covers"] = [{"source": cover} for cover in rdf["covers"]]


@breaks("all files are in the package", "covers[0] is https://example.org/cover.png")
def remote_cover(rdf, folder):
    rdf["covers"] = ["https://example.org/cover.png"]


@breaks("no one is named by a GitHub account", "there are maintainers")
def maintainers(rdf, folder):
    rdf["maintainers"] = [{"github_user": "someone"}]


@breaks("no one is named by a GitHub account", "authors have a github_user")
def github_user(rdf, folder):
    rdf["authors"][0]["github_user"] = "someone"


@breaks("the name holds letters, digits and _+-() only", "Deep-Z 20x/0.8")
def name_with_dots(rdf, folder):
    rdf["name"] = "Deep-Z 20x/0.8"


@breaks("tensor ids are lower case", "inputs[0] (Input)")
def upper_case(rdf, folder):
    rdf["inputs"][0]["id"] = "Input"


@breaks("units are spelled as the format does", "'um'")
def short_unit_of_axis(rdf, folder):
    rdf["inputs"][0]["axes"][2]["unit"] = "um"


@breaks("units are spelled as the format does", "'micrometer'")
def long_unit_of_data(rdf, folder):
    rdf["outputs"][0]["data"]["unit"] = "micrometer"


@breaks("tolerances are within what the format allows", "relative_tolerance 0.1")
def relative_tolerance(rdf, folder):
    tolerance(rdf)["relative_tolerance"] = 0.1


@breaks("tolerances are within what the format allows", "largest value of outputs[0] (output)")
def absolute_tolerance(rdf, folder):
    largest = np.load(folder / FILES.test_output).max()
    tolerance(rdf)["absolute_tolerance"] = 100 * float(largest)


@breaks("tolerances are within what the format allows", "mismatched_elements_per_million 5001")
def mismatched(rdf, folder):
    tolerance(rdf)["mismatched_elements_per_million"] = 5001


@breaks("no tolerance hides a later one", "reproducibility_tolerance[0]")
def hidden_tolerance(rdf, folder):
    entries = rdf["config"]["bioimageio"]["reproducibility_tolerance"]
    entries.append({**entries[0], "weights_formats": ["onnx"]})


def tolerance(rdf: dict[str, Any]) -> dict[str, Any]:
    (entry,) = rdf["config"]["bioimageio"]["reproducibility_tolerance"]
    return entry


@breaks("the documentation has a section on validation")
def no_validation_section(rdf, folder):
    edit_readme(folder, "## Validation", "## Accuracy")


@breaks("the documentation names the largest image")
def no_stated_limit(rdf, folder):
    edit_readme(folder, "50 million input values at once: about 5000×5000 pixels", "large images")


@breaks("macros in the documentation use today's keys", "modelPath")
def old_macro(rdf, folder):
    edit_readme(folder, "model_path=[", "modelPath=[")


@breaks("the description has a timestamp")
def no_timestamp(rdf, folder):
    rdf.pop("timestamp")


@breaks("cover and documentation have checksums", "cover.png has none")
def no_checksum_of_the_cover(rdf, folder):
    path = folder / FILES.checksums
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "cover" not in line), encoding="utf-8")


# the tensors


@breaks("there is one input tensor", "there are 2: inputs[0] (input), inputs[1] (dpm)")
def two_inputs(rdf, folder):
    rdf["config"].pop("deepz")
    rdf["inputs"].append({**copy.deepcopy(rdf["inputs"][0]), "id": "dpm"})


@breaks("there is one output tensor", "outputs[1] (error)")
def two_outputs(rdf, folder):
    rdf["outputs"].append({**copy.deepcopy(rdf["outputs"][0]), "id": "error"})


@breaks("the output has a channel axis", "outputs[0] (output) has batch, space, space")
def no_channel_axis(rdf, folder):
    rdf["config"].pop("deepz")
    del rdf["outputs"][0]["axes"][1]


@breaks("space axes have an id", "inputs[0] (input) axis 3 has none")
def no_axis_id(rdf, folder):
    rdf["config"].pop("deepz")
    rdf["inputs"][0]["axes"][3].pop("id")


@breaks("channel axes name their channels", "outputs[0] (output) axis channel")
def unnamed_channels(rdf, folder):
    rdf["outputs"][0]["axes"][1].pop("channel_names")


@breaks("the axes of a Deep-Z model are batch, channel, y, x", "batch, y, x, channel")
def channels_last(rdf, folder):
    axes = rdf["outputs"][0]["axes"]
    axes.append(axes.pop(1))


@breaks("axes are not scaled", "axis y has scale 0.325")
def pixel_size_as_scale(rdf, folder):
    rdf["inputs"][0]["axes"][2]["scale"] = 0.325


@breaks("the smallest size is a multiple of the step", "axis x has min 20, step 16")
def min_between_steps(rdf, folder):
    rdf["inputs"][0]["axes"][3]["size"] = {"min": 20, "step": 16}


@breaks("the step of sizes is 1", "axis x has step 16")
def step_of_16(rdf, folder):
    rdf["inputs"][0]["axes"][3]["size"] = {"min": 32, "step": 16}


@breaks("the smallest input is not too large for deepImageJ", "52.4 million")
def huge_input(rdf, folder):
    for axis in rdf["inputs"][0]["axes"][2:]:
        axis["size"] = {"min": 5120, "step": 1}


@breaks("deepImageJ knows the processing steps", "outputs[0] (output) has softmax")
def softmax(rdf, folder):
    rdf["config"].pop("deepz")
    rdf["outputs"][0]["postprocessing"] = [{"id": "softmax", "kwargs": {"axis": "channel"}}]


@breaks("deepImageJ knows the processing steps", "scale_mean_variance")
def scale_mean_variance(rdf, folder):
    process(rdf, {"id": "scale_mean_variance", "kwargs": {"reference_tensor": "input"}})


@breaks("linear scaling is the same for all channels", "scale_linear")
def gain_by_channel(rdf, folder):
    process(rdf, {"id": "scale_linear", "kwargs": {"axis": "channel", "gain": [1.0, 0.1]}})


@breaks("the DPM is in µm", "None")
def dpm_without_unit(rdf, folder):
    rdf["inputs"][0]["data"][1].pop("unit")


@breaks("processing leaves the DPM alone", "zero_mean_unit_variance")
def normalized_dpm(rdf, folder):
    step = {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"]}}
    rdf["inputs"][0]["preprocessing"] = [step]


@breaks("channels of the test image vary", "channel 1 of inputs[0] (input) is 5 throughout")
def constant_channel(rdf, folder):
    rdf["config"].pop("deepz")
    edit_test_input(folder, lambda array: array[:, 1].fill(5))


@breaks("the test image has no symmetry", "mirror image along x")
def mirrored_image(rdf, folder):
    rdf["config"].pop("deepz")
    edit_test_input(folder, lambda array: array + array[..., ::-1])


@breaks("the test image has no symmetry", "when y and x are exchanged")
def transposed_image(rdf, folder):
    rdf["config"].pop("deepz")
    edit_test_input(
        folder, lambda a: a[..., :30, :30] + np.swapaxes(a[..., :30, :30], -1, -2).copy()
    )


@breaks("the test DPM is tilted and not zero", "it is constant along x")
def dpm_tilted_one_way(rdf, folder):
    def flatten(array: np.ndarray) -> None:
        array[:, 1] = array[:, 1, :, :1]

    edit_test_input(folder, flatten)


@breaks("every tensor has a sample", "outputs[0] (output) has no sample_tensor")
def no_sample(rdf, folder):
    rdf["outputs"][0].pop("sample_tensor")


# the weights


@breaks("deepImageJ can run one of the weight formats", "there is only pytorch_state_dict")
def state_dict_only(rdf, folder):
    rdf["weights"] = {"pytorch_state_dict": rdf["weights"]["pytorch_state_dict"]}


@breaks("ilastik can run one of the weight formats", "there is only onnx")
def onnx_only(rdf, folder):
    rdf["weights"] = {"onnx": rdf["weights"]["onnx"]}


@breaks("ONNX weights have opset 17 or older", "opset 18")
def new_opset(rdf, folder):
    def change(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = 18

    edit_onnx(folder, change)


@breaks("ONNX weights have IR version 8 or older", "IR version 10")
def new_ir(rdf, folder):
    def change(model: onnx.ModelProto) -> None:
        model.ir_version = 10

    edit_onnx(folder, change)


@breaks("ONNX weights are one file", "weights.bin")
def external_weights(rdf, folder):
    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer[0].external_data.add(key="location", value="weights.bin")

    edit_onnx(folder, change)


@breaks("ONNX weights accept every size that the description allows", "axis y is fixed at 64")
def fixed_height(rdf, folder):
    def change(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 64

    edit_onnx(folder, change)


@breaks("ONNX weights accept every size that the description allows", "axis batch is fixed at 1")
def fixed_batch(rdf, folder):
    def change(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1

    edit_onnx(folder, change)


@breaks("TorchScript weights are of a form that libtorch 2.0 reads", "version 11")
def new_torchscript(rdf, folder):
    edit_torchscript(folder, {"version": b"11\n"})


@breaks("TorchScript weights are of a form that libtorch 2.0 reads", "no TorchScript")
def state_dict_as_torchscript(rdf, folder):
    edit_torchscript(folder, {"constants.pkl": None})


@breaks("the package is one of a model", "its type is 'dataset'")
def other_type(rdf, folder):
    rdf["type"] = "dataset"


@breaks("the version of the format is known", "format_version is '9.9.9'")
def unknown_version(rdf, folder):
    rdf["format_version"] = "9.9.9"


@breaks("the version of the format is known", "format_version is None")
def no_version(rdf, folder):
    rdf["format_version"] = None


@breaks("every file that is named is there", "cover.png is missing")
def missing_cover(rdf, folder):
    (folder / FILES.cover).unlink()


@breaks("there are weights", "no weight format has a source")
def no_weights(rdf, folder):
    rdf["weights"] = {}


@pytest.mark.parametrize(("name", "detail", "change"), CASES, ids=[c[2].__name__ for c in CASES])
def test_broken_package_is_named(folder, name, detail, change):
    path = folder / FILES.description
    rdf = read_yaml(path)
    change(rdf, folder)
    write_yaml(rdf, path)
    found = complaints(folder)
    also = {"the step of sizes is 1"} if "step" in name else set()
    assert set(found) - also == {name} - also
    assert detail in found[name]


def test_every_rule_is_broken_by_a_package():
    assert {name for name, *_ in CASES} == {rule.name for rule in RULES}


def test_own_package_breaks_no_rule(unpacked):
    checks = lint(unpacked / FILES.description)
    assert [check.name for check in checks] == [rule.name for rule in RULES]
    assert {check.status for check in checks} == {"passed"}


@pytest.mark.slow
def test_own_zstack_breaks_no_rule(model, manifest, example, tmp_path):
    write_contents(tmp_path, model, manifest, example, "planes.zip", variant=Variant((-5.0, 0.0)))
    checks = lint(tmp_path / FILES.description)
    skipped = {check.name: check.detail for check in checks if check.status == "skipped"}
    assert {check.status for check in checks} == {"passed", "skipped"}
    assert skipped == dict.fromkeys(
        ("the DPM is in µm", "the test DPM is tilted and not zero"), "no input has a DPM channel"
    )


@pytest.mark.parametrize(
    "missing", [FILES.onnx, FILES.state_dict, FILES.test_input, FILES.sample_output, FILES.readme]
)
def test_a_missing_file_fails(folder, missing):
    (folder / missing).unlink()
    assert f"{missing} is missing" in complaints(folder)["every file that is named is there"]


@pytest.mark.parametrize("weights", [None, {}, [], {"onnx": None}, {"onnx": {}}])
def test_a_package_without_weights_fails(folder, weights):
    path = folder / FILES.description
    write_yaml(read_yaml(path) | {"weights": weights}, path)
    assert complaints(folder)["there are weights"] == "no weight format has a source"


def test_a_description_without_any_file_fails(folder):
    for path in folder.iterdir():
        if path.name != FILES.description:
            path.unlink()
    found = complaints(folder)["every file that is named is there"]
    for name in (FILES.onnx, FILES.torchscript, FILES.state_dict, FILES.cover, FILES.test_input):
        assert name in found


def test_a_description_of_nothing_fails(tmp_path):
    (tmp_path / "rdf.yaml").write_text("name: Nothing\n", encoding="utf-8")
    found = complaints(tmp_path)
    assert found["the package is one of a model"] == "it states no type"
    assert {"there are weights", "there is one input tensor"} <= set(found)


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_rules_of_one_consumer(unpacked, consumer):
    checks = lint(unpacked / FILES.description, (consumer,))
    assert 0 < len(checks) < len(RULES)
    assert all(consumer in check.consumers for check in checks)


def test_rules_explain_themselves():
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.symptom and rule.fix and rule.consumers, rule.name
        assert "|" not in rule.name + rule.symptom + rule.fix, rule.name  # it becomes a table
    assert LARGEST_INPUT == 3 * 2**24


def test_documentation_shows_the_rules():
    """After a change: python packaging/write_rules.py."""
    document = Path(__file__).parents[4] / "docs" / "validation.md"
    assert f"\n\n{rules_table()}\n" in document.read_text(encoding="utf-8")


def test_rules_of_deepz_say_nothing_of_other_models(folder):
    path = folder / FILES.description
    rdf = read_yaml(path)
    rdf["config"].pop("deepz")
    write_yaml(rdf, path)
    skipped = [check.detail for check in lint(path) if check.status == "skipped"]
    assert skipped == ["not a Deep-Z package"] * 4


OLD = """\
format_version: 0.4.10
type: model
name: Nuclei
inputs:
- {name: raw, axes: bcyx, data_type: float32, shape: {min: [1, 1, 64, 64], step: [0, 0, 16, 16]},
   preprocessing: [{name: scale_linear, kwargs: {axes: yx, gain: [1, 2]}}]}
- {name: seeds, axes: bcyx, data_type: float32, shape: [1, 1, 64, 64]}
outputs:
- {name: probability, axes: byx, data_type: float32,
   postprocessing: [{name: softmax}]}
test_inputs: [a.npy, b.npy]
documentation: https://example.org/README.md
weights:
  keras_hdf5: {source: weights.h5}
"""


def test_package_of_format_0_4_is_linted(tmp_path):
    (tmp_path / "rdf.yaml").write_text(OLD, encoding="utf-8")
    np.save(tmp_path / "a.npy", np.zeros((1, 1, 64, 64), np.float32))
    np.save(tmp_path / "b.npy", np.arange(64.0 * 64).reshape(1, 1, 64, 64))
    found = complaints(tmp_path)
    for name, detail in {
        "every file that is named is there": "weights.h5 is missing",
        "the description has an id": "there is none",
        "all files are in the package": "documentation is https",
        "there is one input tensor": "inputs[0] (raw), inputs[1] (seeds)",
        "the output has a channel axis": "batch, space, space",
        "linear scaling is the same for all channels": "inputs[0] (raw)",
        "deepImageJ knows the processing steps": "outputs[0] (probability) has softmax",
        "channels of the test image vary": "channel 0 of inputs[0] (raw) is 0 throughout",
        "deepImageJ can run one of the weight formats": "there is only keras_hdf5",
        "ilastik can run one of the weight formats": "there is only keras_hdf5",
    }.items():
        assert detail in found.pop(name)
    assert set(found) == {
        "the test image has no symmetry",  # it is constant
        "the description has a timestamp",
        "every tensor has a sample",
    }


def strange_variants(value: Any) -> Iterator[None]:
    """Put something unexpected into every place of a description, one after the other."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        for strange in (None, -3, "x", [{"size": "x", "source": 3}]):
            value[key] = strange
            yield
        value[key] = inner
        if isinstance(inner, dict | list):
            yield from strange_variants(inner)


def test_strange_descriptions_are_no_fault_of_the_program(unpacked):
    rdf = read_yaml(unpacked / FILES.description)
    for key in ("tags", "cite", "attachments", "timestamp"):
        rdf.pop(key)
    rdf["config"] = {"deepz": {}, "bioimageio": rdf["config"]["bioimageio"]}
    del rdf["weights"]["pytorch_state_dict"]["architecture"]
    for _ in strange_variants(rdf):
        contents = Contents(rdf, unpacked)
        for rule in RULES:
            rule.check(contents)
