"""Prepare a stack in ImageJ's windows: ``python prepare_in_window.py FOLDER_OF_IMAGEJ``.

Prints as JSON what the macro returned or the message that it showed, for each quality of EDF.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

from deepz_zoo.fiji import MacroError, find_macro, run_macro, start_imagej

imagej = start_imagej(sys.argv[1], window=True)
messages: list[str] = []


def text_of(container: Any) -> str:
    """Return the lines that a message dialog shows, which only a label inside of it holds."""
    for part in container.getComponents():
        if hasattr(part, "getComponents") and (text := text_of(part)):
            return text
        if part.getClass().getSimpleName() == "MultiLineLabel":
            field = part.getClass().getDeclaredField("lines")
            field.setAccessible(True)
            return " ".join(str(line) for line in field.get(part))
    return ""


def close_messages() -> None:
    """Press the button of each message, once its text is noted."""
    window, dialog = map(imagej.java_class, ("java.awt.Window", "java.awt.Dialog"))
    while True:
        for shown in window.getWindows():
            if isinstance(shown, dialog) and shown.isShowing():
                messages.append(text_of(shown))
                shown.dispose()
        time.sleep(0.05)


imagej.java_class("ij.ImageJ")()
threading.Thread(target=close_messages, daemon=True).start()
macro = find_macro("Deep-Z_Prepare").read_text(encoding="ascii")
results = []
for options in ("quality=4", "quality=0 edf_seconds=0.5", "quality=1"):
    stack = 'while (nImages > 0) close(); newImage("z", "8-bit ramp", 64, 48, 5); setSlice(4);'
    messages.clear()
    try:
        results.append(run_macro(imagej, stack + macro, options) or " ".join(messages))
    except MacroError as error:
        results.append(" ".join([str(error), *messages]))
print(json.dumps(results), flush=True)
os._exit(0)  # open windows would keep Java alive
