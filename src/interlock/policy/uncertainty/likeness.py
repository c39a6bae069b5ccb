"""What questions of successful rollouts look like, as a few numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from interlock.errors import CheckpointError, ShapeError
from interlock.hal.arrays import FloatArray, frozen_array
from interlock.policy.uncertainty.features import Features
from interlock.policy.uncertainty.score import Score
from interlock.policy.uncertainty.stage import Stage

__all__ = ["Likeness", "Rollout"]

Rollout = Sequence[Features]
"""The questions of one rollout, in order."""

_MOST_DIRECTIONS = 32
_QUESTIONS_A_DIRECTION = 4
_LEAST_ROLLOUTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Usual spreads by stage; embeddings as a normal law about the mean of their stage.

    The law's covariance is shared by all stages and shrunk: the variances along its main directions are kept,
    those along all others are replaced by their mean (the maximum-likelihood solution of Tipping and Bishop
    1999, "Probabilistic principal component analysis"). A few hundred questions do not tell more about D
    numbers, and an unshrunk covariance has no inverse. The distance is Mahalanobis' in that law.

    Attributes:
        stages: by skill and phase, for example "pick/approach".
        directions: unit vectors, shape (R, D).
        variances: along them, shape (R,), positive.
        residual: variance along every other direction, positive.
    """

    stages: Mapping[str, Stage]
    directions: FloatArray
    variances: FloatArray
    residual: float

    def __post_init__(self) -> None:
        directions = frozen_array(self.directions, (None, None), "likeness.directions")
        variances = frozen_array(self.variances, (len(directions),), "likeness.variances")
        object.__setattr__(self, "directions", directions)
        object.__setattr__(self, "variances", variances)
        object.__setattr__(self, "stages", MappingProxyType(dict(self.stages)))
        if not self.stages or len({len(stage.spread) for stage in self.stages.values()}) != 1:
            raise CheckpointError(
                "wants stages, all with the same channels", field="likeness.stages", mend="Calibrate again."
            )
        for name, stage in self.stages.items():
            frozen_array(stage.mean, (directions.shape[1],), f"likeness.stages.{name}.mean")
        if not (np.isfinite(directions).all() and np.isfinite(variances).all()):
            raise CheckpointError("must be finite", field="likeness", mend="Calibrate again.")
        if not (0.0 < self.residual < np.inf and (variances > 0.0).all()):
            raise CheckpointError(
                "a variance is not positive: the embeddings do not vary",
                field="likeness",
                mend="Calibrate with more varied episodes.",
            )

    @classmethod
    def fit(cls, rollouts: Sequence[Rollout]) -> Likeness:
        """Fit to successful rollouts; none of those that the thresholds are taken from may be among them.

        The units come from rollouts that were left out of a fit of their own, one after the other: within a
        fit every distance is too short. A stage for which that gives none, because a single rollout was in
        it, counts as one that none was in.

        Raises:
            CheckpointError: if they are too few, or do not vary.
        """
        if len(rollouts) < _LEAST_ROLLOUTS or any(len(each) == 0 for each in rollouts):
            raise CheckpointError(
                f"{_LEAST_ROLLOUTS} successful rollouts at least have to be fitted to",
                field="calibration.rollouts",
                value=len(rollouts),
                mend="Play more episodes.",
            )
        largest: dict[str, list[FloatArray]] = {}
        for index, left_out in enumerate(rollouts):
            others = cls._fitted([*rollouts[:index], *rollouts[index + 1 :]])
            for name, most in _largest(others, left_out).items():
                largest.setdefault(name, []).append(most)
        units = {name: np.median(found, axis=0) for name, found in largest.items()}
        units = {name: unit for name, unit in units.items() if np.isfinite(unit).all()}
        if not units:
            raise CheckpointError(
                "no two of them are in the same stage, or they say what is no number",
                field="calibration.rollouts",
                mend="Play more episodes, with fewer different goals.",
            )
        return cls._fitted(rollouts, units)

    @classmethod
    def _fitted(cls, rollouts: Sequence[Rollout], units: Mapping[str, FloatArray] | None = None) -> Likeness:
        """The fit, in units of 1 or with the stages that `units` are given for."""
        by_stage: dict[str, list[Features]] = {}
        for question in (question for rollout in rollouts for question in rollout):
            by_stage.setdefault(question.stage, []).append(question)
        stages, apart = {}, []
        for name in sorted(by_stage):
            asked = by_stage[name]
            embeddings = np.array([question.embedding for question in asked])
            mean = embeddings.mean(axis=0)
            apart.append(embeddings - mean)
            if units is None or name in units:
                stages[name] = Stage(
                    mean=_rounded(mean),
                    spread=np.sqrt(np.mean([question.spread**2 for question in asked], axis=0)),
                    units=np.ones(2) if units is None else units[name],
                )
        directions, variances, residual = _shrunk(np.concatenate(apart), len(by_stage))
        return cls(stages=stages, directions=directions, variances=variances, residual=residual)

    def score(self, features: Features) -> Score:
        """How unlike them a question is; without end in a stage that none of them was in.

        Raises:
            ShapeError: if the features are those of another model or body.
        """
        channels = len(next(iter(self.stages.values())).spread)
        if (len(features.spread), len(features.embedding)) != (channels, self.directions.shape[1]):
            raise ShapeError(
                f"{channels} channels and {self.directions.shape[1]} numbers are wanted",
                field="features",
                value=(len(features.spread), len(features.embedding)),
                mend="Calibrate again, with this policy and body.",
            )
        stage = self.stages.get(features.stage)
        if stage is None:
            return Score(spread=np.inf, distance=np.inf)
        return Score(
            spread=stage.spread_of(features.spread) / float(stage.units[0]),
            distance=self._distance(features.embedding - stage.mean) / float(stage.units[1]),
        )

    def _distance(self, apart: FloatArray) -> float:
        if not np.isfinite(apart).all():
            return np.nan
        along = self.directions @ apart
        rest = max(0.0, float(apart @ apart - along @ along))
        return float(np.sqrt(np.sum(along**2 / self.variances) + rest / self.residual))


def _largest(likeness: Likeness, rollout: Rollout) -> dict[str, FloatArray]:
    """The largest spread and the largest distance of a rollout, by stage, shape (2,) each."""
    scores: dict[str, list[tuple[float, float]]] = {}
    for question in rollout:
        score = likeness.score(question)
        scores.setdefault(question.stage, []).append((score.spread, score.distance))
    return {name: np.max(found, axis=0) for name, found in scores.items()}


def _shrunk(apart: FloatArray, stages: int) -> tuple[FloatArray, FloatArray, float]:
    """Main directions, shape (R, D), the variances along them, shape (R,), and that along all others.

    Args:
        apart: embeddings from the mean of their stage, shape (N, D).
        stages: how many means were taken off.
    """
    freedom, width = max(1, len(apart) - stages), apart.shape[1]
    kept = max(1, min(_MOST_DIRECTIONS, freedom // _QUESTIONS_A_DIRECTION, width - 1))
    _, singular, turned = np.linalg.svd(apart, full_matrices=False)
    variances = singular**2 / freedom
    return _rounded(turned[:kept]), variances[:kept], float(variances[kept:].sum() / max(1, width - kept))


def _rounded(numbers: FloatArray) -> FloatArray:
    """To seven digits, which is what the file holds; scores are taken with these."""
    return np.array([float(f"{each:.7g}") for each in numbers.ravel()]).reshape(numbers.shape)
