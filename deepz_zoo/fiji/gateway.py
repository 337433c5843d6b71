"""Start ImageJ in this process, which can be done once, and give access to its classes."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.extras import require
from deepz_zoo.fiji import imagej2
from deepz_zoo.fiji.locate import HOW_TO_GET_JAVA, Installation, find_imagej, find_java
from deepz_zoo.fiji.menu_commands import BUILT_IN, plugin_entries, read_entries
from deepz_zoo.files import temporary_folder

EXIT_CODE_ENDED_BY_IMAGEJ = 2
ENDED_BY_IMAGEJ = (
    "ImageJ ended the program, as it does when a command that needs an open image finds none "
    "(getTitle, rename, …): open one first, and check nImages before such commands"
)


@dataclass(frozen=True)
class ImageJ:
    """The ImageJ of this process.

    Attributes
    ----------
    installation
        Where it comes from.
    headless
        Whether it runs without a display.
    """

    installation: Installation
    headless: bool

    @property
    def version(self) -> str:
        """ImageJ's version, such as ``1.53t``."""
        return str(self.java_class("ij.IJ").getVersion())

    def java_class(self, name: str) -> Any:
        """Return a Java class of ImageJ or of its plugins.

        Raises
        ------
        DeepZError
            If there is no such class.
        """
        import jpype

        if not name.startswith(("java.", "ij.")):
            loader = jpype.JClass("ij.IJ").getClassLoader()
            try:
                return jpype.JClass(name, loader=loader)
            except (TypeError, jpype.JException) as error:
                raise DeepZError(f"{self.installation} has no class {name}") from error
        return jpype.JClass(name)

    def has_class(self, name: str) -> bool:
        """Tell whether a class can be loaded, as a plugin that is installed can."""
        try:
            self.java_class(name)
        except DeepZError:
            return False
        return True


_started: ImageJ | None = None


def start_imagej(
    fiji: str | os.PathLike[str] | Installation | None = None, *, window: bool = False
) -> ImageJ:
    """Start ImageJ in this process, or return the one that was started before.

    A process can start Java only once, and with it one ImageJ.

    Parameters
    ----------
    fiji
        Which ImageJ, see `find_imagej`. None takes the one that runs already.
    window
        Run on the display instead of without one. StackReg needs that in a plain ImageJ, but not
        in a Fiji.

    Raises
    ------
    DeepZError
        If there is no Java or no such ImageJ, it does not start, another one runs already, or the
        extra ``fiji`` of this package is not installed.
    """
    global _started
    if _started is not None and fiji is None:
        return _started
    installation = fiji if isinstance(fiji, Installation) else find_imagej(fiji)
    headless = not window
    if _started is not None:
        if (installation, headless) != (_started.installation, _started.headless):
            raise DeepZError(
                f"{_started.installation} runs in this process already, and Java starts only once; "
                "use it, or start the other one in a new process"
            )
        return _started
    _start_java(installation, headless)
    _started = ImageJ(installation, headless)
    if installation.kind == "imagej" and headless:
        _fill_command_table(_started)
    return _started


def _start_java(installation: Installation, headless: bool) -> None:
    require("fiji", "jpype", "scyjava", what="ImageJ")
    import jpype
    import scyjava

    if jpype.isJVMStarted():
        raise DeepZError(
            "another library started Java in this process already; start ImageJ before it"
        )
    if not headless and sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise DeepZError(
            "there is no display to run ImageJ on; log in with one, or run this with xvfb-run"
        )
    if not headless and sys.platform == "darwin":
        raise DeepZError(
            "on macOS, Java opens no windows in a process of Python; start Fiji and use the macro "
            "there, or run this without a display"
        )
    if installation.kind == "fiji":
        imagej2.check_fiji(Path(installation.place))
    java = find_java(installation)
    if java is None and installation.kind != "maven":
        raise DeepZError(f"no Java found; {HOW_TO_GET_JAVA}, or name its folder in JAVA_HOME")
    if java is not None:
        os.environ["JAVA_HOME"] = str(java)
    _let_java_read_all_names()
    # "auto" takes the Java that is there; the default would download another one.
    scyjava.config.set_java_constraints(fetch="auto")
    # Ctrl-C reaches Python instead of ending the process inside Java.
    scyjava.config.add_kwargs(interrupt=False)
    scyjava.config.add_options(_java_options(headless, installation))
    try:
        if installation.kind == "imagej":
            scyjava.config.endpoints.clear()
            scyjava.config.add_classpath(installation.place)
            scyjava.start_jvm()
        else:
            imagej2.add_to_class_path(installation)
            scyjava.start_jvm()
            imagej2.start_gateway(window=not headless)
    except Exception as error:
        raise DeepZError(f"{installation} does not start: {error}") from error
    if not headless:
        scyjava.when_jvm_stops(_close_images)
    _report_exit()


