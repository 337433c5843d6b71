"""``deepz-zoo evaluate``: how accurate a model is, on simulated stacks or on the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from deepz_zoo.cli.accuracy_tables import print_accuracy, print_limits, print_stack_accuracy
from deepz_zoo.cli.options import model_options, progress_bar, weights_option
from deepz_zoo.errors import DeepZError
from deepz_zoo.records.conditions import CONDITIONS, Condition

if TYPE_CHECKING:
    from deepz_zoo.evaluation.measured import StackAccuracy
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.accuracy import Accuracy, Noise
    from deepz_zoo.records.limits import MeasuredLimits
    from deepz_zoo.records.manifest import Manifest


ALL = "all"


@click.command("evaluate")
@model_options()
@weights_option
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    show_default="4; 2 with --limits",
    help="Held-out simulated stacks of each specimen and noise.",
)
@click.option(
    "--noise",
    type=click.Choice(["low", "realistic", "both"]),
    default="both",
    show_default=True,
    help="Noise of the simulated input images.",
)
@click.option(
    "--limits",
    metavar="[CONDITION]",
    multiple=True,
    is_flag=False,
    flag_value=ALL,
    type=click.Choice([ALL, *CONDITIONS]),
    help="Measure where the model fails, instead: under every condition, or under this one "
    f"(repeatable): {', '.join(CONDITIONS)}.",
)
@click.option(
    "--benchmark",
    "reproduce",
    is_flag=True,
    help="Measure the accuracy that the model's manifest states again; a figure that is off by "
    "more than 2 % is a failed check.",
)
@click.option(
    "--against",
    metavar="MODEL",
    help="Judge another model on the same images: a name, a checkpoint or a package.",
)
@click.option("--quick", is_flag=True, help="A first look: small images, no deconvolution.")
@click.option(
    "--stack",
    "stack_path",
    metavar="STACK.tif",
    type=click.Path(path_type=Path),
    help="Evaluate on this measured z-stack (increasing stage z) instead of simulated ones.",
)
@click.option(
    "--pixel-size",
    "pixel_size_um",
    type=click.FloatRange(min=0, min_open=True),
    help="Pixel size of --stack in µm, where the file does not say it.",
)
@click.option(
    "--z-step",
    "z_step_um",
    type=click.FloatRange(min=0, min_open=True),
    help="Distance between the planes of --stack in µm, where the file does not say it.",
)
@click.option("--reverse", is_flag=True, help="--stack was acquired with decreasing stage z.")
@click.option("--beads", is_flag=True, help="Measure the spots of --stack as beads.")
@click.option(
    "--json",
    "json_path",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every figure to this file.",
)
@click.option(
    "--plot",
    "plot_path",
    metavar="FILE.png",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write plots against the refocusing distance.",
)
def command(
    *,
    model_name: str | None,
    weights: str | None,
    seeds: int | None,
    noise: Noise | Literal["both"],
    limits: tuple[Literal["all"] | Condition, ...],
    reproduce: bool,
    against: str | None,
    quick: bool,
    stack_path: Path | None,
    pixel_size_um: float | None,
    z_step_um: float | None,
    reverse: bool,
    beads: bool,
    json_path: Path | None,
    plot_path: Path | None,
) -> None:
    """Measure the accuracy of a model through the graph that its users run.

    By default on simulated z-stacks that no training has seen: each refocused image is
    compared with the noise-free plane, beside a blank image, the input as it is and
    Richardson–Lucy deconvolution with the true point-spread function. --against puts another model
    beside them, such as that of the other --size.

    With --limits, on simulated z-stacks of which one condition at a time leaves what the model was
    trained on. Name the model before the option.

    With --benchmark, as the figures in the model's manifest were measured, to compare with them.

    With --stack, on a measured z-stack: its in-focus plane and defocused ones are refocused to
    the other planes and compared with what the microscope recorded there.
    """
    _check_options(stack_path, pixel_size_um, z_step_um, reverse, beads)
    if limits:
        _exclude("--limits", {"--noise": noise != "both", "--stack": stack_path is not None})
    if against is not None:
        given = {"--limits": bool(limits), "--stack": stack_path is not None}
        _exclude("--against", given | {"--benchmark": reproduce})
    if reproduce:
        given = {"--limits": bool(limits), "--stack": stack_path is not None, "--quick": quick}
        given |= {"--noise": noise != "both", "--seeds": seeds is not None}
        _exclude("--benchmark", given)
    for path in (json_path, plot_path):
        if path is not None and not path.absolute().parent.is_dir():
            raise DeepZError(f"{path}: its folder does not exist; create it first")
    from deepz_zoo.cli.models import load_any_model, load_named_model

    model, manifest = load_named_model(model_name, weights)
    system = manifest.system
    if reproduce:
        from deepz_zoo.evaluation.reproduction import check_agreement

        stated = manifest.accuracy
        if stated is None:
            raise DeepZError(f"{manifest.name}: these weights state no accuracy to compare with")
        accuracy = _repeat_benchmark(model, manifest, stated)
        print_accuracy(accuracy)
        _write(accuracy, json_path, plot_path)
        largest = check_agreement(stated, accuracy)
        click.echo(f"The figures are those of the manifest, to {largest:.2%}.")
    elif limits:
        conditions = CONDITIONS if ALL in limits else tuple(c for c in CONDITIONS if c in limits)
        found = _measure_limits(model, system, conditions, seeds, quick)
        print_limits(found)
        _write(found, json_path, plot_path)
    elif stack_path is None:
        other = load_any_model(against)[0] if against is not None else None
        accuracy = _evaluate_simulated(model, system, seeds, noise, quick, other)
        print_accuracy(accuracy)
        _write(accuracy, json_path, plot_path)
    else:
        measured = _evaluate_measured(
            model, system, stack_path, pixel_size_um, z_step_um, reverse, beads
        )
        print_stack_accuracy(measured, stack_path.name)
        _write(measured, json_path, plot_path)


def _check_options(
    stack_path: Path | None,
    pixel_size_um: float | None,
    z_step_um: float | None,
    reverse: bool,
    beads: bool,
) -> None:
    given = {
        "--pixel-size": pixel_size_um is not None,
        "--z-step": z_step_um is not None,
        "--reverse": reverse,
        "--beads": beads,
    }
    if stack_path is None and any(given.values()):
        names = " and ".join(option for option, present in given.items() if present)
        raise click.UsageError(f"{names} describe a measured stack; name it with --stack")


def _exclude(option: str, given: dict[str, bool]) -> None:
    if names := " and ".join(option for option, present in given.items() if present):
        raise click.UsageError(f"{names} cannot stand beside {option}; leave one of them out")


def _repeat_benchmark(model: DeepZModel, manifest: Manifest, stated: Accuracy) -> Accuracy:
    from deepz_zoo.evaluation.reproduction import repeat_benchmark

    with progress_bar() as bar:
        task = bar.add_task("simulated stacks", total=None)
        return repeat_benchmark(
            model,
            manifest.system,
            stated,
            lambda done, total: bar.update(task, completed=done, total=total),
        )


def _evaluate_simulated(
    model: DeepZModel,
    system: ImagingSystem,
    seeds: int | None,
    noise: Noise | Literal["both"],
    quick: bool,
    other: DeepZModel | None,
) -> Accuracy:
    from deepz_zoo.evaluation.benchmark import (
        FIRST_SEED,
        SEEDS,
        default_settings,
        evaluate,
        quick_settings,
    )

    with progress_bar() as bar:
        task = bar.add_task("simulated stacks", total=None)
        return evaluate(
            model,
            system,
            seeds=range(FIRST_SEED, FIRST_SEED + (seeds or len(SEEDS))),
            noise=noise,
            settings=(quick_settings if quick else default_settings)(system),
            other=other,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _measure_limits(
    model: DeepZModel,
    system: ImagingSystem,
    conditions: tuple[Condition, ...],
    seeds: int | None,
    quick: bool,
) -> MeasuredLimits:
    from deepz_zoo.evaluation.limits import (
        FIRST_SEED,
        SEEDS,
        default_settings,
        measure_limits,
        quick_settings,
    )

    with progress_bar() as bar:
        task = bar.add_task("simulated stacks", total=None)
        return measure_limits(
            model,
            system,
            conditions=conditions,
            seeds=range(FIRST_SEED, FIRST_SEED + (seeds or len(SEEDS))),
            settings=(quick_settings if quick else default_settings)(system),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _evaluate_measured(
    model: DeepZModel,
    system: ImagingSystem,
    path: Path,
    pixel_size_um: float | None,
    z_step_um: float | None,
    reverse: bool,
    beads: bool,
) -> StackAccuracy:
    from deepz_zoo.evaluation.measured import evaluate_stack
    from deepz_zoo.images import read_image

    image = read_image(path)
    axes = image.axes.replace("q", "z")
    if axes != "zyx":
        raise DeepZError(
            f"{path}: axes {image.axes}, shape {image.data.shape}; expected one z-stack (zyx) of "
            "one channel"
        )
    # A negative step in the file says the same as --reverse.
    descending = reverse != ((image.z_step_um or 1) < 0)
    pixel_size_um = pixel_size_um or image.pixel_size_um
    z_step_um = z_step_um or image.z_step_um
    if pixel_size_um is None or z_step_um is None:
        missing = "pixel size" if pixel_size_um is None else "z step"
        option = "--pixel-size" if pixel_size_um is None else "--z-step"
        raise DeepZError(f"{path} does not say its {missing}; give it in µm with {option}")
    return evaluate_stack(
        model,
        image.data[::-1] if descending else image.data,
        system,
        pixel_size_um=pixel_size_um,
        z_step_um=abs(z_step_um),
        beads=beads,
    )


def _write(
    found: Accuracy | MeasuredLimits | StackAccuracy,
    json_path: Path | None,
    plot_path: Path | None,
) -> None:
    if json_path is not None:
        from deepz_zoo.files import write_record

        write_record(json_path, found)
    if plot_path is not None:
        from deepz_zoo.evaluation.plots import (
            plot_accuracy,
            plot_limits,
            plot_stack_accuracy,
            save_figure,
        )
        from deepz_zoo.records.accuracy import Accuracy
        from deepz_zoo.records.limits import MeasuredLimits

        if isinstance(found, Accuracy):
            save_figure(plot_accuracy(found), plot_path)
        elif isinstance(found, MeasuredLimits):
            save_figure(plot_limits(found), plot_path)
        else:
            save_figure(plot_stack_accuracy(found), plot_path)
