"""Write the JSON schema of ``config.deepz`` into ``packaging/deepz_config.schema.json``.

For maintainers: ``python packaging/write_schema.py`` after a change of what packages state; a test
compares the two.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deepz_zoo.package.contents.deepz_config import DeepZConfig

SCHEMA = Path(__file__).with_name("deepz_config.schema.json")

_HEADING = "\n\nAttributes\n----------\n"


def schema_text() -> str:
    """Return the schema of `DeepZConfig`, with a description at each field."""
    schema = DeepZConfig.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        _describe_fields(model)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return (
        json.dumps({**head, **schema, "title": "config.deepz"}, indent=1, ensure_ascii=False) + "\n"
    )


def _describe_fields(model: dict[str, Any]) -> None:
    """Move what a docstring says of the attributes to the fields."""
    text, _, attributes = model.get("description", "").partition(_HEADING)
    model["description"] = " ".join(text.partition("\n\nExamples")[0].split())
    names: list[str] = []
    for line in attributes.splitlines():
        if not line.startswith(" "):
            names = line.split(", ")
            continue
        for name in names:
            field = model["properties"][name]
            field["description"] = f"{field.get('description', '')} {line.strip()}".strip()


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8", newline="\n")
