"""Files that are written completely or not at all, their hashes, and records as JSON."""

from __future__ import annotations

import csv
import glob
import hashlib
import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from deepz_zoo.disk import is_disk_full
from deepz_zoo.errors import DeepZError

_BLOCK_BYTES = 1 << 20
_FULL_DISK_BYTES = 1 << 16


class Record(BaseModel):
    """The base of all records and settings: frozen; unknown fields and NaN are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


AnyRecord = TypeVar("AnyRecord", bound=BaseModel)


@contextmanager
def replacing(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[Path]:
    """Yield a temporary name beside `path`, which becomes `path` if the block succeeds.

    Whatever happens in the block, no reader sees a partial file and no temporary file is left. A
    link stays, and the file that it leads to is replaced. A device or a pipe, such as
    ``/dev/stdout``, stays what it is and is written through when the block has succeeded.

    Parameters
    ----------
    path
        The file to write.
    overwrite
        Whether a file of that name is replaced.

    Raises
    ------
    DeepZError
        If the disk is full; and see `refuse_output`.
    """
    path = Path(path)
    refuse_output(path, overwrite=overwrite)
    if _is_written_through(path):
        with temporary_folder("output") as folder:
            yield (made := folder / path.name)
            with made.open("rb") as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
        return
    path = path.resolve()
    temporary = temporary_name(path)
    try:
        with _full_disk_in_one_line(path):
            yield temporary
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary name for a folder, which becomes `path` if the block succeeds.

    A folder that was there is deleted then, and kept otherwise.

    Raises
    ------
    DeepZError
        If the disk is full, or the folder to write into does not exist.
    """
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise DeepZError(f"cannot write {path}: the folder {path.parent} does not exist")
    path = path.resolve()
    temporary, old = temporary_name(path), path.with_name(f".{path.name}.old.{os.getpid()}.part")
    try:
        with _full_disk_in_one_line(path):
            yield temporary
            if path.exists():
                path.replace(old)
            temporary.replace(path)
    finally:
        remove(temporary)
        remove(old)


@contextmanager
def _full_disk_in_one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not isinstance(error, DeepZError) and _tells_of_full_disk(error, path.parent):
            raise DeepZError(
                f"disk full while writing {path}; free some space and repeat"
            ) from error
        raise


def _tells_of_full_disk(error: Exception, folder: Path) -> bool:
    """Tell whether writing failed for want of space.

    Libraries report it each in their own way, some by no more than the number of bytes that they
    could write; then the disk has hardly a block left.
    """
    return is_disk_full(error) or shutil.disk_usage(folder).free < _FULL_DISK_BYTES


def _is_written_through(path: Path) -> bool:
    """Tell what a file must not replace: devices, pipes, and what the system lists as files."""
    listed = str(path.absolute()).startswith(("/dev/", "/proc/"))
    return listed or (path.exists() and not path.is_file() and not path.is_dir())


