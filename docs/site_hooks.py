"""Bring what stands beside ``docs`` into the site, and links to it along."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parents[1]))
from docs.error_messages import error_page

ROOT = Path(__file__).parents[1]
IN_SITE = ("CHANGELOG.md", "CONTRIBUTING.md", "model_cards")
LINK = re.compile(r"\]\((?P<up>\.\./)(?P<path>[^)#]*)")


def on_files(files: Files, config: Any) -> Files:
    """Add the model cards, the changelog and the page for contributors."""
    paths = [ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
    cards = ROOT / "model_cards"
    paths += [*cards.glob("*.md"), *cards.glob("*.png")]
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Fill in what is generated, and turn links of the repository into those of the site."""
    markdown = markdown.replace("<!-- all error messages -->", error_page())
    markdown = markdown.replace("<!-- words of CONTRIBUTING.md -->", glossary())

    def target(found: re.Match[str]) -> str:
        path = found["path"]
        if page.file.src_uri.startswith("model_cards/"):
            if path.startswith("docs/"):
                return f"](../{path.removeprefix('docs/')}"
            return f"]({config.repo_url}/blob/main/{path}"
        if path.startswith(IN_SITE):
            return f"]({path}"
        return f"]({config.repo_url}/blob/main/{path}"

    return LINK.sub(target, markdown.replace("](docs/", "]("))


def glossary() -> str:
    """Return the words of the field, as they stand in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return text.partition("## Words\n")[2].partition("\nAlso:")[0].strip()
