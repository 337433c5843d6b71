"""The ways in which a user names a model."""

from __future__ import annotations

import click
import pytest

from deepz_zoo.cli.options import join_model_name, model_options, weights_option


@pytest.mark.parametrize(
    ("name", "objective", "channel", "expected"),
    [
        ("leica20x_0.8/TxRd", None, None, "leica20x_0.8/TxRd"),
        (None, "leica20x_0.8", "TxRd", "leica20x_0.8/TxRd"),
        (None, "leica20x_0.8/TxRd", None, "leica20x_0.8/TxRd"),
        (None, "leica20x_0.8/TxRd", "txrd", "leica20x_0.8/txrd"),
        (None, "leica20x_0.8", None, "leica20x_0.8"),
    ],
)
def test_both_forms_name_the_same_model(name, objective, channel, expected):
    assert join_model_name(name, objective, channel) == expected


@pytest.mark.parametrize(
    ("name", "objective", "channel", "expected"),
    [
        (None, None, None, "name a model"),
        (None, None, "TxRd", "needs --objective"),
        (None, "leica20x_0.8/FITC", "TxRd", "differ"),
        ("leica20x_0.8/FITC", "leica20x_0.8", "TxRd", "either"),
    ],
)
def test_a_name_that_is_missing_or_contradicts_itself_is_refused(
    name, objective, channel, expected
):
    with pytest.raises(click.UsageError, match=expected):
        join_model_name(name, objective, channel)


def test_a_command_with_positional_arguments_of_its_own_keeps_them():
    received: dict[str, object] = {}

    @click.command()
    @click.argument("image")
    @model_options(argument=False)
    def command(image, model_name):
        received.update(image=image, model_name=model_name)

    command.main(["a.tif", "--objective", "o/c"], standalone_mode=False)
    assert received == {"image": "a.tif", "model_name": "o/c"}


def test_weights_replace_the_name_of_a_model():
    received: dict[str, object] = {}

    @click.command()
    @model_options()
    @weights_option
    def command(model_name, weights):
        received.update(model_name=model_name, weights=weights)

    command.main(["--weights", "run"], standalone_mode=False)
    assert received == {"model_name": None, "weights": "run"}
    command.main(["o/c", "--weights", "run"], standalone_mode=False)
    assert received == {"model_name": "o/c", "weights": "run"}
    with pytest.raises(click.UsageError, match="name a model"):
        command.main([], standalone_mode=False)