def _let_java_read_all_names() -> None:
    """Choose a locale with UTF-8 on Linux, or Java would not find files with letters beyond ASCII.

    It takes the encoding of names from the locale alone, also where Python uses UTF-8 in spite of
    it.
    """
    chosen = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    if sys.platform == "linux" and "utf" not in chosen.lower():
        os.environ["LC_ALL"] = "C.UTF-8"


def _java_options(headless: bool, installation: Installation) -> list[str]:
    # StackReg writes files of fixed names there; two processes must not share them.
    kept = contextlib.ExitStack()
    temporary = kept.enter_context(temporary_folder("imagej"))
    atexit.register(kept.close)
    options = [
        f"-Djava.io.tmpdir={temporary}",
        f"-Djava.awt.headless={str(headless).lower()}",
        # Java limits the stack of the thread that it is called from as that of its own threads, to
        # 1 MB by default: h5py's LZF compression needs more, and would end the process.
        "-Xss8m",
        # Java leaves signals to Python: its handlers would keep forks from ending.
        "-Xrs",
        "-Dfile.encoding=UTF-8",  # of exec()'s output and of text files, whatever the locale
    ]
    if installation.kind != "imagej":
        options += imagej2.java_options(installation)
    elif installation.plugins is not None:
        options.append(f"-Dplugins.dir={installation.plugins}")
    return options


def _close_images() -> None:
    """Close all images without a question: the threads of their windows would keep Java running."""
    import jpype

    windows = jpype.JClass("ij.WindowManager")
    while (image := windows.getCurrentImage()) is not None:
        image.changes = False
        image.close()


def _report_exit() -> None:
    """Let `System.exit` in Java end Python with a message and exit code 2, not silently with 0."""
    import jpype

    ending = False

    def end() -> None:
        nonlocal ending
        ending = True

    def report() -> None:
        if not ending:
            sys.stdout.flush()
            sys.stderr.write(f"Error: {ENDED_BY_IMAGEJ}\n")
            sys.stderr.flush()
            os._exit(EXIT_CODE_ENDED_BY_IMAGEJ)

    hook = jpype.JClass("java.lang.Thread")(jpype.JProxy("java.lang.Runnable", {"run": report}))
    jpype.JClass("java.lang.Runtime").getRuntime().addShutdownHook(hook)
    atexit.register(end)  # Python's own end ends Java as well, after this


def _fill_command_table(imagej: ImageJ) -> None:
    """Fill the table of commands of a plain ImageJ, which has no menus headless."""
    import jpype

    ij = imagej.java_class("ij.IJ")
    with contextlib.suppress(jpype.JException):
        ij.run("")  # creates the empty table, then fails to create a menu bar
    table = imagej.java_class("ij.Menus").getCommands()
    settings = bytes(ij.class_.getResourceAsStream("/IJ_Props.txt").readAllBytes())
    plugins = imagej.installation.plugins
    for label, plugin in (
        *BUILT_IN.items(),
        *read_entries(settings.decode("latin-1").splitlines()),
        *(plugin_entries(plugins) if plugins else ()),
    ):
        table.put(label, plugin)
