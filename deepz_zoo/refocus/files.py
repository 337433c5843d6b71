"""Many images: which files are meant, and where each result goes."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import IMAGE_SUFFIXES, count_positions, is_ome_zarr


@dataclass(frozen=True)
class Job:
    """One image, and the file that its refocused image is written to.

    Attributes
    ----------
    image, output
        The files.
    position
        Which of the separate images of a multi-position file, from 0; None for its only one.
    """

    image: Path
    output: Path
    position: int | None = None

    def __str__(self) -> str:
        """Name the image."""
        place = "" if self.position is None else f", position {self.position + 1}"
        return f"{self.image}{place}"


def find_images(names: Iterable[str]) -> list[Path]:
    """Return the files that names of files, folders and patterns stand for, each once.

    Parameters
    ----------
    names
        A file, which need not exist; a folder, for the images that lie in it; or a pattern with
        ``*``, ``?`` or ``[…]``, in which ``**`` stands for any folders. Shells expand patterns
        too, but not on all systems.

    Raises
    ------
    DeepZError
        If there is no image in a folder, or none that a pattern fits.
    """
    found: dict[Path, Path] = {}
    for name in names:
        for path in _expand(name):
            found.setdefault(path.absolute(), path)
    return list(found.values())


def is_several(name: str) -> bool:
    """Tell whether a name may stand for several files: one of a folder, or a pattern."""
    path = Path(name)
    return (path.is_dir() and not is_ome_zarr(path)) or (glob.has_magic(name) and not path.exists())


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if not is_several(name):
        return [path]
    if path.is_dir():
        found = [item for item in path.iterdir() if _is_image_name(item)]
        if not found:
            raise DeepZError(f"{name}: no image in this folder ({', '.join(IMAGE_SUFFIXES)})")
    else:
        names = glob.glob(name, recursive=True)  # noqa: PTH207 - Path's takes no absolute ones
        found = [item for item in map(Path, names) if item.is_file() or is_ome_zarr(item)]
        if not found:
            raise DeepZError(f"{name}: no file has such a name")
    return sorted(found)


def _is_image_name(path: Path) -> bool:
    hidden = path.name.startswith(".")  # temporary files, and what macOS puts beside files
    return path.name.lower().endswith(IMAGE_SUFFIXES) and not hidden and _holds_image(path)


def _holds_image(path: Path) -> bool:
    return is_ome_zarr(path) or not path.is_dir()


def plan_outputs(
    images: Sequence[Path],
    folder: Path,
    suffix: str,
    position: int | None = None,
    ending: str = ".tif",
) -> list[Job]:
    """Return where each image goes: ``NAME`` + `suffix` + `ending` in a folder.

    Each position of a multi-position file has its output: ``NAME_p1``, ``NAME_p2``, …. An image
    that is itself the output for another one is left out, so that a folder can be worked on twice.

    Parameters
    ----------
    images
        From `find_images`.
    folder
        For all outputs.
    suffix
        Distinguishes outputs from images.
    position
        The only position of each file to refocus, from 0; None for all.
    ending
        Tells the format: ``.tif`` or ``.ome.zarr``.

    Raises
    ------
    DeepZError
        If two images would go to one file.
    """
    if Path(suffix).name != suffix and suffix:
        raise DeepZError(f"suffix {suffix!r}: expected a part of a file's name")
    planned = [
        Job(image, folder / f"{_stem(image)}{name}{suffix}{ending}", place)
        for image in images
        for name, place in _positions(image, position)
    ]
    made = {job.output.absolute() for job in planned}
    jobs: dict[Path, Job] = {}
    for job in planned:
        if job.image.absolute() in made - {job.output.absolute()}:
            continue
        if job.output in jobs:
            raise DeepZError(
                f"{jobs[job.output]} and {job} would both go to {job.output}; rename one of them, "
                "or refocus them into different folders"
            )
        jobs[job.output] = job
    return list(jobs.values())


def _positions(image: Path, only: int | None) -> list[tuple[str, int | None]]:
    """Return the positions of a file to refocus, and what tells their outputs apart."""
    if only is not None:
        return [("", only)]
    try:
        count = count_positions(image)
    except DeepZError:  # which is told when its turn comes
        return [("", None)]
    return [(f"_p{i + 1}", i) for i in range(count)] if count > 1 else [("", None)]


def _stem(image: Path) -> str:
    """Return a file's name without what tells its format: ``.tif``, ``.ome.tif``."""
    name = image.name
    for suffix in (*IMAGE_SUFFIXES, ".ome"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name
