"""``deepz-zoo web``: the depth knob in the browser."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.options import model_options, weights_option
from deepz_zoo.cli.parameters import Integer

if TYPE_CHECKING:
    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.web.site import Writer

_MAX_PORT = 65535


@click.command("web")
@model_options(required=False)
@weights_option
@click.option(
    "--port",
    type=Integer(0, _MAX_PORT),
    default=8000,
    show_default=True,
    help="Where the page is served on this computer; 0 takes any that is free.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in the browser.")
def command(model_name: str | None, weights: str | None, port: int, open_browser: bool) -> None:
    """Serve a page on this computer that refocuses images in the browser.

    Drop an image and turn the depth knob. All models of the zoo are there, or the one that is
    named. The network runs in the browser: no image leaves it. Ctrl-C ends it.
    """
    from deepz_zoo.web.server import serve
    from deepz_zoo.web.site import built_page, site_files

    built_page()
    files = site_files(_models(model_name, weights))

    def ready(address: str) -> None:
        click.echo(f"{address} (Ctrl-C ends it)")
        if open_browser:
            click.launch(address)

    try:
        serve(files, port, ready)
    except KeyboardInterrupt as end:
        if type(end) is not KeyboardInterrupt:  # SIGTERM
            raise


def _models(name: str | None, weights: str | None) -> list[tuple[Manifest, Writer]]:
    """Return the model that is named, or those of the zoo, each with what writes its ONNX file."""
    from deepz_zoo.models import load_model
    from deepz_zoo.optics import list_systems
    from deepz_zoo.zoo import list_models

    def write(name: str | None, weights: str | None, path: Path) -> None:
        from deepz_zoo.network.graph.export import export_onnx

        export_onnx(load_model(name, weights=weights)[0], path)

    if name is None and weights is None:
        trained = {manifest.name: manifest for manifest in list_models()}
        # in the order of the catalogue: the page begins with the first one
        names = [system.name for system in list_systems() if system.name in trained]
        return [(trained[name], partial(write, name, None)) for name in names]
    _, manifest = load_model(name, weights=weights)
    return [(manifest, partial(write, name, weights))]
