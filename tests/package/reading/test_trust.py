"""Packages whose weights, programs or addresses are malicious."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from bioimageio.spec.utils import write_yaml

from deepz_zoo.errors import DeepZError
from deepz_zoo.package.checks import behavior
from deepz_zoo.package.checks.formats import run_bioimageio_tests
from deepz_zoo.package.checks.validate import CHECKSUMS, validate_package
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.package.reading.isolation import isolated_bioimageio
from deepz_zoo.package.reading.trust import programs_in
from deepz_zoo.package.reading.untrusted import read_description
from tests.builders import read_yaml

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

FORMATS = ("pytorch_state_dict", "torchscript", "onnx")


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / FILES.description
    content = read_yaml(path)
    change(content)
    write_yaml(content, path)


def keep_only(folder: Path, weight_format: str) -> dict[str, Any]:
    """Reduce a package to one weight format whose files may be changed; return its entry."""

    def change(rdf):
        entry = rdf["weights"][weight_format]
        entry.pop("sha256", None)
        entry.pop("parent", None)
        if "architecture" in entry:
            entry["architecture"].pop("sha256", None)
        rdf["weights"] = {weight_format: entry}

    edit(folder, change)
    return dict(read_yaml(folder / FILES.description)["weights"][weight_format])


def programs(folder: Path) -> dict[str, str]:
    return programs_in(read_description(folder / FILES.description), folder, FORMATS)


def statuses(folder: Path, *, trust: bool = False) -> dict[str, str]:
    with isolated_bioimageio(online=trust):
        checks = run_bioimageio_tests(folder / FILES.description, trust=trust)
    return {check.name: check.status for check in checks}


def test_own_package_holds_no_strange_program(unpacked):
    assert programs(unpacked) == {}


class MakesFolder:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("legacy", [False, True])
def test_pickled_program_in_a_state_dict_is_not_run(folder, tmp_path, legacy):
    made = tmp_path / "made"
    entry = keep_only(folder, "pytorch_state_dict")
    weights = folder / entry["source"]
    torch.save(
        {"weight": torch.zeros(2), "evil": MakesFolder(made)},
        weights,
        _use_new_zipfile_serialization=not legacy,
    )
    for trust in (False, True):
        with pytest.raises(DeepZError, match="was not unpickled") as error:
            validate_package(folder, trust=trust)
        assert "\n" not in str(error.value)
        assert "mkdir" in str(error.value)
        assert not made.exists()
    torch.load(weights, weights_only=False)
    assert made.exists(), "the test's weights do no harm at all"


def test_state_dict_that_is_no_file_of_torch(folder):
    entry = keep_only(folder, "pytorch_state_dict")
    (folder / entry["source"]).write_bytes(b"no weights")
    with pytest.raises(DeepZError, match="not a state dict of tensors"):
        statuses(folder)


def test_strange_architecture_is_run_only_when_trusted(folder, tmp_path):
    made = tmp_path / "made"
    entry = keep_only(folder, "pytorch_state_dict")
    source = folder / entry["architecture"]["source"]
    evil = f"\n\nimport os\n\nos.makedirs({str(made)!r}, exist_ok=True)\n"
    source.write_text(source.read_text(encoding="utf-8") + evil, encoding="utf-8")
    report = validate_package(folder, consumers=())
    assert not made.exists()
    assert [check.name for check in report.failed] == [CHECKSUMS]  # it was changed, after all
    found = {check.name: check for check in report.checks}
    skipped = found["Tests of the weight format (pytorch_state_dict)"]
    assert skipped.status == "skipped"
    assert "`trust`" in skipped.detail
    assert found[behavior.SIGN_OF_Z].status == "skipped"
    assert report.differences == ()
    names = statuses(folder, trust=True)
    assert made.exists()
    assert names["Reproduce test outputs from test inputs (pytorch_state_dict)"] == "passed"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"""', '"""\\"""', 1),
        lambda text: "import os\n" + text,
        lambda text: text.replace("import torch", "import torch, os", 1),
    ],
)
def test_architecture_that_only_looks_like_ours(folder, change):
    entry = read_yaml(folder / FILES.description)["weights"]["pytorch_state_dict"]
    source = folder / entry["architecture"]["source"]
    source.write_text(change(source.read_text(encoding="utf-8")), encoding="utf-8")
    assert list(programs(folder)) == ["pytorch_state_dict"]


