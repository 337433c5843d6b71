"""Copy macros and models into a Fiji, record what was written, and remove exactly that."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.macro_files import macros_folder
from deepz_zoo.fiji.onnx_copy import copy_with_onnx_alone
from deepz_zoo.files import replacing, sha256_of, temporary_folder, undone_if_failed
from deepz_zoo.package.reading.archive import open_package
from deepz_zoo.progress import Progress, no_progress

MACROS_FOLDER = "plugins/Deep-Z"
MODELS_FOLDER = "models"
RECORD_NAME = f"{MACROS_FOLDER}/installed.json"


@dataclass(frozen=True)
class Removal:
    """What an uninstallation did.

    Attributes
    ----------
    removed
        Files that are gone, relative to the folder.
    kept
        Files that were changed since they were installed, and stayed.
    """

    removed: tuple[str, ...]
    kept: tuple[str, ...]


def install(
    folder: str | os.PathLike[str],
    packages: Sequence[str | os.PathLike[str]] = (),
    *,
    force: bool = False,
) -> tuple[str, ...]:
    """Copy the macros, and models unpacked from their packages, into a Fiji or ImageJ.

    Of a model with ONNX weights, the others are left out (see `copy_with_onnx_alone`). Nothing is
    written unless everything can be.

    Parameters
    ----------
    folder
        The folder of a Fiji or ImageJ.
    packages
        bioimage.io packages, zip files or folders; each becomes a folder of its name in models/.
    force
        Whether to replace files that this package did not write, or that were changed since.

    Returns
    -------
    tuple of str
        The files that were written, relative to `folder`.

    Raises
    ------
    DeepZError
        If `folder` is not a Fiji or ImageJ, a package is invalid, or a file of another origin has
        the same name.
    """
    root = _root(folder)
    record = _read_record(root)
    with ExitStack() as stack:
        files = _macro_files()
        copies = stack.enter_context(temporary_folder("install"))
        for index, package in enumerate(map(Path, packages)):
            description = stack.enter_context(open_package(package))
            copy = copy_with_onnx_alone(description, copies / str(index))
            files |= _model_files(package, copy)
        new = {
            name: source
            for name, source in files.items()
            if not (root / name).exists() or sha256_of(root / name) != sha256_of(source)
        }
        foreign = [name for name in new if _is_foreign(root, name, record.files)]
        if foreign and not force:
            more = f" (nor {len(foreign) - 1} more)" if len(foreign) > 1 else ""
            raise DeepZError(
                f"{root / foreign[0]} exists and deepz-zoo did not write it as it is{more}; move "
                "it away, or set `force` to replace it"
            )
        digests = {name: sha256_of(source) for name, source in new.items()}
        made = _Record(record.files | digests, record.folders | _missing(root, new))
        stack.enter_context(undone_if_failed(root / name for name in (*new, RECORD_NAME)))
        # Written beside their places, all files take them when this block ends, the record first:
        # even an installation that is killed can be removed.
        for name, source in new.items():
            temporary = stack.enter_context(_writing(root / name))
            temporary.write_bytes(source.read_bytes())
        _write_record(stack.enter_context(_writing(root / RECORD_NAME)), made)
    return tuple(sorted(new))


def find_package(model: str, folder: Path, *, progress: Progress = no_progress) -> Path:
    """Return the package of a model, which is built where it is a model of the zoo.

    Parameters
    ----------
    model
        A package (zip file or folder), or ``objective/channel``, whose package is built.
    folder
        Where to build it.
    progress
        Called with the name of each step of building.

    Raises
    ------
    DeepZError
        If there is no such package or model, or the license of the model must be accepted first.
    """
    if Path(model).exists() or model.endswith(".zip"):
        return Path(model)
    from deepz_zoo.models import load_model
    from deepz_zoo.package.build import build_package, default_name

    loaded, manifest = load_model(model)
    if manifest.restricted:
        raise DeepZError(
            f"{manifest.name}: {manifest.license}; accept the license by building the package with "
            "'deepz-zoo package' and `accept_license`, and name that file"
        )
    return build_package(loaded, manifest, folder / default_name(manifest), progress=progress).path


def uninstall(folder: str | os.PathLike[str], *, force: bool = False) -> Removal:
    """Remove what `install` wrote, and the folders that become empty.

    Parameters
    ----------
    folder
        The folder of the Fiji or ImageJ.
    force
        Whether to remove files too that were changed since.

    Raises
    ------
    DeepZError
        If `folder` is not a Fiji or ImageJ, or holds no record of an installation.
    """
    root = _root(folder)
    if not (root / RECORD_NAME).is_file():
        raise DeepZError(f"{root} holds no record ({RECORD_NAME}); nothing was installed there")
    record = _read_record(root)
    kept = {
        name: digest
        for name, digest in record.files.items()
        if not force and (root / name).is_file() and sha256_of(root / name) != digest
    }
    removed = [name for name in record.files if name not in kept and (root / name).is_file()]
    for name in removed:
        (root / name).unlink()
    if kept:
        with replacing(root / RECORD_NAME) as temporary:
            _write_record(temporary, _Record(kept, record.folders))
    else:
        (root / RECORD_NAME).unlink()
    for name in sorted(record.folders, reverse=True):  # the inner ones first
        folder = root / name
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return Removal(tuple(sorted(removed)), tuple(sorted(kept)))


def _root(folder: str | os.PathLike[str]) -> Path:
    root = Path(folder)
    if not (root / "plugins").is_dir():
        raise DeepZError(f"{root} has no plugins folder; expected the folder of a Fiji or ImageJ")
    return root


def _macro_files() -> dict[str, Path]:
    macros = sorted(macros_folder().glob("*.ijm"))
    if not macros:
        raise DeepZError(f"{macros_folder()} holds no macros; reinstall deepz-zoo")
    return {f"{MACROS_FOLDER}/{path.name}": path for path in macros}


def _model_files(package: Path, unpacked: Path) -> dict[str, Path]:
    name = package.resolve().name.removesuffix(".zip")
    return {
        f"{MODELS_FOLDER}/{name}/{path.relative_to(unpacked).as_posix()}": path
        for path in sorted(unpacked.rglob("*"))
        if path.is_file()
    }


def _is_foreign(root: Path, name: str, record: Mapping[str, str]) -> bool:
    path = root / name
    if path.is_dir():
        raise DeepZError(f"{path} is a folder, where a file should go; move it away")
    return path.exists() and sha256_of(path) != record.get(name)


def _writing(path: Path) -> AbstractContextManager[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return replacing(path)


def _missing(root: Path, files: Iterable[str]) -> set[str]:
    """Return the folders that do not exist yet and that the files need."""
    parents = {parent for name in (*files, RECORD_NAME) for parent in PurePosixPath(name).parents}
    return {str(parent) for parent in parents if not (root / parent).exists()}


# ---------------------------------------------------------------------------------- the record


@dataclass(frozen=True)
class _Record:
    """What was installed: the SHA-256 of each file, and the folders that were created."""

    files: dict[str, str]
    folders: set[str]


def _read_record(root: Path) -> _Record:
    path = root / RECORD_NAME
    if not path.is_file():
        return _Record({}, set())
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        record = _Record(dict(content["files"]), set(content["folders"]))
        sound = all(map(_is_ours, (*record.files, *record.folders)))
    except (ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        raise DeepZError(f"{path} is damaged; remove it, and what was installed, by hand")
    return record


def _is_ours(name: str) -> bool:
    """Tell whether `install` writes such a name, so that a forged record deletes nothing else."""
    ours = f"{name}/".startswith((f"{MACROS_FOLDER}/", f"{MODELS_FOLDER}/"))
    return ours and ".." not in PurePosixPath(name).parts and not set(name) & set("\\:")


def _write_record(path: Path, record: _Record) -> None:
    content = {
        "deepz_zoo": __version__,
        "files": dict(sorted(record.files.items())),
        "folders": sorted(record.folders),
    }
    path.write_text(f"{json.dumps(content, indent=1)}\n", encoding="utf-8")
