"""Tell whether a package is what was built, and which of its files is not."""

from __future__ import annotations

from pathlib import Path

from deepz_zoo.files import sha256_of
from deepz_zoo.package.checks.check import Check, passed_if
from deepz_zoo.package.contents.checksums import CHECKSUMS_NAME
from deepz_zoo.package.reading.archive import open_package
from deepz_zoo.package.reading.checksums import read_checksums, wrong_checksums


def verify_package(path: Path) -> tuple[Check, ...]:
    """Compare a package with ``SHA256SUMS`` beside it, and its files with the one inside.

    Nothing of the package is run.

    Parameters
    ----------
    path
        A zip file or a folder.

    Returns
    -------
    tuple of Check
        One named after the package, which is skipped where nothing beside it states its hash, and
        one for each of its files.

    Raises
    ------
    DeepZError
        If `path` holds no package that can be opened, a malicious one, or one that
        states no hashes.
    """
    with open_package(path) as description:
        folder = description.parent
        wrong = wrong_checksums(folder)
        right = set(read_checksums(folder / CHECKSUMS_NAME)) - set(wrong)
    files = [Check(name, "passed") for name in right]
    files += [Check(name, "failed", how) for name, how in wrong.items()]
    return (_archive(path), *sorted(files, key=lambda check: check.name))


def _archive(path: Path) -> Check:
    """Compare a zip file as a whole: its hash covers the list inside too."""
    beside = path.with_name(CHECKSUMS_NAME)
    if path.is_dir() or not beside.is_file():
        return Check(path.name, "skipped", f"there is no {CHECKSUMS_NAME} beside it")
    stated = read_checksums(beside, skip_other_lines=True).get(path.name)
    if stated is None:
        return Check(path.name, "skipped", f"{CHECKSUMS_NAME} beside it does not list it")
    found = sha256_of(path)
    return passed_if(found == stated, path.name, f"SHA-256 {found}, stated {stated}")