def temporary_name(path: Path) -> Path:
    """Return a name of this process beside `path`, and delete those of killed processes."""
    _remove_leftovers(path.parent, f".{path.name}.")
    return path.with_name(f".{path.name}.{os.getpid()}.part")


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """Yield a folder among the system's temporary files, which is deleted after the block.

    Those that killed processes left, for any purpose, are deleted first.

    Parameters
    ----------
    purpose
        One word, which becomes part of its name.
    """
    # Computers may share such folders, and each knows its own processes only.
    start = f"deepz-{platform.node()}-"
    _remove_leftovers(Path(tempfile.gettempdir()), start)
    end = f".{os.getpid()}.part"
    with tempfile.TemporaryDirectory(end, f"{start}{purpose}-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _remove_leftovers(folder: Path, start: str) -> None:
    """Delete what processes that were killed left in a folder: ``START…PID.part``."""
    for leftover in folder.glob(f"{glob.escape(start)}*.part"):
        process = leftover.name.removeprefix(start).removesuffix(".part").rpartition(".")[2]
        if process.isdecimal() and _has_ended(int(process)):
            remove(leftover)


def remove(path: Path) -> None:
    """Delete a file, a link or a folder with all that it holds; nothing is said of what stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


@contextmanager
def undone_if_failed(paths: Iterable[str | os.PathLike[str]]) -> Iterator[None]:
    """Delete files that a failing block has made, and the folders that were made for them.

    Parameters
    ----------
    paths
        Files that the block writes. Those that exist before it are left alone.
    """
    files = [path for path in map(Path, paths) if not path.exists()]
    folders = {folder for path in files for folder in path.parents if not folder.exists()}
    try:
        yield
    except BaseException:
        for path in files:
            remove(path)
        for folder in sorted(folders, reverse=True):  # the inner ones first
            with suppress(OSError):
                folder.rmdir()  # unless it holds something
        raise


def _has_ended(process: int) -> bool:
    """Tell whether no process of that number runs; always False on Windows."""
    if sys.platform == "win32":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OverflowError, PermissionError):
        return False
    return False


def refuse_output(
    path: str | os.PathLike[str],
    *,
    overwrite: bool = True,
    inputs: Iterable[str | os.PathLike[str]] = (),
) -> None:
    """Check that a file may be written, before anything is computed for it.

    Parameters
    ----------
    path
        The file to write.
    overwrite
        Whether a file of that name is replaced.
    inputs
        Files that are read, which are never replaced, by whatever name or link.

    Raises
    ------
    DeepZError
        If `path` is a folder or an input, lies in a folder that does not exist, or exists without
        `overwrite`.
    """
    path = Path(path)
    if path.is_dir():
        raise DeepZError(f"{path} is a folder; expected the name of a file to write")
    if not path.absolute().parent.is_dir():
        raise DeepZError(f"cannot write {path}: the folder {path.parent} does not exist")
    if any(_is_same_file(path, Path(name)) for name in inputs):
        raise DeepZError(f"{path} is an input too; choose another name for the output")
    if _is_written_through(path):
        return
    if path.is_symlink() and not path.exists():
        raise DeepZError(f"{path} is a link that leads nowhere; name another file")
    if path.exists() and not overwrite:
        raise DeepZError(f"{path} exists; name another file or set `overwrite`")


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them does not exist, or a link leads nowhere
        return one.absolute() == other.absolute()


def check_readable(path: str | os.PathLike[str], expected: str) -> Path:
    """Check that a path names a file that can be read to its end, and return it.

    Parameters
    ----------
    path
        The file.
    expected
        What it should be, for the message: "an image file".

    Raises
    ------
    DeepZError
        If it is missing, a folder, or a device or a pipe, which may never end.
    """
    path = Path(path)
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        raise DeepZError(f"{path} does not exist; expected {expected}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DeepZError(f"{path} cannot be opened ({reason}); expected {expected}") from error
    if stat.S_ISDIR(kind):
        raise DeepZError(f"{path} is a folder; expected {expected}")
    if not stat.S_ISREG(kind):
        raise DeepZError(f"{path} is not a regular file; expected {expected}")
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits, without holding it in memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def write_record(path: Path, record: BaseModel) -> None:
    """Write a record as JSON, completely or not at all.

    Raises
    ------
    DeepZError
        If the folder does not exist, or `path` is one.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(f"{record.model_dump_json(indent=1)}\n".encode())


def read_record(path: Path, kind: type[AnyRecord]) -> AnyRecord:
    """Read a record from JSON.

    Raises
    ------
    DeepZError
        If the file is not JSON or does not hold a `kind`; one line, which names the place.
    """
    check_readable(path, "a JSON file")
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise DeepZError(f"{path}: not a {kind.__name__} ({first_fault(error)})") from error


def first_fault(error: ValidationError, inside: str = "") -> str:
    """Return the first fault in a record, as ``place: what is wrong``.

    Parameters
    ----------
    error
        What pydantic raised.
    inside
        Name of what the record was read from, before the place in it.
    """
    first = error.errors()[0]
    place = ".".join(filter(None, [inside, *map(str, first["loc"])]))
    return f"{place or 'file'}: {first['msg']}"


def write_table(
    path: str | os.PathLike[str],
    columns: Sequence[str],
    rows: Iterable[Iterable[object]],
    *,
    overwrite: bool = True,
) -> None:
    """Write a table as CSV, by way of a temporary name.

    Parameters
    ----------
    path
        The file to write.
    columns
        Their names.
    rows
        A value for each column: numbers with six digits, "yes" or "no" for what is true or not, and
        nothing for None.
    overwrite
        Whether a file of that name is replaced.
    """
    with (
        replacing(path, overwrite=overwrite) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
