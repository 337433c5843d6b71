"""What the positional arguments mean: a model, and images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click

from deepz_zoo.cli.options import complete_model
from deepz_zoo.cli.parameters import PathName


def model_and_images_arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add a model, which may be left out, and images as positional arguments.

    The command's function receives ``images: tuple[str, ...]``, the model's name goes to
    `model_options`, above which this belongs.
    """

    @wraps(function)
    def with_images(*args: Any, words: tuple[str, ...], **kwargs: Any) -> Any:
        if not words:
            raise click.UsageError("Missing argument 'IMAGE'.", click.get_current_context())
        name, images = split_model(words)
        return function(*args, name=name, images=images, **kwargs)

    command: Any = click.argument(
        "words",
        metavar="[OBJECTIVE/CHANNEL] IMAGE...",
        nargs=-1,
        type=PathName(),
        shell_complete=complete_model,
    )(with_images)
    return command  # type: ignore[no-any-return]


def split_model(words: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Tell a model from images: it may come first or last, and is none of them.

    Returns
    -------
    name : str or None
        What names a model: the zoo's, a checkpoint or a package.
    images : tuple of str
        Files, folders and patterns; at least one.
    """
    if len(words) > 1 and _may_be_model(words[0]):
        return words[0], tuple(words[1:])
    if len(words) > 1 and _may_be_model(words[-1]):
        return words[-1], tuple(words[:-1])
    return None, tuple(words)


def _may_be_model(word: str) -> bool:
    from deepz_zoo.images import IMAGE_SUFFIXES
    from deepz_zoo.records.training import WEIGHTS_NAME
    from deepz_zoo.refocus.files import is_several

    path = Path(word)
    if path.is_dir():
        return (path / WEIGHTS_NAME).is_file() or (path / "rdf.yaml").is_file()
    if path.is_file():
        return path.suffix.lower() in (".safetensors", ".zip")
    return not word.lower().endswith(IMAGE_SUFFIXES) and not is_several(word)


def read_channels(text: str) -> dict[str, str]:
    """Read ``TxRd=leica20x_0.8/TxRd,FITC=…``: the model for each channel of an image.

    Raises
    ------
    click.UsageError
        If the text is not of this form, or names a channel twice.
    """
    models: dict[str, str] = {}
    for part in text.split(","):
        channel, _, model = (word.strip() for word in part.partition("="))
        if not channel or not model:
            raise click.UsageError(
                f"--channels {text}: expected CHANNEL=MODEL with commas between, such as "
                "TxRd=leica20x_0.8/TxRd,FITC=leica20x_0.8/FITC"
            )
        if channel in models:
            raise click.UsageError(f"--channels {text}: channel {channel} stands there twice")
        models[channel] = model
    return models
