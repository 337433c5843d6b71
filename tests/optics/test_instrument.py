"""An instrument as a record, and what is drawn around it."""

from __future__ import annotations

import math

import numpy as np
import pydantic
import pytest
import torch

from deepz_zoo.optics import ImagingSystem, Instrument, get_system
from deepz_zoo.optics.instrument import MAX_SPREADS, Spread
from deepz_zoo.optics.psf import PsfParameters

BEADS = get_system("olympus20x_0.75/TxRd-beads")
MEASURED = Instrument(
    numerical_aperture=0.76,
    wavelength_um=0.615,
    immersion_index=1.0,
    coverslip_um=139.0,
    depth_um=0.0,
    specimen_index=1.0,
    astigmatism_waves=(0.05, -0.15),
    coma_waves=(-0.09, 0.07),
    residual_blur_um=0.02,
    pupil_gradient=(0.98, 0.0),
)


def test_a_system_without_an_instrument_is_written_as_before() -> None:
    assert "instrument" not in BEADS.model_dump()
    assert ImagingSystem.model_validate_json(BEADS.model_dump_json()) == BEADS


def test_a_system_keeps_its_instrument_in_json() -> None:
    mine = BEADS.model_copy(update={"instrument": MEASURED})
    assert ImagingSystem.model_validate_json(mine.model_dump_json()).instrument == MEASURED


def test_draws_lie_closely_around_the_instrument() -> None:
    mine = BEADS.model_copy(update={"instrument": MEASURED})
    draws = [PsfParameters.draw(mine, torch.Generator().manual_seed(s)) for s in range(60)]
    spread = Spread()
    for name in ("coverslip_um", "coma_waves", "astigmatism_waves", "numerical_aperture"):
        values = np.array([getattr(draw, name) for draw in draws])
        away = np.abs(values - getattr(MEASURED, name)) / getattr(spread, name)
        assert 0.5 < away.std() < 1 < away.max() <= MAX_SPREADS + 1e-9
    # Light and widths are not negative.
    assert max(math.hypot(*draw.pupil_gradient) for draw in draws) <= 1 + 1e-6
    assert min(draw.residual_blur_um for draw in draws) == 0
    assert {draw.design_immersion_index for draw in draws} == {1.0}


def test_a_gradient_of_negative_light_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="longer than 1"):
        Instrument(**MEASURED.model_dump() | {"pupil_gradient": (0.9, 0.9)})