def test_architecture_of_another_version_of_ours(folder):
    """The first docstring names the version; the same code is as good."""
    entry = read_yaml(folder / FILES.description)["weights"]["pytorch_state_dict"]
    source = folder / entry["architecture"]["source"]
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("deepz-zoo ", "deepz-zoo 9.", 1), encoding="utf-8")
    assert programs(folder) == {}


def test_importable_architecture_and_other_callable(folder):
    def other(rdf):
        rdf["weights"]["pytorch_state_dict"]["architecture"] = {
            "import_from": "os",
            "callable": "abort",
        }

    edit(folder, other)
    assert "a program, os" in programs(folder)["pytorch_state_dict"]


def test_processing_step_that_is_a_program(folder):
    step = {"id": "custom", "source": "step.py", "callable": "run"}
    edit(folder, lambda rdf: rdf["inputs"][0].update(preprocessing=[step]))
    assert set(programs(folder)) == set(FORMATS)


def test_formats_that_may_hold_programs_and_old_names():
    description = {"weights": {"keras_hdf5": {"source": "w.h5"}, "pytorch_script": {"source": "w"}}}
    found = programs_in(description, Path(), ("keras_hdf5", "torchscript"))
    assert "may hold programs" in found["keras_hdf5"]
    assert "old form" in found["torchscript"]


class Saves(torch.nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, self.path)
        return x[:, :1]


class Maps(Saves):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1] + torch.from_file(self.path, True, 1)


@pytest.mark.parametrize("kind", [Saves, Maps])
def test_torchscript_that_writes_files_is_not_run(folder, tmp_path, kind):
    written = tmp_path / "written"
    entry = keep_only(folder, "torchscript")
    weights = folder / entry["source"]
    torch.jit.script(kind(str(written))).save(str(weights))
    assert "which may read or write files" in programs(folder)["torchscript"]
    assert statuses(folder)["Tests of the weight format (torchscript)"] == "skipped"
    assert not written.exists()
    torch.jit.load(str(weights))(torch.ones(1, 2, 3, 3))
    assert written.exists(), "the test's program does no harm at all"


@pytest.mark.parametrize(
    "code",
    [
        'ops.aten.save(x, "f")',
        "torch.save # comment\n (x)",
        'getattr(ops.aten, "\\x73ave")(x, "f")',
        'getattr(ops.aten, "sa" "ve")(x, "f")',
        "__torch__.torch.classes.c10d.FileStore",
    ],
)
def test_hidden_operators_of_torchscript(folder, code):
    source = keep_only(folder, "torchscript")["source"]
    with zipfile.ZipFile(folder / source, "a") as archive:
        archive.writestr("deepz/code/__torch__/hidden.py", code)
    assert "torchscript" in programs(folder)


def test_ordinary_names_in_torchscript_are_no_operators(folder):
    source = keep_only(folder, "torchscript")["source"]
    code = 'x = getattr(self.layers, "0")\n_saved = self.from_files\n'
    with zipfile.ZipFile(folder / source, "a") as archive:
        archive.writestr("deepz/code/__torch__/ordinary.py", code)
    assert "torchscript" not in programs(folder)


@pytest.mark.parametrize("member", ["deepz/model.json", "model.json"])
def test_torchscript_of_the_old_form(folder, member):
    source = keep_only(folder, "torchscript")["source"]
    with zipfile.ZipFile(folder / source, "a") as archive:
        archive.writestr(member, "{}")
    assert "old form" in programs(folder)["torchscript"]


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd"])
def test_onnx_weights_outside_the_package(folder, location):
    source = folder / keep_only(folder, "onnx")["source"]
    model = onnx.load(source)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    source.write_bytes(model.SerializeToString())
    with pytest.raises(DeepZError, match="outside the package") as error:
        statuses(folder)
    assert location in str(error.value)


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Return an address on this computer and the list of what was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_GET = do_HEAD = _answer  # noqa: N815 - names of http.server

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}", asked
        http.shutdown()
        thread.join()


def test_addresses_of_files_are_not_fetched(folder, server):
    address, asked = server
    edit(folder, lambda rdf: rdf.update(documentation=f"{address}/README.md"))
    report = validate_package(folder, consumers=())
    (failure,) = report.failed
    assert f"{address}/README.md was not fetched; set `trust`" in failure.detail
    assert asked == []


@pytest.mark.slow
def test_links_are_followed_only_when_trusted(folder, server):
    address, asked = server
    keep_only(folder, "onnx")
    edit(folder, lambda rdf: rdf.update(git_repo=f"{address}/code"))
    assert "failed" not in statuses(folder).values()
    assert asked == []
    statuses(folder, trust=True)
    assert "/code" in asked
