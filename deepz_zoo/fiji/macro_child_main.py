"""The program of a macro's child process: ``python -m deepz_zoo.fiji.macro_child_main``.

It reads a request from standard input and writes its answers to standard output as JSON, one
object per line: ``{"printed": …}`` for what the macro prints, then ``{"returned": …}`` or
``{"error": …}``. `deepz_zoo.fiji.macro_in_child_process` starts it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.gateway import start_imagej
from deepz_zoo.fiji.locate import Installation
from deepz_zoo.fiji.macro_in_this_process import run_macro


def main() -> None:
    """Run the macro that the request on standard input describes."""
    # Java and its plugins may write to standard output, too; only the answers go there.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)

        def answer(**content: Any) -> None:
            answers.write(f"{json.dumps(content)}\n")
            answers.flush()

        request = json.load(sys.stdin)
        installation = _installation(request["imagej"])
        if installation.folder is not None:
            # deepImageJ installs its engines into the current folder, unless Java is Fiji's own
            os.chdir(installation.folder)
        try:
            imagej = start_imagej(installation, window=request["window"])
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
    # Open windows of the macro would keep Java, and with it this process, running.
    sys.stderr.flush()
    os._exit(0)


def _installation(found: dict[str, Any]) -> Installation:
    from pathlib import Path

    plugins = found["plugins"]
    return Installation(found["kind"], found["place"], Path(plugins) if plugins else None)


if __name__ == "__main__":
    main()
