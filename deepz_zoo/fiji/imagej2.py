"""Start ImageJ2, which a Fiji is, as Fiji's own launcher does.

pyimagej would do so, too, but needs jars of imglyb that no Fiji has, and does not return before its
window is closed.
"""

from __future__ import annotations

from pathlib import Path

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.locate import Installation

_LEGACY = "net.imagej:imagej-legacy"


def check_fiji(folder: Path) -> None:
    """Check that a Fiji is complete.

    Raises
    ------
    DeepZError
        If the jar of ImageJ2 is missing.
    """
    jars = folder / "jars"
    if not any(jars.glob("imagej-[0-9]*.jar")):
        raise DeepZError(
            f"{jars} holds imagej-legacy, but no imagej jar: this Fiji is incomplete; download it "
            "again"
        )


def java_options(installation: Installation) -> list[str]:
    """Return the options of Java that ImageJ2 needs, those of Fiji's launcher."""
    options = [
        # imagej-legacy changes classes of ImageJ while they are loaded
        "--add-opens=java.base/java.lang=ALL-UNNAMED",
        "-Dscijava.context.strict=false",  # one broken plugin does not stop all
    ]
    if installation.kind == "fiji":
        folder = installation.place
        options += [f"-Dimagej.dir={folder}", f"-Dplugins.dir={Path(folder) / 'plugins'}"]
    return options


def add_to_class_path(installation: Installation) -> None:
    """Name the jars of a Fiji or of Maven to scyjava, before it starts Java."""
    import scyjava

    scyjava.config.endpoints.clear()
    if installation.kind == "fiji":
        for name in ("jars", "plugins"):
            scyjava.config.add_classpath(*scyjava.config.find_jars(Path(installation.place) / name))
        return
    coordinates = installation.place.split("+")
    if not any(name.startswith(_LEGACY) for name in coordinates):
        coordinates.append(f"{_LEGACY}:MANAGED")  # in the version that belongs to the others
    scyjava.config.endpoints.extend([*coordinates, "org.scijava:scijava-config:MANAGED"])


def start_gateway(*, window: bool) -> None:
    """Create ImageJ2 in the running Java, with its main window or without.

    No class of ImageJ may have been used before.
    """
    import jpype
    import scyjava

    _open_modules()
    gateway = jpype.JClass("net.imagej.ImageJ")()
    scyjava.when_jvm_stops(gateway.dispose)
    if window:
        gateway.ui().showUI()


def _open_modules() -> None:
    """Open all packages of Java to plugins, which ``--add-opens`` could only do one by one."""
    import jpype

    module, text = (jpype.JClass(f"java.lang.{name}").class_ for name in ("Module", "String"))
    for name in ("implAddOpensToAllUnnamed", "implAddExportsToAllUnnamed"):
        method = module.getDeclaredMethod(name, text)
        method.setAccessible(True)
        for part in jpype.JClass("java.lang.ModuleLayer").boot().modules():
            for package in part.getPackages():
                method.invoke(part, package)
