"""Hot pixels and columns of zeros, as real images have them, do not ruin a refocused image."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.models import load_model
from deepz_zoo.optics import get_system
from deepz_zoo.refocus import refocus_image
from deepz_zoo.simulate import HELD_OUT_SEED, simulate_stack

SIDE = 192


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "specimen"),
    [("leica20x_0.8/TxRd", "nuclei"), ("olympus20x_0.75/TxRd-beads", "beads")],
)
def test_artifacts_stay_where_they_are(name: str, specimen: str) -> None:
    model, _ = load_model(name)
    stack = simulate_stack(
        get_system(name), specimen, seed=HELD_OUT_SEED + 900, shape=(SIDE, SIDE), noise="low"
    )
    image = stack.camera[len(stack.camera) // 2 + 10].astype(np.float32)
    clean = refocus_image(model, image, -5.0)

    hot = image.copy()
    hot[60, 90] = 30_000.0
    refocused = refocus_image(model, hot, -5.0)
    far = np.ones_like(image, dtype=bool)
    far[36:85, 66:115] = False
    assert np.corrcoef(refocused[far], clean[far])[0, 1] > 0.999
    assert np.corrcoef(refocused.ravel(), clean.ravel())[0, 1] > 0.98
    assert refocused.max() < 1.2 * clean.max()

    dark = image.copy()
    dark[:, :4] = 0
    refocused = refocus_image(model, dark, -5.0)
    assert np.corrcoef(refocused[:, 4:].ravel(), clean[:, 4:].ravel())[0, 1] > 0.98
