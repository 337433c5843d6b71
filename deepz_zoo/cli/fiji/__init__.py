"""``deepz-zoo fiji``: the bridge to Fiji and ImageJ, a verb of its own for each job."""

from __future__ import annotations

import click

from deepz_zoo.cli.fiji import doctor, install, run, stacks


@click.group("fiji")
def command() -> None:
    """Work with Fiji and ImageJ: macros, models, StackReg and EDF.

    The ImageJ is named by --fiji: the folder of a Fiji or ImageJ, an ij.jar, or Maven coordinates.
    Otherwise it is what FIJI_HOME or IJ_JAR name, then a Fiji or an ij.jar in the usual places.
    """


for verb in (
    doctor.doctor,
    install.install,
    install.uninstall,
    run.run,
    stacks.align,
    stacks.edf,
    stacks.parity,
):
    command.add_command(verb)
