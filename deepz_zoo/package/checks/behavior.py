"""What makes a model a Deep-Z model, checked against planes that the simulator knows.

The checks run the model exactly as users do: camera image and DPM in µm in, camera units out.
Each one fails for one reason only, so that its name tells what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.engines.engine import Engine, Tensor
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.measure.metrics import error_over_rms
from deepz_zoo.package.checks.check import Check, passed_if

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.simulate import SimulatedStack

DPM_IS_USED = "the DPM is not ignored"
CHANNEL_ORDER = "channels are not swapped"
ZERO_KEEPS = "DPM 0 keeps the plane"
BETTER_THAN_INPUT = "refocusing beats the input"
SIGN_OF_Z = "the sign of z is right"
NAMES = (DPM_IS_USED, CHANNEL_ORDER, ZERO_KEEPS, BETTER_THAN_INPUT, SIGN_OF_Z)

SPECIMENS = ("nuclei", "filaments")  # or the first two of a system that does not have both
SHAPE = (128, 128)
_SEED = 910_000

_DISTANCE = 0.5  # of the half-range: far out of focus, and the wrong sign is still within the range
_MIN_CHANGE = 0.05
_BLANK = 1.0  # error/rms of an image of nothing but background
_UNMEASURED_ERROR = 0.5
_SPREAD = 1.5  # a few planes scatter around the mean that was measured on many
_NEAR_UM = 0.25  # of a plane to the distance that it stands for
_MARGIN = 0.9  # by which an error must be smaller than the one that it is compared with


@dataclass(frozen=True)
class KnownStack:
    """A simulated z-stack whose planes are known: what the camera saw and what was there.

    Attributes
    ----------
    camera
        Shape (nz, ny, nx), grey levels.
    ground_truth
        What a model should make of it: planes without noise, shape (nz, ny, nx).
    z_um
        Ascending stage positions, shape (nz,), with 0 among them.
    """

    camera: NDArray[np.generic]
    ground_truth: NDArray[np.float32]
    z_um: NDArray[np.float64]

    @classmethod
    def of(cls, stack: SimulatedStack) -> KnownStack:
        """Return what is known of a simulated stack."""
        return cls(stack.camera, stack.ground_truth, stack.z_um)

    def plane(self, z_um: float) -> int:
        """Return the index of the plane nearest to a stage position."""
        return int(np.argmin(np.abs(self.z_um - z_um)))


def simulate_known_stacks(system: ImagingSystem) -> list[KnownStack]:
    """Simulate low-noise stacks of an imaging system that no model was trained on."""
    from deepz_zoo.zoo.examples import held_out_stacks

    both = set(SPECIMENS) <= set(system.specimens)
    specimens = SPECIMENS if both else system.specimen_kinds[:2]
    simulated = held_out_stacks(system, specimens, seed_offset=_SEED, shape=SHAPE, noise="low")
    return [KnownStack.of(stack) for stack in simulated]


def check_behavior(
    engine: Engine,
    stacks: Sequence[KnownStack],
    z_range_um: float,
    *,
    planes_um: Sequence[float] | None = None,
    error_at_zero: float | None = None,
) -> list[Check]:
    """Check that a model behaves as a Deep-Z model.

    Parameters
    ----------
    engine
        Runs the model: (1, 2, ny, nx) camera image and DPM in µm → (1, 1, ny, nx); or, with planes,
        (1, 1, ny, nx) camera image → (1, nz, ny, nx).
    stacks
        Simulated stacks that span the range.
    z_range_um
        Half-range of the model.
    planes_um
        Distances of the planes of a z-stack model; None for a model that takes a DPM.
    error_at_zero
        The error/rms that was measured for the model with DPM 0 and low noise, if it was.

    Returns
    -------
    list of Check
        One per name in `NAMES`.
    """
    if planes_um is None:
        trials = _Trials(engine, stacks, z_range_um)
        order = _channel_order(trials)
    else:
        trials = _Trials(PlanesEngine(engine, planes_um), stacks, z_range_um)
        if missing := [z for z in trials.distances if _distance(planes_um, z) > _NEAR_UM]:
            reason = f"it makes no plane near {missing[0]:g} µm"
            return [Check(name, "skipped", reason) for name in NAMES]
        order = Check(CHANNEL_ORDER, "skipped", "the input is one channel")
    return [
        _dpm_is_used(trials),
        order,
        _zero_keeps(trials, error_at_zero),
        _better_than_input(trials),
        _sign_of_z(trials),
    ]


class PlanesEngine(Engine):
    """Lets a z-stack model answer as one that takes a constant DPM, with its nearest plane."""

    def __init__(self, engine: Engine, planes_um: Sequence[float]) -> None:
        self.name, self.weight_format = engine.name, engine.weight_format
        self._engine = engine
        self._planes_um = np.asarray(planes_um)
        self._stacks: dict[bytes, Tensor] = {}

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the plane nearest to the mean of each DPM; see `Engine.run`."""
        return [self._plane(tensor) for tensor in tensors]

    def _plane(self, tensor: Tensor) -> Tensor:
        image = np.ascontiguousarray(tensor[:, :1])
        key = image.tobytes()
        if key not in self._stacks:  # the same few images are asked for again and again
            self._stacks[key] = self._engine(image)
        plane = int(np.argmin(np.abs(self._planes_um - tensor[0, 1].mean())))
        return self._stacks[key][:, plane : plane + 1]


