"""The process that a macro runs in: ``python -m deepz_zoo.fiji.macro_child``.

The request comes on its input. It answers on its output with JSON, one object a line:
``{"printed": …}`` for what the macro prints and at last ``{"returned": …}`` or ``{"error": …}``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.gateway import start_imagej
from deepz_zoo.fiji.locate import Installation
from deepz_zoo.fiji.macro_text import run_macro


def main() -> None:
    """Run the macro that the request on standard input describes."""
    # Java and its plugins write to standard output as they like; the answers keep it to themselves.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)

        def answer(**content: Any) -> None:
            answers.write(f"{json.dumps(content)}\n")
            answers.flush()

        request = json.load(sys.stdin)
        try:
            imagej = start_imagej(_installation(request["imagej"]), headless=request["headless"])
            returned = run_macro(
                imagej,
                request["code"],
                request["options"],
                output=lambda text: answer(printed=text),
            )
        except DeepZError as error:
            answer(error=str(error))
        else:
            answer(returned=returned)
    # Windows that the macro left open would keep Java, and with it this process, alive.
    sys.stderr.flush()
    os._exit(0)


def _installation(found: dict[str, Any]) -> Installation:
    from pathlib import Path

    plugins = found["plugins"]
    return Installation(found["kind"], found["place"], Path(plugins) if plugins else None)


if __name__ == "__main__":
    main()
