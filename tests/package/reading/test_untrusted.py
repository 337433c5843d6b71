"""Malicious descriptions and arrays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.package.reading.untrusted import (
    is_remote,
    leads_outside,
    open_array,
    read_description,
    refuse_harmful_files,
)

pytestmark = pytest.mark.slow


def refused(path: Path, text: str | bytes) -> str:
    """Return why a description is refused."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(DeepZError) as error:
        read_description(path)
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 1000
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rdf.yaml"


def test_ordinary_description_with_aliases_is_read(path):
    path.write_text("a: &a {x: 1}\nb: [*a, *a]\nc: µ\n", encoding="utf-8")
    assert read_description(path) == {"a": {"x": 1}, "b": [{"x": 1}] * 2, "c": "µ"}


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_aliases_that_unfold_to_billions(path):
    assert "unfolds to more than" in refused(path, laughs(20))


def test_aliases_of_mappings_through_merge_keys(path):
    lines = ["a0: &a0 {k: [1, 2, 3, 4, 5, 6, 7, 8]}"]
    lines += [
        f"a{n}: &a{n} {{" + ", ".join(f"k{i}: *a{n - 1}" for i in range(9)) + "}"
        for n in range(1, 12)
    ]
    assert "unfolds to more than" in refused(path, "\n".join(lines))


def test_long_text_that_aliases_repeat(path):
    text = f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 100)}]\n"
    assert "unfolds to more than" in refused(path, text)


def test_value_that_contains_itself(path):
    assert "contains itself" in refused(path, "a: &a [*a]")


def test_anchor_that_is_used_twice(path):
    assert "two values are named" in refused(path, "a: &a [1]\nb: &a [*a, *a]")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting(path, opening):
    assert "levels" in refused(path, "a:\n  " + opening * 3000)


def test_huge_description_is_not_parsed(path):
    assert "larger than 1 MiB" in refused(path, "# " + "x" * 2**20)


def test_many_values(path):
    assert "unfolds to more than" in refused(path, "a: [" + "1," * 60_000 + "]")


@pytest.mark.parametrize(
    "text",
    [
        "a: *nothing",
        "a: !!bool maybe",
        "a: !!int ''",
        "a: !!timestamp never",
        "a: " + "9" * 5000,
        "a: 2001-99-99",
        "{[1]: 2, {}: 3}",
        "a: 1\na: 2",
        "a: 1\n---\nb: 2",
        b"a: \xff\xfe",
        "a: \0",
    ],
)
def test_text_that_is_no_description(path, text):
    assert "rdf.yaml" in refused(path, text)


def test_objects_of_python_are_not_made(path, tmp_path):
    made = tmp_path / "made"
    refused(path, f"a: !!python/object/apply:os.mkdir ['{made}']")
    assert not made.exists()


OUTSIDE = [
    "../secret",
    "a/../../secret",
    "/etc/passwd",
    "\\\\server\\share",
    "..\\secret",
    "C:\\secret",
    "c:secret",
    "~/secret",
    "file:///etc/passwd",
    "FILE:/etc/passwd",
    " /etc/passwd",
    "fi\tle:///etc/passwd",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_outside(name):
    assert leads_outside(name)
    assert not is_remote(name)


@pytest.mark.parametrize("name", ["weights.pt", "a/b.npy", "a..b", ".hidden", "Übung 1.png"])
def test_names_that_stay_inside(name):
    assert not leads_outside(name)
    assert not is_remote(name)


@pytest.mark.parametrize(
    "name", ["http://a.org/x", "HTTPS://a.org/x", "http:a.org/x", " http://a.org", "ht\ntp://a"]
)
def test_addresses(name):
    assert is_remote(name)


DESCRIPTIONS: list[tuple[str, Any]] = [
    ("weights.onnx.source", {"weights": {"onnx": {"source": "../x"}}}),
    ("inputs[0].test_tensor.source", {"inputs": [{"test_tensor": {"source": "../x"}}]}),
    ("inputs[0].test_tensor", {"inputs": [{"test_tensor": "../x"}]}),
    ("covers[1]", {"covers": ["a.png", "../x"]}),
    ("documentation", {"documentation": "../x"}),
    ("attachments.files[0]", {"attachments": {"files": ["../x"]}}),
    ("attachments[0].source", {"attachments": [{"source": "../x"}]}),
    ("test_inputs[0]", {"test_inputs": ["../x"]}),
    (
        "weights.pytorch_state_dict.architecture",
        {"weights": {"pytorch_state_dict": {"architecture": "../x.py:Model"}}},
    ),
    (
        "weights.pytorch_state_dict.architecture.source",
        {"weights": {"pytorch_state_dict": {"architecture": {"source": "../x.py"}}}},
    ),
    (
        "weights.keras_hdf5.dependencies",
        {"weights": {"keras_hdf5": {"dependencies": "conda:../x"}}},
    ),
    (
        "weights.onnx.external_data.source",
        {"weights": {"onnx": {"external_data": {"source": "../x"}}}},
    ),
]


@pytest.mark.parametrize(("place", "description"), DESCRIPTIONS)
def test_description_that_names_a_file_outside(tmp_path, place, description):
    with pytest.raises(DeepZError, match="outside the package") as error:
        refuse_harmful_files(tmp_path, description)
    assert str(error.value).startswith(f"{place} names '../x")


class MakesFolder:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


def test_array_of_pickled_objects_is_not_unpickled(tmp_path):
    made = tmp_path / "made"
    np.save(tmp_path / "a.npy", np.array([MakesFolder(made)]), allow_pickle=True)
    with pytest.raises(DeepZError, match=r"a\.npy is not a sound array of numbers"):
        refuse_harmful_files(tmp_path, {})
    assert not made.exists()
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert made.exists(), "the test's array does no harm at all"


def test_array_shorter_than_it_says(tmp_path):
    path = tmp_path / "A.NPY"
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(100))
    with pytest.raises(DeepZError, match="not a sound array") as error:
        refuse_harmful_files(tmp_path, {})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("header", [b"(" * 9000, b"{'descr': '<f4'}", b"\0" * 50, b"1+" * 4000])
def test_header_that_is_none(tmp_path, header):
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(DeepZError, match="not a sound array"):
        open_array(path)


def test_pickle_and_archive_under_the_name_of_an_array(tmp_path):
    np.savez(tmp_path / "several.npz", a=np.zeros(3))
    (tmp_path / "several.npz").rename(tmp_path / "several.npy")
    with pytest.raises(DeepZError, match="several arrays"):
        open_array(tmp_path / "several.npy")
    (tmp_path / "pickle.npy").write_bytes(b"\x80\x04N.")
    with pytest.raises(DeepZError, match="not a sound array"):
        open_array(tmp_path / "pickle.npy")


def test_sound_arrays_pass(tmp_path):
    array = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "a.npy", array)
    refuse_harmful_files(tmp_path, {"documentation": "README.md"})
    np.testing.assert_array_equal(open_array(tmp_path / "a.npy"), array)
