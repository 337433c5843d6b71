"""Files appear completely or not at all; what is wrong with a record is one line."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import (
    Record,
    check_readable,
    first_fault,
    read_record,
    refuse_output,
    replacing,
    sha256_of,
    temporary_folder,
    undone_if_failed,
    write_record,
)
from deepz_zoo.network.graph.export import export_torchscript
from tests.builders import tiny_model
from tests.small_disk import mounted

WRITER = """
import sys
from pathlib import Path
from deepz_zoo.files import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("theirs")
    print("ready", flush=True)
    sys.stdin.readline()
"""

UNPACKER = """
import sys
from deepz_zoo.files import temporary_folder
with temporary_folder("test") as folder:
    (folder / "weights.onnx").write_text("large")
    print("ready", flush=True)
    sys.stdin.readline()
"""

posix = pytest.mark.skipif(os.name == "nt", reason="needs pipes and devices: run on Linux or macOS")


class Lens(Record):
    name: str
    magnification: float = 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.txt"


def start_writer(path: Path) -> subprocess.Popen[str]:
    """Return another process that has begun to write `path` and waits for a line to finish."""
    return start(WRITER, path)


def start(program: str, *arguments: Path) -> subprocess.Popen[str]:
    """Return a process that is ready and waits for a line to finish."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_file_appears_when_its_block_ends(path):
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("before", [None, "old"])
def test_a_failure_leaves_what_was_there_and_nothing_else(path, error, before):
    if before is not None:
        path.write_text(before)
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_text("half")
        raise error
    left = [file.read_text() for file in path.parent.iterdir()]
    assert left == ([] if before is None else [before])


def test_a_block_that_writes_nothing_is_an_error(path):
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert not path.exists()


def test_an_existing_file_is_replaced_only_if_it_may_be(path):
    path.write_text("old")
    with pytest.raises(DeepZError, match="exists; name another file or set `overwrite`"):
        refuse_output(path, overwrite=False)
    with pytest.raises(DeepZError, match="set `overwrite`"), replacing(path, overwrite=False):
        pytest.fail("the block must not run")
    with replacing(path, overwrite=True) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("place", "reason"), [("", "is a folder"), ("none/out.txt", "none does not exist")]
)
def test_places_that_cannot_be_written(tmp_path, place, reason):
    with pytest.raises(DeepZError, match=reason), replacing(tmp_path / place):
        pytest.fail("the block must not run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say which processes run")
def test_what_a_killed_process_left_is_removed(path):
    process = start_writer(path)
    process.kill()
    process.communicate()
    assert len(list(path.parent.iterdir())) == 1
    with replacing(path) as temporary:
        temporary.write_text("mine")
    assert list(path.parent.iterdir()) == [path]


def test_only_what_replacing_left_is_removed(tmp_path):
    path = tmp_path / "out[1].txt"  # a pattern, taken for one
    others = {".out[1].txt.part", ".out[1].txt.old.part", ".out1.txt.999999.part", "out[1].txt.bak"}
    for name in others:
        (tmp_path / name).touch()
    with replacing(path) as temporary:
        temporary.write_text("mine")
    assert {file.name for file in tmp_path.iterdir()} == others | {path.name}


def test_two_writers_do_not_disturb_each_other(path):
    process = start_writer(path)
    with replacing(path) as temporary:
        temporary.write_text("mine")
    assert path.read_text() == "mine"
    assert len(list(path.parent.iterdir())) == 2  # the other one is not done
    process.communicate("\n")
    assert process.returncode == 0
    assert path.read_text() == "theirs"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say which processes run")
def test_folders_that_a_killed_process_left_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    killed, running = start(UNPACKER), start(UNPACKER)
    assert len(list(tmp_path.iterdir())) == 2
    killed.kill()
    killed.communicate()
    other = tmp_path / "deepz-of-a-user"
    other.mkdir()
    with temporary_folder("test") as folder:
        (folder / "file").touch()
        assert folder.parent == tmp_path
        assert len(list(tmp_path.iterdir())) == 3
    assert len(list(tmp_path.iterdir())) == 2
    running.communicate("\n")
    assert list(tmp_path.iterdir()) == [other]


@pytest.mark.parametrize("error", [DeepZError, KeyboardInterrupt])
def test_a_failure_undoes_what_was_made(tmp_path, error):
    before = tmp_path / "before.txt"
    before.touch()
    new = tmp_path / "a" / "b" / "new.txt"
    with pytest.raises(error), undone_if_failed([before, new, tmp_path / "a" / "never.txt"]):
        new.parent.mkdir(parents=True)
        new.touch()
        raise error
    assert list(tmp_path.iterdir()) == [before]


def test_a_failure_leaves_what_others_wrote(tmp_path):
    new, foreign = tmp_path / "a" / "new.txt", tmp_path / "a" / "foreign.txt"
    with pytest.raises(DeepZError), undone_if_failed([new]):
        new.parent.mkdir()
        new.touch()
        foreign.touch()
        raise DeepZError
    assert list(new.parent.iterdir()) == [foreign]


@pytest.mark.parametrize("size", [0, 3, (1 << 20) + 1])
def test_hash(path, size):
    content = os.urandom(size)
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


