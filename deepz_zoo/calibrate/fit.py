"""The instrument that makes images of beads most likely, with standard errors.

All beads are fitted at once, each with its own place, light and background, by Fisher scoring: the
information that the images hold on the settings gives both the steps and the standard errors. Noise
is that of a camera, Poisson and read noise, and enters by its variance: where the variance is the
expected light, this is the maximum of the Poisson likelihood.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.calibrate.beads import BeadImages
from deepz_zoo.calibrate.model import APERTURE, BLUR, GRADIENT, PARAMETERS, SPHERICAL, BeadModel
from deepz_zoo.progress import Progress, no_progress

Floats = NDArray[np.float64]

APERTURE_RANGE = (0.82, 1.1)
"""The fitted aperture over the objective's; an aperture at an end is a wrong calibration."""

_PLACE = 3
_OWN = _PLACE + 2  # its light and its background
_FIRST_BEADS = 3
_MAX_STEPS = 25
_MAX_DAMPING = 1e6
_CONVERGED = 1e-4  # relative decrease of the misfit in a step
_LARGEST_GRADIENT = 0.98
_OFF_CENTER_UM = 1.5  # standard deviation of a bead's place in its crop
# Beads that fit so many times worse than most, and than noise does, are left out if enough remain.
_ODD, _MIN_ODD, _MIN_ALIKE = 1.75, 1.5, 3
# rms of the spherical aberrations that are tried, in waves, of either sign
_SPHERICAL_WAVES = (0.03, 0.08, 0.15, 0.25, 0.4, 0.6, 0.85)


@dataclass(frozen=True)
class Fit:
    """A fitted instrument and the beads that it was fitted to.

    Attributes
    ----------
    vector, covariance
        Of `PARAMETERS`, shapes (9,) and (9, 9): the errors are those that the noise and the misfit
        of the images make.
    prior
        Standard deviations of the parameters before, shape (9,).
    beads
        The images.
    places_um
        z of each bead, and its distance from the middle of the crop along y and x: shape (n, 3).
    light, background
        Of each bead in grey levels, shape (n,).
    misfit
        Mean squared error of the images over the variance that their noise was guessed to have.
    bead_misfits
        The same of each bead by the noise as fitted, shape (n,).
    noise
        Grey levels of variance per grey level of light, as fitted.
    """

    vector: Floats
    covariance: Floats
    prior: Floats
    beads: tuple[BeadImages, ...]
    places_um: Floats
    light: Floats
    background: Floats
    misfit: float
    bead_misfits: Floats
    noise: float

    @property
    def errors(self) -> Floats:
        """Standard errors of the vector."""
        return np.sqrt(np.diag(self.covariance))

    def images(self, model: BeadModel) -> list[Floats]:
        """Return what the beads should look like, each in the shape of its images."""
        own = np.column_stack([self.places_um, self.light, self.background])
        lights = _Problem(model, list(self.beads)).expected(_State(self.vector, own))
        return [light + level for light, level in zip(lights, self.background, strict=True)]

    def correlation(self, model: BeadModel) -> float:
        """Return the correlation of all valid pixels with what they should be."""
        measured, modeled = [], []
        for bead, image, level in zip(self.beads, self.images(model), self.background, strict=True):
            measured.append((bead.pixels - level)[bead.valid])
            modeled.append((image - level)[bead.valid])
        return float(np.corrcoef(np.concatenate(measured), np.concatenate(modeled))[0, 1])


def aperture_limits(model: BeadModel) -> tuple[float, float]:
    """Return the least and the greatest numerical aperture that is tried."""
    lens = model.system.objective
    low, high = (lens.numerical_aperture * limit for limit in APERTURE_RANGE)
    return low, min(high, 0.98 * lens.immersion_index)


@dataclass(frozen=True)
class Prior:
    """What is known before: a mean and a standard deviation of each parameter.

    Wide: it keeps what the images do not determine where it usually is. `place_um` is how far the
    beads lie from their common surface, `apertures` the least and the greatest that is tried.
    """

    mean: Floats
    deviation: Floats
    place_um: float
    apertures: tuple[float, float]

    @classmethod
    def of(cls, model: BeadModel, place_um: float) -> Prior:
        """Return that of the objective of a system."""
        ranges, aperture = model.system.aberrations, model.system.objective.numerical_aperture
        mean = np.zeros(len(PARAMETERS))
        mean[APERTURE] = aperture * (1 - ranges.na_loss / 2)
        mean[BLUR] = np.mean(ranges.residual_blur_um) ** 2
        spherical_um = 2 * _SPHERICAL_WAVES[-1] / model.spherical_waves_per_um
        deviation = np.array([spherical_um, 0.04 * aperture, *[0.3] * 4, 0.4, 0.6, 0.6])
        return cls(mean, deviation, place_um, aperture_limits(model))


