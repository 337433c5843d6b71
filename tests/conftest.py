"""Settings of the whole suite: one thread, no network, and a tiny zoo to test with."""

from __future__ import annotations

import os

# before anything imports torch, onnxruntime or bioimageio
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("BIOIMAGEIO_HTTP_TIMEOUT", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# onnxruntime reports on its use and caches in the home folder otherwise
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import pytest
import torch

from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.package.build import build_package
from deepz_zoo.records.accuracy import (
    BENCHMARK_VERSION,
    COMPARED_METHODS,
    NOISES,
    Accuracy,
    BeadRow,
    BenchmarkSettings,
    ImageMetrics,
    ImageRow,
    Ratio,
)
from deepz_zoo.records.conditions import Condition
from deepz_zoo.records.limits import LimitCurve, LimitPoint, LimitSettings, MeasuredLimits
from deepz_zoo.records.manifest import Manifest
from deepz_zoo.zoo.examples import Example, tilted_surface
from tests.builders import (
    CONFIG,
    SHAPE,
    SYSTEM,
    blurred_stack,
    tiny_model,
    training_record,
    write_run,
)

# Stand-ins for plugins that must not be redistributed.
JAVA_SOURCES = Path(__file__).parent / "fiji" / "java"


def pytest_configure(config: pytest.Config) -> None:
    """Keep bioimageio's cache out of the user's own; pytest-xdist's processes inherit it."""
    if "BIOIMAGEIO_CACHE_PATH" not in os.environ:
        cache = tempfile.TemporaryDirectory(prefix="bioimageio_")
        os.environ["BIOIMAGEIO_CACHE_PATH"] = cache.name
        config.add_cleanup(cache.cleanup)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests whose fixtures need TensorFlow, old engines, a browser or a display."""
    external = {"tensorflow", "engine", "browser", "display"}
    for item in items:
        if external.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("external")


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]):
    """Return a function that runs ``deepz-zoo`` in this process: (exit code, stdout, stderr)."""
    from deepz_zoo.cli.main import main

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(7)
    return Generator(GeneratorConfig(width=0.05, levels=2)).eval()


@pytest.fixture
def run(tmp_path: Path, generator: Generator) -> Path:
    """Return a run's folder with the weights of `generator`."""
    return write_run(tmp_path / "run", generator)


@pytest.fixture
def accuracy() -> Accuracy:
    """Return metrics of every method, noise and distance; the model's correlation is 0.875."""
    images = [
        ImageRow(
            noise=noise,
            specimen="mean",
            dz_um=dz,
            method=method,
            images=4,
            correlation=0.875 if method == "model" else 0.5,
            error_over_rms=0.4375,
            ssim=0.9375,
            mae=0.0625,
            mse=0.0156,
            rmse=0.125,
        )
        for noise in NOISES
        for dz in (-10.0, -5.0, 0.0, 5.0, 10.0)
        for method in COMPARED_METHODS
        if method != "other"
    ]
    ratio = Ratio(median=0.8125, mean=0.75, q25=0.5625, q75=1.0625)
    bead = BeadRow(
        noise="low",
        dz_um=5.0,
        method="model",
        beads=17,
        diverged=2,
        peak=ratio,
        fwhm=None,
        flux=ratio,
        true_fwhm_um=0.5,
    )
    return Accuracy(
        benchmark_version=BENCHMARK_VERSION,
        code_version="0.1.0",
        system_name="leica20x_0.8/TxRd",
        seeds=(1_500_000,),
        specimens=("beads",),
        settings=BenchmarkSettings(),
        images=tuple(images),
        beads=(bead,),
    )


# ------------------------------------------------------------------------------ a tiny package


@pytest.fixture(scope="session")
def model() -> DeepZModel:
    return tiny_model()


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return Manifest(
        size="custom",
        system=SYSTEM,
        generator=CONFIG,
        training=training_record(date="2026-02-03", validation_mae=0.02),
        sha256="0" * 64,
    )


@pytest.fixture(scope="session")
def example() -> Example:
    return Example(blurred_stack(), tilted_surface(SYSTEM, SHAPE))


@pytest.fixture(scope="session")
def built(
    model: DeepZModel,
    manifest: Manifest,
    example: Example,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return a package that all tests share, and none changes."""
    path = tmp_path_factory.mktemp("package") / "tiny.zip"
    build_package(model, manifest, path, test=False, example=example)
    return path


@pytest.fixture(scope="session")
def unpacked(built: Path) -> Path:
    """Return the package as a folder that all tests share, and none changes."""
    folder = built.parent / "unpacked"
    zipfile.ZipFile(built).extractall(folder)
    return folder


# ------------------------------------------------------------------------------- a real ImageJ


@pytest.fixture(scope="session")
def ij_jar() -> Path:
    """Return Debian's ij.jar, without plugins."""
    jar = Path(os.environ.get("IJ_JAR", "/usr/share/java/ij.jar"))
    if not jar.is_file() or shutil.which("java") is None:
        pytest.skip("needs Java and ImageJ: apt-get install default-jdk-headless imagej")
    pytest.importorskip("scyjava", reason="pip install 'deepz-zoo[fiji]'")
    return jar


@pytest.fixture(scope="session")
def imagej_folder(ij_jar: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an ImageJ that has plugins with the names of StackReg and EDF."""
    if shutil.which("javac") is None:
        pytest.skip("needs a Java compiler: apt-get install default-jdk-headless")
    folder = tmp_path_factory.mktemp("ImageJ")
    classes, plugins = folder / "classes", folder / "plugins"
    plugins.mkdir()
    sources = [str(path) for path in JAVA_SOURCES.rglob("*.java")]
    subprocess.run(
        ["javac", "--release", "8", "-nowarn", "-cp", ij_jar, "-d", classes, *sources],
        check=True,
        capture_output=True,
    )
    for path in classes.glob("*.class"):
        shutil.copy(path, plugins)
    with zipfile.ZipFile(plugins / "EDF_.jar", "w") as archive:
        archive.writestr("plugins.config", 'Plugins, "EDF Easy mode", EDF_Easy_\n')
        for path in classes.glob("edf*/*.class"):
            archive.write(path, path.relative_to(classes))
    (folder / "ij.jar").symlink_to(ij_jar)
    return folder


@pytest.fixture(scope="session")
def imagej(imagej_folder: Path):
    """Return the ImageJ of this test process: Java starts once, so that all tests share one."""
    from deepz_zoo.fiji import start_imagej

    return start_imagej(imagej_folder)


def limit_curve(
    condition: Condition,
    trained: tuple[float, float],
    correlations: dict[float, float],
    ratios: dict[float, float] | None = None,
) -> LimitCurve:
    rest = {"error_over_rms": 0.5, "ssim": 0.9, "mae": 0.1, "mse": 0.01, "rmse": 0.1}
    return LimitCurve(
        condition=condition,
        trained=trained,
        points=tuple(
            LimitPoint(
                value=value,
                images=2,
                model=ImageMetrics(correlation=correlation, **rest),
                input=ImageMetrics(correlation=0.3125, **rest),
                signal_to_noise=(ratios or {}).get(value),
            )
            for value, correlation in correlations.items()
        ),
    )


@pytest.fixture
def limits() -> MeasuredLimits:
    """Return curves that fail beyond -12 and 14 µm, under 100 e⁻ (signal/noise 6), …"""
    return MeasuredLimits(
        version=1,
        code_version="0.1.0",
        system_name="leica20x_0.8/TxRd",
        seeds=(1_600_000,),
        specimens=("beads",),
        settings=LimitSettings(),
        curves=(
            limit_curve("distance", (-10, 10), {-15: 0.6, -10: 0.8, 0: 1.0, 10: 0.8, 15: 0.7}),
            limit_curve(
                "signal",
                (1000, 10_000),
                {10: 0.8, 1000: 1.0, 10_000: 1.0},
                {10: 1.5, 1000: 24.0, 10_000: 96.0},
            ),
            limit_curve("density", (1, 3), {1: 1.0, 3: 1.0, 10: 0.8}),
            limit_curve("spherical_aberration", (1, 1), {-1: 0.2, 0: 0.6, 1: 1.0}),
            limit_curve("pixel_size", (1, 1), {0.8: 0.7, 0.9: 0.95, 1: 1.0, 1.1: 0.93, 1.2: 0.7}),
        ),
    )
