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

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.measure.metrics import error_over_rms
from deepz_zoo.package.checks.check import Check, passed_if

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.package.checks.formats import Predict
    from deepz_zoo.simulate import SimulatedStack

DPM_IS_USED = "the DPM is not ignored"
CHANNEL_ORDER = "channels are not swapped"
ZERO_KEEPS = "DPM 0 keeps the plane"
BETTER_THAN_INPUT = "refocusing beats the input"
SIGN_OF_Z = "the sign of z is right"
NAMES = (DPM_IS_USED, CHANNEL_ORDER, ZERO_KEEPS, BETTER_THAN_INPUT, SIGN_OF_Z)

SPECIMENS = ("nuclei", "filaments")  # or what a system is for that has not both
SHAPE = (128, 128)
_SEED = 910_000

_REACH = 0.5  # of the half range: far out of focus, and the wrong sign still lies within the range
_SMALLEST_CHANGE = 0.05
_BLANK = 1.0  # error/rms of an image of nothing but background
_UNMEASURED_ERROR = 0.5
_SPREAD = 1.5  # a few planes scatter around the mean that was measured on many
_NEAR_UM = 0.25  # of a plane to the distance that it stands for
_MARGIN = 0.9  # by which an error must be smaller than the one that it is compared with


@dataclass(frozen=True)
class Scene:
    """A simulated z-stack: what the camera saw and what was there.

    Attributes
    ----------
    camera
        Shape (nz, ny, nx), grey levels.
    truth
        What a model should make of it: planes without noise, shape (nz, ny, nx).
    z_um
        Ascending stage positions, shape (nz,), with 0 among them.
    """

    camera: NDArray[np.generic]
    truth: NDArray[np.float32]
    z_um: NDArray[np.float64]

    @classmethod
    def of(cls, stack: SimulatedStack) -> Scene:
        """Return the scene of a simulated stack."""
        return cls(stack.camera, stack.ground_truth, stack.z_um)

    def plane(self, z_um: float) -> int:
        """Return the index of the plane nearest to a stage position."""
        return int(np.argmin(np.abs(self.z_um - z_um)))


def simulate_scenes(system: ImagingSystem) -> list[Scene]:
    """Simulate low-noise scenes of an imaging system that no model was trained on."""
    from deepz_zoo.zoo.examples import held_out_stacks

    both = set(SPECIMENS) <= set(system.specimens)
    specimens = SPECIMENS if both else system.specimen_kinds[:2]
    stacks = held_out_stacks(system, specimens, seed_offset=_SEED, shape=SHAPE, noise="low")
    return [Scene.of(stack) for stack in stacks]


def check_behavior(
    predict: Predict,
    scenes: Sequence[Scene],
    z_range_um: float,
    *,
    planes_um: Sequence[float] | None = None,
    error_at_zero: float | None = None,
) -> list[Check]:
    """Check that a model behaves as a Deep-Z model.

    Parameters
    ----------
    predict
        The model: (1, 2, ny, nx) camera image and DPM in µm → (1, 1, ny, nx); or, with planes,
        (1, 1, ny, nx) camera image → (1, nz, ny, nx).
    scenes
        Simulated stacks that span the range.
    z_range_um
        Half of the model's axial range.
    planes_um
        Distances of the planes of a z-stack model; None for a model that takes a DPM.
    error_at_zero
        The error/rms that was measured for the model with DPM 0 and low noise, if it was.

    Returns
    -------
    list of Check
        One for each of `NAMES`.
    """
    if planes_um is None:
        trials = _Trials(predict, scenes, z_range_um)
        order = _channel_order(trials)
    else:
        trials = _Trials(_from_planes(predict, planes_um), scenes, z_range_um)
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


def _from_planes(predict: Predict, planes_um: Sequence[float]) -> Predict:
    """Let a z-stack model answer as one that takes a constant DPM, with its nearest plane."""
    stacks: dict[bytes, NDArray[np.float32]] = {}

    def refocus(tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        image = np.ascontiguousarray(tensor[:, :1])
        key = image.tobytes()
        if key not in stacks:  # the same few images are asked for again and again
            stacks[key] = predict(image)
        plane = int(np.argmin(np.abs(np.asarray(planes_um) - tensor[0, 1].mean())))
        return stacks[key][:, plane : plane + 1]

    return refocus


def _distance(planes_um: Sequence[float], z_um: float) -> float:
    return min(abs(plane - z_um) for plane in planes_um)


class _Trials:
    """Runs of one model over the scenes; every error is an error/rms against the true plane."""

    def __init__(self, predict: Predict, scenes: Sequence[Scene], z_range_um: float) -> None:
        self.predict = predict
        self.scenes = scenes
        # The planes of a scene need not hold exactly half of the range.
        z_um = scenes[0].z_um
        self.step_um = float(abs(z_um[scenes[0].plane(_REACH * z_range_um)]))

    def refocus(self, image: NDArray[np.generic], dz_um: float) -> NDArray[np.float32]:
        fluorescence = image.astype(np.float32)
        return self._run(fluorescence, np.full_like(fluorescence, dz_um))

    def refocus_exchanged(self, image: NDArray[np.generic]) -> NDArray[np.float32]:
        """Run with the two channels exchanged and the DPM 0."""
        fluorescence = image.astype(np.float32)
        return self._run(np.zeros_like(fluorescence), fluorescence)

    def _run(self, first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self.predict(np.stack([first, second])[None])[0, 0]
        return output

    def error(self, image: NDArray[np.generic], scene: Scene, target: int) -> float:
        truth = scene.truth[target]
        return error_over_rms(image, truth, intensity_scale(truth).background)

    def mean_error(self, moves: Sequence[tuple[float, float]], sign: int) -> float:
        """Return the mean error of moves from z to z; the DPM is multiplied by `sign`."""
        return _mean(
            [
                self.error(
                    self.refocus(scene.camera[scene.plane(start)], sign * (end - start)),
                    scene,
                    scene.plane(end),
                )
                for scene in self.scenes
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
    for scene in trials.scenes:
        image = scene.camera[scene.plane(0.0)]
        down, keep, up = (trials.refocus(image, dz) for dz in (-trials.step_um, 0, trials.step_um))
        signal = float(np.std(keep)) or 1.0
        changes.append(min(float(np.sqrt(np.mean((x - keep) ** 2))) for x in (down, up)) / signal)
    change = _mean(changes)
    return passed_if(
        change >= _SMALLEST_CHANGE,
        DPM_IS_USED,
        f"a DPM of ±{trials.step_um:g} µm changes the output by {change:.3f} of its signal; "
        f"expected at least {_SMALLEST_CHANGE:g}",
    )


def _channel_order(trials: _Trials) -> Check:
    ordered, exchanged = [], []
    for scene in trials.scenes:
        plane = scene.plane(0.0)
        image = scene.camera[plane]
        ordered.append(trials.error(trials.refocus(image, 0.0), scene, plane))
        exchanged.append(trials.error(trials.refocus_exchanged(image), scene, plane))
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
            trials.error(scene.truth[scene.plane(start)], scene, scene.plane(end))
            for scene in trials.scenes
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