@dataclass
class _State:
    """Where an iteration is: the instrument and, for each bead, place, light and background."""

    vector: Floats
    own: Floats  # (n, 5)

    def moved(self, step: Floats, prior: Prior) -> _State:
        """Return the state after a step, within what is possible."""
        vector = self.vector + step[: len(PARAMETERS)]
        vector[APERTURE] = np.clip(vector[APERTURE], *prior.apertures)
        vector[BLUR] = max(0.0, vector[BLUR])
        length = float(np.hypot(*vector[GRADIENT]))
        vector[GRADIENT] *= min(1.0, _LARGEST_GRADIENT / max(length, 1e-9))
        return _State(vector, self.own + step[len(PARAMETERS) :].reshape(-1, _OWN))


def fit_instrument(
    model: BeadModel,
    beads: Sequence[BeadImages],
    *,
    noise: float,
    place_um: float,
    common_focus: bool,
    progress: Progress = no_progress,
) -> Fit:
    """Fit the instrument to images of beads.

    Parameters
    ----------
    model
        Objective, sampling and size of the crops.
    beads
        Their images; at least one.
    noise
        A guess of the grey levels of variance per grey level of light, which is the inverse of the
        electrons per grey level. It is fitted too.
    place_um
        Standard deviation of the z of the beads around their common z.
    common_focus
        Whether the focus of all beads is at one z, which may be anywhere: beads on one surface. In
        a stack the z of each is known to about the depth of field.
    progress
        Called after each start.
    """
    with _one_thread():
        return _fit_instrument(
            model, beads, noise, Prior.of(model, place_um), common_focus, progress
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: for tensors as small as crops, more of them wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _fit_instrument(
    model: BeadModel,
    beads: Sequence[BeadImages],
    noise: float,
    prior: Prior,
    common_focus: bool,
    progress: Progress,
) -> Fit:
    # Those of a surface come from all distances by turns, those of a stack by their brightness.
    some = list(beads) if common_focus else list(beads[:_FIRST_BEADS])
    few = 2 * _FIRST_BEADS if common_focus else _FIRST_BEADS
    starts = _starts(model, some, noise, prior, common_focus)
    fits = []
    for done, (vector, z_um) in enumerate(starts, start=1):
        near = _near_focus(model, list(zip(some, z_um.tolist(), strict=True)))
        fits.append(_refine(model, near[:few], vector, noise, prior))
        progress("Trying both signs of the spherical aberration", done, len(starts))
    best = min(fits, key=lambda fit: fit.misfit)
    progress("Fitting all beads")
    common_um = float(best.places_um[:, 0].mean())
    everyone = _near_focus(model, [(bead, common_um) for bead in beads])
    fit = _refine(model, everyone, best.vector, noise, prior)
    alike = fit.bead_misfits <= max(_MIN_ODD, _ODD * float(np.median(fit.bead_misfits)))
    if alike.all() or alike.sum() < _MIN_ALIKE:
        return fit
    # A dim neighbor, a clump or a scratch is in the images of the others.
    z_um = fit.places_um[:, 0]
    rest = [(bead, z) for bead, z, good in zip(fit.beads, z_um, alike, strict=True) if good]
    return _refine(model, rest, fit.vector, noise, prior)


def _near_focus(
    model: BeadModel, beads: list[tuple[BeadImages, float]]
) -> list[tuple[BeadImages, float]]:
    """Return the beads, given with their z, that are seen near their focus; all if none is."""
    near = [(bead, z) for bead, z in beads if np.abs(bead.z_um - z).min() <= model.farthest_um]
    return near or beads


def _starts(
    model: BeadModel,
    beads: Sequence[BeadImages],
    noise: float,
    prior: Prior,
    common_focus: bool,
) -> list[tuple[Floats, Floats]]:
    """Return the best start with either sign of the spherical aberration: a vector and every z."""
    depth_of_field = model.system.depth_of_field_um
    step = depth_of_field / 2
    farthest = max(float(np.abs(bead.z_um).max()) for bead in beads)
    reach = farthest if common_focus else 3 * depth_of_field
    offsets = _around_zero(reach, step)
    table_z = _around_zero(min(farthest + reach, model.farthest_um + 2 * depth_of_field), step)
    starts = []
    for sign in (-1, 1):
        found: list[tuple[float, Floats, Floats]] = []
        for waves in _SPHERICAL_WAVES:
            vector = prior.mean.copy()
            vector[SPHERICAL] = sign * waves / model.spherical_waves_per_um
            with torch.no_grad():
                table = model.images(
                    torch.from_numpy(vector).float(),
                    torch.zeros(_PLACE),
                    torch.from_numpy(table_z).float(),
                ).numpy()
            costs = np.array(
                [[_cost(bead, table, table_z, z, noise) for z in offsets] for bead in beads]
            )
            if common_focus:
                costs = np.broadcast_to(costs.sum(axis=0) / len(beads), costs.shape)
            z_um = offsets[costs.argmin(axis=1)]
            found.append((float(costs.min(axis=1).sum()), vector, z_um))
        starts.append(min(found, key=lambda start: start[0])[1:])
    return starts


def _around_zero(reach: float, step: float) -> Floats:
    steps = math.ceil(reach / step)
    return np.asarray(np.arange(-steps, steps + 1) * step, dtype=np.float64)


def _cost(
    bead: BeadImages, table: NDArray[np.float32], table_z: Floats, z: float, noise: float
) -> float:
    """Return the misfit of a bead at z, with the best light and background."""
    distance = bead.z_um - z
    index = np.clip(np.searchsorted(table_z, distance), 0, len(table_z) - 1)
    psf = table[index]
    weight = bead.valid / (bead.read_variance + noise * np.clip(bead.pixels - bead.level, 0, None))
    design = np.stack([psf.ravel(), np.ones(psf.size)])
    weighted = design * weight.ravel()
    light, level = np.linalg.solve(weighted @ design.T, weighted @ bead.pixels.ravel())
    residual = bead.pixels.ravel() - light * design[0] - level
    # Where no plane of the table is near, the bead has no image: as bad as none.
    away = np.abs(table_z[index] - distance).max() > table_z[1] - table_z[0]
    if away or light <= 0:
        residual = bead.pixels.ravel() - bead.level
    return float((weight.ravel() * residual**2).sum() / bead.valid.sum())


def _refine(
    model: BeadModel,
    beads: Sequence[tuple[BeadImages, float]],
    vector: Floats,
    noise: float,
    prior: Prior,
) -> Fit:
    """Improve the instrument and each bead, given with its z, until nothing changes."""
    problem = _Problem(model, [bead for bead, _ in beads])
    own = np.array([[z, 0.0, 0.0, bead.light, bead.level] for bead, z in beads])
    state, guess, damping = _State(vector.copy(), own), noise, 1e-2
    here = problem.linearized(state, noise, prior)
    for _ in range(_MAX_STEPS):
        trial = state.moved(here.step(damping), prior)
        cost = problem.cost(trial, here.weights, prior)
        if cost < here.cost:
            done = here.cost - cost < _CONVERGED * here.cost
            state, damping = trial, damping / 10
            noise = problem.noise(state, guess)
            here = problem.linearized(state, noise, prior)
            if done:
                break
        elif damping > _MAX_DAMPING:
            break
        else:
            damping *= 10
    n = len(PARAMETERS)
    pixels = sum(int(bead.valid.sum()) for bead in problem.beads)
    return Fit(
        vector=state.vector,
        covariance=np.asarray(np.linalg.inv(here.matrix)[:n, :n] * max(1.0, here.cost / pixels)),
        prior=prior.deviation,
        beads=tuple(problem.beads),
        places_um=state.own[:, :_PLACE],
        light=state.own[:, _PLACE],
        background=state.own[:, _PLACE + 1],
        misfit=problem.cost(state, problem.weights(state, guess), prior) / pixels,
        bead_misfits=problem.misfits(state, problem.weights(state, noise)),
        noise=noise,
    )


@dataclass(frozen=True)
class _Linearized:
    """The likelihood around a state: information, slope, weights of the pixels and cost."""

    matrix: Floats
    slope: Floats
    weights: list[Floats]
    cost: float

    def step(self, damping: float) -> Floats:
        """Return the step of Levenberg and Marquardt."""
        damped = self.matrix + damping * np.diag(np.diag(self.matrix))
        return np.asarray(np.linalg.solve(damped, self.slope))


@dataclass(frozen=True)
class _Problem:
    """Images, and what they should look like."""

    model: BeadModel
    beads: list[BeadImages]

    def expected(self, state: _State) -> list[Floats]:
        """Return the light of every bead, without its background."""
        vector = torch.from_numpy(state.vector).float()
        lights = []
        for bead, own in zip(self.beads, state.own, strict=True):
            with torch.no_grad():
                place, z_um = (torch.from_numpy(a).float() for a in (own[:_PLACE], bead.z_um))
                lights.append(own[_PLACE] * self.model.images(vector, place, z_um).double().numpy())
        return lights

    def weights(self, state: _State, noise: float) -> list[Floats]:
        """Return one over the variance of every pixel."""
        return [
            bead.valid / (bead.read_variance + noise * light.clip(min=0))
            for bead, light in zip(self.beads, self.expected(state), strict=True)
        ]

    def noise(self, state: _State, guess: float) -> float:
        """Return the variance per grey level of light that explains what is left."""
        excess = light_sum = 0.0
        for bead, own, light in zip(self.beads, state.own, self.expected(state), strict=True):
            bright = bead.valid & (light > math.sqrt(bead.read_variance))
            residual = bead.pixels - light - own[_PLACE + 1]
            excess += float((residual**2 - bead.read_variance)[bright].sum())
            light_sum += float(light[bright].sum())
        return max(excess / max(light_sum, 1e-9), guess / 10)

    def cost(self, state: _State, weights: Sequence[Floats], prior: Prior) -> float:
        """Return the squared residuals of all pixels and of the prior, by their weights."""
        total = float((((state.vector - prior.mean) / prior.deviation) ** 2).sum())
        z_um = state.own[:, 0]
        total += float((((z_um - z_um.mean()) / prior.place_um) ** 2).sum())
        total += float(((state.own[:, 1:_PLACE] / _OFF_CENTER_UM) ** 2).sum())
        pixels = np.array([bead.valid.sum() for bead in self.beads])
        return total + float(self.misfits(state, weights) @ pixels)

    def misfits(self, state: _State, weights: Sequence[Floats]) -> Floats:
        """Return the weighted mean of the squared residuals of each bead."""
        lights = self.expected(state)
        return np.array(
            [
                (weight * (bead.pixels - light - own[_PLACE + 1]) ** 2).sum() / bead.valid.sum()
                for bead, own, light, weight in zip(
                    self.beads, state.own, lights, weights, strict=True
                )
            ]
        )

    def linearized(self, state: _State, noise: float, prior: Prior) -> _Linearized:
        """Return information and slope of the likelihood, by the derivatives of every image."""
        n, beads = len(PARAMETERS), len(self.beads)
        matrix = np.zeros((n + beads * _OWN,) * 2)
        slope = np.zeros(n + beads * _OWN)
        matrix[range(n), range(n)] = prior.deviation**-2
        slope[:n] = (prior.mean - state.vector) * prior.deviation**-2
        z_um, at_z = state.own[:, 0], n + _OWN * np.arange(beads)
        # Places are told from the middle of them all, which is free.
        matrix[np.ix_(at_z, at_z)] += (np.eye(beads) - 1 / beads) / prior.place_um**2
        slope[at_z] += (z_um.mean() - z_um) / prior.place_um**2
        for axis in range(1, _PLACE):
            matrix[at_z + axis, at_z + axis] += _OFF_CENTER_UM**-2
            slope[at_z + axis] -= state.own[:, axis] / _OFF_CENTER_UM**2
        weights = []
        for i, (bead, own) in enumerate(zip(self.beads, state.own, strict=True)):
            image, slopes = self._derivatives(state.vector, own, bead)
            weight = bead.valid / (bead.read_variance + noise * (own[_PLACE] * image).clip(min=0))
            weights.append(weight)
            residual = bead.pixels - own[_PLACE] * image - own[_PLACE + 1]
            weighted = slopes * weight.reshape(-1, 1)
            at = np.r_[:n, n + i * _OWN : n + (i + 1) * _OWN]
            matrix[np.ix_(at, at)] += weighted.T @ slopes
            slope[at] += weighted.T @ residual.ravel()
        return _Linearized(matrix, slope, weights, self.cost(state, weights, prior))

    def _derivatives(self, vector: Floats, own: Floats, bead: BeadImages) -> tuple[Floats, Floats]:
        """Return the image of unit light, and the derivatives of what is measured by everything."""
        z_um = torch.from_numpy(bead.z_um).float()
        n = len(PARAMETERS)

        def image(settings: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            made = self.model.images(settings[:n], settings[n:], z_um)
            return made, made

        settings = torch.from_numpy(np.concatenate([vector, own[:_PLACE]])).float()
        slopes, made = torch.func.jacfwd(image, has_aux=True)(settings)
        unit = made.double().numpy()
        by_settings = own[_PLACE] * slopes.double().numpy().reshape(unit.size, -1)
        return unit, np.column_stack([by_settings, unit.ravel(), np.ones(unit.size)])
