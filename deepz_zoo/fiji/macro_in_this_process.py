"""Run a macro's text in the ImageJ of this process, and raise its errors as exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.gateway import ImageJ
from deepz_zoo.fiji.imagej_calls import ImageJError, Output, imagej_call

Value = str | int | float | bool | Path


class MacroError(ImageJError):
    """A macro ended with an error; the message is ImageJ's, with the line where it is known.

    Attributes
    ----------
    log
        What Java and its plugins wrote to standard error meanwhile, as far as it is known.
    """

    def __init__(self, message: str, *, log: str = "") -> None:
        super().__init__(message)
        self.log = log


def macro_options(values: Mapping[str, Value]) -> str:
    """Return values as an options string of ImageJ, such as ``z=-5:5:1 output=[/a b/c.tif]``.

    Parameters
    ----------
    values
        By lower-case key. True gives the bare key, as a checked box does, and False nothing.

    Raises
    ------
    DeepZError
        If a key or a value cannot be written in ImageJ's format.
    """
    words = []
    for key, value in values.items():
        if not key or not key.replace("_", "").isalnum() or key != key.lower():
            raise DeepZError(f"macro option {key!r}: expected lower-case letters, digits and _")
        if isinstance(value, bool):
            words += [key] if value else []
            continue
        text = str(value)
        if "]" in text or "[" in text or "\n" in text:
            raise DeepZError(f"macro option {key}: ImageJ takes no brackets in {text!r}")
        words.append(f"{key}=[{text}]" if " " in text or not text else f"{key}={text}")
    return " ".join(words)


def run_macro(
    imagej: ImageJ, code: str, options: str = "", *, output: Output = lambda text: None
) -> str | None:
    """Run a macro in the ImageJ of this process, and return what it returned.

    The macro finds `options` by ``getArgument()`` and by ``call("ij.Macro.getOptions")``, as if it
    had been called with ``run("Name", options)``.

    Parameters
    ----------
    imagej
        A running ImageJ.
    code
        The macro's text.
    options
        See `macro_options`.
    output
        Called with everything that the macro prints, while it runs.

    Raises
    ------
    MacroError
        If the macro stops with an error or by ``exit(message)``, ImageJ reports an error, or a
        plugin that it calls throws.
    DeepZError
        If this ImageJ is too old.
    """
    interpreter = imagej.java_class("ij.macro.Interpreter")()
    if not hasattr(interpreter, "getErrorMessage"):
        raise DeepZError(
            f"{imagej.installation} is ImageJ {imagej.version}, which is too old to report the "
            "errors of macros; update it (Help > Update ImageJ...) to 1.53 or newer"
        )
    by_abort = False

    def abort() -> None:
        nonlocal by_abort
        by_abort = by_abort or interpreter.getErrorMessage() is None
        interpreter.abortMacro()

    result = None
    failure: ImageJError | None = None
    try:
        with imagej_call(imagej, options, output=output, stop=abort):
            result = interpreter.run(code, options)
    except ImageJError as error:
        failure = error
    # After an abort the interpreter may report an error, such as "'}' expected", which the abort
    # itself caused. Any other error of the macro comes first: headless, its dialog fails, too.
    message = None if by_abort else interpreter.getErrorMessage()
    if message is not None:
        text = " ".join(str(message).split())
        raise MacroError(f"{text} (line {interpreter.getLineNumber()})") from failure
    if failure is not None:
        raise MacroError(str(failure)) from failure
    return None if result is None else str(result)
