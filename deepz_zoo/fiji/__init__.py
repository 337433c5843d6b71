"""The bridge to Fiji and ImageJ: models from macros, StackReg and EDF from Python."""

from __future__ import annotations

from deepz_zoo.fiji.gateway import ImageJ, start_imagej
from deepz_zoo.fiji.locate import Installation, find_imagej
from deepz_zoo.fiji.macro_process import (
    MacroCanceledError,
    MacroRun,
    MacroTimeoutError,
    find_macro,
    run_macro_file,
)
from deepz_zoo.fiji.macro_text import MacroError, macro_options, run_macro

__all__ = [
    "ImageJ",
    "Installation",
    "MacroCanceledError",
    "MacroError",
    "MacroRun",
    "MacroTimeoutError",
    "find_imagej",
    "find_macro",
    "macro_options",
    "run_macro",
    "run_macro_file",
    "start_imagej",
]
