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

__all__ = ["Likeness", "Rollout"]

Rollout = Sequence[Features]
"""The questions of one rollout, in order."""

_MOST_DIRECTIONS = 32
_QUESTIONS_A_DIRECTION = 4
_LEAST_ROLLOUTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Usual spread by channel; embeddings as a normal law about the mean of their stage.

    The law's covariance is shared by all stages and shrunk: the variances along its main directions are kept,
    those along all others are replaced by their mean (the maximum-likelihood solution of Tipping and Bishop
    1999, "Probabilistic principal component analysis"). A few hundred questions do not tell more about D
    numbers, and an unshrunk covariance has no inverse. The distance is Mahalanobis' in that law.

    Attributes:
        spread: root mean square of the samples' standard deviation, shape (C,), channel units.
        means: mean embedding by stage, each of shape (D,).
        directions: unit vectors, shape (R, D).
        variances: along them, shape (R,), positive.
        residual: variance along every other direction, positive.
        units: the largest spread and the largest distance that are usual in a rollout, shape (2,), positive.
    """

    spread: FloatArray
    means: Mapping[str, FloatArray]
    directions: FloatArray
    variances: FloatArray
    residual: float
    units: FloatArray

    def __post_init__(self) -> None:
        directions = frozen_array(self.directions, (None, None), "likeness.directions")
        count, width = directions.shape
        means = {
            stage: frozen_array(mean, (width,), f"likeness.means.{stage}")
            for stage, mean in self.means.items()
        }
        object.__setattr__(self, "directions", directions)
        object.__setattr__(self, "means", MappingProxyType(means))
        object.__setattr__(self, "spread", frozen_array(self.spread, (None,), "likeness.spread"))
        object.__setattr__(self, "variances", frozen_array(self.variances, (count,), "likeness.variances"))
        object.__setattr__(self, "units", frozen_array(self.units, (2,), "likeness.units"))
        numbers = (self.spread, *means.values(), directions, self.variances, self.units)
        if not (np.isfinite(self.residual) and all(np.isfinite(each).all() for each in numbers)):
            raise CheckpointError("must be finite", field="likeness", mend="Calibrate again.")
        if not (len(self.spread) and means and (self.spread >= 0.0).all()):
            raise CheckpointError("holds no channel or no stage", field="likeness", mend="Calibrate again.")
        if not (self.residual > 0.0 and (self.variances > 0.0).all() and (self.units > 0.0).all()):
            raise CheckpointError(
                "a variance or unit is not positive: the samples or the embeddings do not vary",
                field="likeness",
                mend="Calibrate with a temperature above 0 and with more varied episodes.",
            )

    @classmethod
    def fit(cls, rollouts: Sequence[Rollout]) -> Likeness:
        """Fit to successful rollouts; none of those that the thresholds are taken from may be among them.

        The units come from rollouts that were left out of a fit of their own, one after the other: within a
        fit every distance is too short.

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
        largest = []
        for index, left_out in enumerate(rollouts):
            others = cls._fitted([*rollouts[:index], *rollouts[index + 1 :]], np.ones(2))
            scores = [others.score(each) for each in left_out]
            largest.append(np.max([[each.spread, each.distance] for each in scores], axis=0))
        usual = np.median(largest, axis=0)
        if not np.isfinite(usual).all():
            raise CheckpointError(
                "half of the rollouts are in a stage that no other one is in, or say what is no number",
                field="calibration.rollouts",
                mend="Play more episodes, with fewer different goals.",
            )
        return cls._fitted(rollouts, usual)

    @classmethod
    def _fitted(cls, rollouts: Sequence[Rollout], units: FloatArray) -> Likeness:
        questions = [question for rollout in rollouts for question in rollout]
        embeddings = np.array([question.embedding for question in questions])
        stages = np.array([question.stage for question in questions])
        means = {str(stage): embeddings[stages == stage].mean(axis=0) for stage in np.unique(stages)}
        apart = embeddings - np.array([means[str(stage)] for stage in stages])
        freedom = max(1, len(questions) - len(means))
        width = embeddings.shape[1]
        kept = max(1, min(_MOST_DIRECTIONS, freedom // _QUESTIONS_A_DIRECTION, width - 1))
        _, singular, turned = np.linalg.svd(apart, full_matrices=False)
        variances = singular**2 / freedom
        spread = np.sqrt(np.mean([question.spread**2 for question in questions], axis=0))
        return cls(
            spread=spread,
            means={stage: _rounded(mean) for stage, mean in means.items()},
            directions=_rounded(turned[:kept]),
            variances=variances[:kept],
            residual=float(variances[kept:].sum() / max(1, width - kept)),
            units=units,
        )

    def score(self, features: Features) -> Score:
        """How unlike them a question is; without end in a stage that none of them was in.

        Raises:
            ShapeError: if the features are those of another model or body.
        """
        if features.spread.shape != self.spread.shape or len(features.embedding) != self.directions.shape[1]:
            raise ShapeError(
                f"{len(self.spread)} channels and {self.directions.shape[1]} numbers are wanted",
                field="features",
                value=(len(features.spread), len(features.embedding)),
                mend="Calibrate again, with this policy and body.",
            )
        return Score(
            spread=self._spread(features.spread) / float(self.units[0]),
            distance=self._distance(features) / float(self.units[1]),
        )

    def _spread(self, spread: FloatArray) -> float:
        """Root mean square over the channels, each in its usual spread; one that never moved must not."""
        moves = self.spread > 0.0
        if not (spread[~moves] == 0.0).all():
            return np.inf
        shares = spread[moves] / self.spread[moves]
        return float(np.sqrt(np.mean(shares**2))) if len(shares) else 0.0

    def _distance(self, features: Features) -> float:
        mean = self.means.get(features.stage)
        if mean is None:
            return np.inf
        apart = features.embedding - mean
        along = self.directions @ apart
        rest = max(0.0, float(apart @ apart - along @ along)) if np.isfinite(apart).all() else np.nan
        return float(np.sqrt(np.sum(along**2 / self.variances) + rest / self.residual))


def _rounded(numbers: FloatArray) -> FloatArray:
    """To seven digits, which is what the file holds; scores are taken with these."""
    return np.array([float(f"{each:.7g}") for each in numbers.ravel()]).reshape(numbers.shape)