def test_a_record_is_frozen_and_refuses_unknown_fields():
    lens = Lens(name="20x/0.80")
    with pytest.raises(ValidationError, match="frozen"):
        lens.name = "40x/1.30"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Lens(name="20x/0.80", immersion="air")  # type: ignore[call-arg]


def test_a_record_is_read_as_it_was_written(path):
    lens = Lens(name="20x/0.80 µm", magnification=0.1 + 0.2)
    write_record(path, lens)
    assert read_record(path, Lens) == lens
    assert path.read_bytes().decode() == (
        '{\n "name": "20x/0.80 µm",\n "magnification": 0.30000000000000004\n}\n'
    )
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "file: Invalid JSON: EOF"),
        ('{"name": "20x', "file: Invalid JSON: EOF"),
        ("[1, 2]", "file: Input should be an object"),
        ("{}", "name: Field required"),
        ('{"name": "a", "magnification": "much"}', "magnification: Input should be a valid number"),
        ('{"name": "a", "immersion": "oil"}', "immersion: Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_with_a_record_is_one_line(path, content, fault):
    path.write_text(content)
    with pytest.raises(DeepZError) as caught:
        read_record(path, Lens)
    assert str(caught.value).startswith(f"{path}: not a Lens ({fault}")
    assert "\n" not in str(caught.value)


def test_a_fault_names_what_the_record_was_read_from():
    with pytest.raises(ValidationError) as caught:
        Lens.model_validate({"name": 3})
    assert first_fault(caught.value, "config.deepz").startswith("config.deepz.name: ")
    assert first_fault(caught.value).startswith("name: ")


# ---------------------------------------------------------------- inputs, links, devices and pipes


def test_an_input_is_never_replaced_by_whatever_name(tmp_path):
    original = tmp_path / "mine.tif"
    original.write_text("mine")
    (tmp_path / "link.tif").symlink_to(original)
    (tmp_path / "hard.tif").hardlink_to(original)
    for name in ("mine.tif", "link.tif", "hard.tif", "../" + tmp_path.name + "/mine.tif"):
        with pytest.raises(DeepZError, match="is an input too"):
            refuse_output(tmp_path / name, inputs=[original])
    refuse_output(tmp_path / "other.tif", inputs=[original, tmp_path / "missing.tif"])
    with pytest.raises(DeepZError, match="is an input too"):
        refuse_output(tmp_path / "missing.tif", inputs=[tmp_path / "missing.tif"])


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "a.txt", tmp_path / "a.txt"
    target.write_text("old")
    link.symlink_to(target)
    with replacing(link) as temporary:
        assert temporary.parent == target.parent  # so that renaming crosses no disk
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    with pytest.raises(DeepZError, match="is a link that leads nowhere"):
        refuse_output(tmp_path / "nowhere")


@posix
def test_a_pipe_is_written_through(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with replacing(pipe, overwrite=False) as temporary:
        temporary.write_text("through")
    reader.join(10)
    assert read == ["through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@posix
def test_a_device_stays_a_device():
    null = Path("/dev/null")
    before = null.stat().st_mode, null.stat().st_rdev
    with replacing(null) as temporary:
        temporary.write_text("nothing")
    assert (null.stat().st_mode, null.stat().st_rdev) == before


@posix
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pipe", "is not a regular file; expected a picture"),
        ("folder", "is a folder; expected a picture"),
        ("missing", "does not exist; expected a picture"),
        ("loop", "cannot be opened .*; expected a picture"),
        ("a\0b", "cannot be opened .*; expected a picture"),
    ],
)
def test_what_cannot_be_read_is_told_at_once(tmp_path, name, message):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(DeepZError, match=message):
        check_readable(tmp_path / name, "a picture")


@pytest.fixture
def full_disk(tmp_path):
    """Return a folder on a disk of 100 kB."""
    with mounted(tmp_path / "disk", "100k") as folder:
        (folder / "mine").write_bytes(bytes(60_000))
        yield folder


def write_with_numpy(path):
    np.zeros(10**6).tofile(path)


def write_with_tifffile(path):
    tifffile.imwrite(path, np.zeros((1000, 1000)))


def export_tiny_torchscript(path):
    export_torchscript(tiny_model(), path)


def write_with_safetensors(path):
    save_file({"a": torch.zeros(10**6)}, path)


@pytest.mark.parametrize(
    "write",
    [write_with_numpy, write_with_tifffile, write_with_safetensors, export_tiny_torchscript],
)
def test_a_full_disk_is_one_line_whatever_library_meets_it(full_disk, write):
    path = full_disk / "a.bin"
    message = f"^disk full while writing {path}; free some space"
    with pytest.raises(DeepZError, match=message), replacing(path) as temporary:
        write(temporary)
    assert [path.name for path in full_disk.iterdir()] == ["mine"]


def test_other_errors_are_no_full_disk(tmp_path):
    with pytest.raises(KeyError), replacing(tmp_path / "a"):
        raise KeyError("other")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_record_holds_finite_numbers_only(path, number):
    path.write_text(f'{{"name": "20x", "magnification": {number}}}')
    with pytest.raises(DeepZError, match=r"magnification: .*finite"):
        read_record(path, Lens)


def test_deeply_nested_json_is_no_record(path):
    path.write_text(f'{{"name": {"[" * 10_000}{"]" * 10_000}}}')
    with pytest.raises(DeepZError, match="recursion limit"):
        read_record(path, Lens)
