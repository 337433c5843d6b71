"""Cards say what a manifest holds."""

from __future__ import annotations

import re

import pytest

from deepz_zoo.cards.text import card_text
from deepz_zoo.models import load_model
from deepz_zoo.optics import get_system
from deepz_zoo.records.accuracy import ImageMetrics
from deepz_zoo.records.manifest import Manifest
from deepz_zoo.records.measured_stack import MeasuredStack, StackRow
from deepz_zoo.records.precision import PrecisionCost


@pytest.fixture
def manifest(run, accuracy, limits) -> Manifest:
    rest = ImageMetrics(
        correlation=0.777, error_over_rms=0.5, ssim=0.9, mae=0.1, mse=0.01, rmse=0.1
    )
    measured = MeasuredStack(
        title="On a stack of mine",
        command="deepz-zoo evaluate stack mine.tif leica20x_0.8/TxRd",
        comment="It is mine.",
        images=(StackRow(from_focus_um=-3.3, method="model", **dict(rest)),),
        beads=(),
    )
    cost = PrecisionCost(
        precision="bfloat16",
        correlation_loss=0.00125,
        dz_um=5.0,
        error_over_rms_gain=0.0025,
        images=40,
        benchmark_version=1,
        code_version="0.1.0",
    )
    return load_model(run)[1].model_copy(
        update={
            "accuracy": accuracy,
            "limits": limits,
            "measured": (measured,),
            "precisions": (cost,),
        }
    )


def test_a_card_has_every_section(manifest: Manifest) -> None:
    headings = re.findall("^## (.*)$", card_text(manifest), re.MULTILINE)
    assert headings == [
        "Intended use",
        "Training",
        "Accuracy on held-out simulated stacks",
        "On a stack of mine",
        "With fewer digits",
        "Where it fails",
        "Citation and license",
    ]


@pytest.mark.parametrize(
    "expected",
    [
        "These are not the weights of the method's authors.** The method is covered by a patent",
        "| objective | Leica HC PL APO 20x/0.80 DRY (NA 0.8, air) |",
        "| 5 | model | 0.875 |",
        "![Accuracy against the refocusing distance](leica20x_0.8_TxRd_accuracy.png)",
        "| -3.3 µm from focus | model | 0.777 |",
        "| bfloat16 | 0.00125 | 5 | 0.00250 | 40 |",
        "![Accuracy against each condition](leica20x_0.8_TxRd_limits.png)",
        "**Signal**: trained 1000 to 10000, fails below 100.",
        "| 10 | 0.800 | 0.312 | 0.500 | 0.500 | 1.5 |",
        "- It refocuses from -10 to +10 µm; further out it was never trained (it fails below -12",
        "doi:10.1038/s41592-019-0622-5",
        "The weights: BSD-3-Clause.",
    ],
)
def test_a_card_says_what_was_measured(manifest: Manifest, expected: str) -> None:
    assert expected in card_text(manifest)


def test_what_was_not_measured_is_not_pictured(manifest: Manifest) -> None:
    bare = manifest.model_copy(update={"accuracy": None, "limits": None, "measured": ()})
    text = card_text(bare)
    assert "Not measured." in text
    assert re.findall(r"\((\S+\.png)\)", text) == ["leica20x_0.8_TxRd.png"]


def test_a_model_of_confocal_planes_says_so(manifest: Manifest) -> None:
    system = get_system("leica63x_1.4/FITC")
    text = card_text(manifest.model_copy(update={"system": system}))
    assert "within the axial range, as a confocal microscope shows them, for images" in text
    assert "| confocal microscope | 488 nm, pinhole of 1 Airy disk |" in text
    assert "of this objective and confocal ones of the same places." in text
