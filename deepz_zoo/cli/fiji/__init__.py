"""``deepz-zoo fiji``: the bridge to Fiji and ImageJ, a group of commands."""

from __future__ import annotations

import click

from deepz_zoo.cli.fiji import doctor, install, run, stacks
from deepz_zoo.cli.option_names import OptionNamesGroup


@click.group("fiji", cls=OptionNamesGroup)
def command() -> None:
    """Work with Fiji and ImageJ: macros, models, StackReg and EDF.

    --fiji names the ImageJ: the folder of a Fiji or ImageJ, an ij.jar, or Maven coordinates. The
    default is what FIJI_HOME or IJ_JAR name, then a Fiji or an ij.jar in the usual places.
    """


for subcommand in (
    doctor.doctor,
    install.install,
    install.uninstall,
    run.run,
    stacks.align,
    stacks.edf,
    stacks.compare,
    stacks.parity,
):
    command.add_command(subcommand)
