"""Call ImageJ and its plugins in this process, and raise what goes wrong there as exceptions."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.gateway import ImageJ

Output = Callable[[str], None]

_CANCELED = "Macro canceled"
_COMMAND = re.compile(r"\bat (ij\.plugin\.[\w.$]+|\w+_)\.\w+\(")  # of a Java trace
_ERROR_METHODS = {"ij.macro.Functions.exit", "ij.IJ.error"}


class ImageJError(DeepZError):
    """ImageJ or a plugin reported an error; the message is its own."""


class NeedsDisplayError(ImageJError):
    """A command needs a window or a dialog, and there is no display."""


@contextmanager
def imagej_call(
    imagej: ImageJ,
    options: str = "",
    *,
    output: Output = lambda text: None,
    stop: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Let the code of a block call ImageJ as a macro does.

    Parameters
    ----------
    imagej
        A running ImageJ.
    options
        The options of the command that a plugin reads, see `macro_options`.
    output
        Called with what ImageJ prints, while it runs.
    stop
        Called when ImageJ reports an error; it might go on otherwise.

    Raises
    ------
    NeedsDisplayError
        If a dialog or a window was asked for without a display.
    ImageJError
        If Java throws, or ImageJ reports an error.
    """
    import jpype

    errors: list[str] = []
    try:
        with _macro_thread(imagej, options), _printing(imagej, output, errors, stop):
            yield
    except jpype.JException as error:
        if _text(error) != _CANCELED:
            errors.append(_text(error))
    if not errors:
        return
    if "HeadlessException" in errors[0]:
        found = _COMMAND.search(errors[0])
        command = found[1] if found else "a command"
        raise NeedsDisplayError(
            f"{command} asked for a dialog or a window, and there is no display; use a command "
            "without dialog, use a Fiji, or run on a display (`window`)"
        )
    # the message without the trace behind it
    raise ImageJError(" ".join(errors[0].partition("\n\tat ")[0].split()))


@contextmanager
def _macro_thread(imagej: ImageJ, options: str) -> Iterator[None]:
    """Name this thread as ImageJ names the one of a macro.

    The beginning of the name lets plugins read the options, the end lets an error stop the macro.
    """
    thread = imagej.java_class("java.lang.Thread").currentThread()
    macro = imagej.java_class("ij.Macro")
    name = thread.getName()
    thread.setName("Run$_Macro$")
    macro.setOptions(options)
    try:
        yield
    finally:
        macro.setOptions(None)
        thread.setName(name)


@contextmanager
def _printing(
    imagej: ImageJ, output: Output, errors: list[str], stop: Callable[[], None]
) -> Iterator[None]:
    """Receive what ImageJ prints: its errors in a list, the rest as output.

    Headless, ImageJ prints its error messages to the same stream as the macro's output; only the
    calling methods tell them apart.
    """
    import jpype

    thread = imagej.java_class("java.lang.Thread")
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(buffer: Any) -> int:
        count = int(buffer.remaining())
        data = jpype.JByte[count]
        buffer.get(data)
        text = decoder.decode(bytes(memoryview(data)))
        if _reports_error(thread.currentThread().getStackTrace()):
            errors.append(text)
            stop()
        elif not errors:
            output(text)
        return count

    methods = {"write": write, "isOpen": lambda: True, "close": lambda: None}
    channel = jpype.JProxy("java.nio.channels.WritableByteChannel", methods)
    stream = imagej.java_class("java.nio.channels.Channels").newOutputStream(channel)
    system = imagej.java_class("java.lang.System")
    before = system.out
    system.setOut(imagej.java_class("java.io.PrintStream")(stream, True, "UTF-8"))
    try:
        yield
    finally:
        system.setOut(before)


def _reports_error(stack: Any) -> bool:
    """Tell by the calling methods whether an error is being printed.

    That is ``exit(message)``, ImageJ's own error message, or the trace of an exception that a
    command threw, after which ImageJ goes on with the macro.
    """
    methods = [f"{frame.getClassName()}.{frame.getMethodName()}" for frame in stack]
    own = [method for method in methods if method.startswith("ij.")]
    return any(method in _ERROR_METHODS for method in own) or own[:2] == [
        "ij.IJ.log",
        "ij.Executer.run",
    ]


def _text(error: Any) -> str:
    """Return the message of a Java exception, or its class where it has none."""
    message = error.getMessage()
    return str(error.toString()) if message is None else str(message)