def _distance(planes_um: Sequence[float], z_um: float) -> float:
    return min(abs(plane - z_um) for plane in planes_um)


class _Trials:
    """Runs of one model over the stacks; every error is an error/rms against the ground truth."""

    def __init__(self, engine: Engine, stacks: Sequence[KnownStack], z_range_um: float) -> None:
        self.engine = engine
        self.stacks = stacks
        # The planes of a stack need not hold exactly half of the range.
        z_um = stacks[0].z_um
        self.step_um = float(abs(z_um[stacks[0].plane(_DISTANCE * z_range_um)]))

    def refocus(self, image: NDArray[np.generic], dz_um: float) -> NDArray[np.float32]:
        fluorescence = image.astype(np.float32)
        return self._run(fluorescence, np.full_like(fluorescence, dz_um))

    def refocus_exchanged(self, image: NDArray[np.generic]) -> NDArray[np.float32]:
        """Run with the two channels exchanged and the DPM 0."""
        fluorescence = image.astype(np.float32)
        return self._run(np.zeros_like(fluorescence), fluorescence)

    def _run(self, first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self.engine(np.stack([first, second])[None])[0, 0]
        return output

    def error(self, image: NDArray[np.generic], stack: KnownStack, target: int) -> float:
        ground_truth = stack.ground_truth[target]
        return error_over_rms(image, ground_truth, intensity_scale(ground_truth).background)

    def mean_error(self, moves: Sequence[tuple[float, float]], sign: int) -> float:
        """Return the mean error of moves from z to z; the DPM is multiplied by `sign`."""
        return _mean(
            [
                self.error(
                    self.refocus(stack.camera[stack.plane(start)], sign * (end - start)),
                    stack,
                    stack.plane(end),
                )
                for stack in self.stacks
                for start, end in moves
            ]
        )

    @property
    def distances(self) -> tuple[float, float, float]:
        """All DPM values of the trials."""
        return (-self.step_um, 0.0, self.step_um)

    @property
    def into_focus(self) -> list[tuple[float, float]]:
        return [(-self.step_um, 0.0), (self.step_um, 0.0)]

    @property
    def all_moves(self) -> list[tuple[float, float]]:
        return [*self.into_focus, (0.0, -self.step_um), (0.0, self.step_um)]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _dpm_is_used(trials: _Trials) -> Check:
    changes = []
    for stack in trials.stacks:
        image = stack.camera[stack.plane(0.0)]
        down, keep, up = (trials.refocus(image, dz) for dz in (-trials.step_um, 0, trials.step_um))
        signal = float(np.std(keep)) or 1.0
        changes.append(min(float(np.sqrt(np.mean((x - keep) ** 2))) for x in (down, up)) / signal)
    change = _mean(changes)
    return passed_if(
        change >= _MIN_CHANGE,
        DPM_IS_USED,
        f"a DPM of ±{trials.step_um:g} µm changes the output by {change:.3f} of its signal; "
        f"expected at least {_MIN_CHANGE:g}",
    )


def _channel_order(trials: _Trials) -> Check:
    ordered, exchanged = [], []
    for stack in trials.stacks:
        plane = stack.plane(0.0)
        image = stack.camera[plane]
        ordered.append(trials.error(trials.refocus(image, 0.0), stack, plane))
        exchanged.append(trials.error(trials.refocus_exchanged(image), stack, plane))
    right, wrong = _mean(ordered), _mean(exchanged)
    # A poor model may be beaten by a blank image; that is not what this check is for.
    swapped = wrong < right and wrong < _BLANK
    return passed_if(
        not swapped,
        CHANNEL_ORDER,
        f"error/rms {right:.3f} with [fluorescence, dpm], {wrong:.3f} with the two exchanged",
    )


def _zero_keeps(trials: _Trials, measured: float | None) -> Check:
    stay = [(z, z) for z in (-trials.step_um, 0.0, trials.step_um)]
    error = trials.mean_error(stay, sign=1)
    limit = _UNMEASURED_ERROR if measured is None else _SPREAD * measured + 0.05
    source = "no accuracy is stated" if measured is None else f"{measured:.3f} was measured"
    return passed_if(
        error <= limit,
        ZERO_KEEPS,
        f"error/rms {error:.3f}; expected at most {limit:.3f} ({source})",
    )


def _better_than_input(trials: _Trials) -> Check:
    model = trials.mean_error(trials.all_moves, sign=1)
    # Without its noise, so that a model which only removes noise does not count.
    untouched = _mean(
        [
            trials.error(stack.ground_truth[stack.plane(start)], stack, stack.plane(end))
            for stack in trials.stacks
            for start, end in trials.all_moves
        ]
    )
    return passed_if(
        model < _MARGIN * untouched,
        BETTER_THAN_INPUT,
        f"over ±{trials.step_um:g} µm error/rms {model:.3f}, of the noise-free input itself "
        f"{untouched:.3f}",
    )


def _sign_of_z(trials: _Trials) -> Check:
    right = trials.mean_error(trials.into_focus, sign=1)
    wrong = trials.mean_error(trials.into_focus, sign=-1)
    return passed_if(
        right < _MARGIN * wrong,
        SIGN_OF_Z,
        f"into focus over ±{trials.step_um:g} µm error/rms {right:.3f}, with the opposite DPM "
        f"{wrong:.3f}; + must be the direction of increasing stage z",
    )
