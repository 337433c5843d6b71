"""The bridge to Fiji and ImageJ.

What runs where: `gateway` starts ImageJ in this process, and `imagej_calls` turns its errors into
exceptions. `stackreg_and_edf_by_class` and `macro_in_this_process` use that ImageJ.
`macro_in_child_process` starts a process of its own for each macro, which `macro_child_main` is.
"""

from __future__ import annotations

from deepz_zoo.fiji.gateway import ImageJ, start_imagej
from deepz_zoo.fiji.locate import Installation, find_imagej
from deepz_zoo.fiji.macro_files import find_macro
from deepz_zoo.fiji.macro_in_child_process import (
    MacroCanceledError,
    MacroRun,
    MacroTimeoutError,
    run_macro_file,
)
from deepz_zoo.fiji.macro_in_this_process import MacroError, macro_options, run_macro

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
