"""From successful rollouts to a calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from interlock.errors import BadInputError
from interlock.policy.uncertainty.calibration import Calibration, MadeFor, Played
from interlock.policy.uncertainty.conformal import conformal_threshold, least_count
from interlock.policy.uncertainty.likeness import Likeness, Rollout

__all__ = ["fit_calibration"]

_FITTED_SHARE = 3  # one rollout in so many is fitted to; the thresholds come from the others


def fit_calibration(
    rollouts: Sequence[Rollout],
    made_for: MadeFor,
    played: Played,
    *,
    samples: int,
    slow_share: float,
    doubt_share: float,
) -> Calibration:
    """Fit to every third successful rollout, and take the thresholds from the others.

    Args:
        rollouts: the questions of each successful rollout, in the order of `played.seeds`.
        made_for: what the calibration holds for.
        played: what the rollouts were; `fitted` is filled in.
        samples: samples K that the spread was taken over.
        slow_share: share of successful rollouts that may be slowed, at most.
        doubt_share: share of successful rollouts in which the policy may be doubted, at most.

    Raises:
        BadInputError: if there are too few rollouts for the shares.
        CheckpointError: if there are too few to fit to, or they do not vary.
    """
    fitted = [each for index, each in enumerate(rollouts) if index % _FITTED_SHARE == 0]
    others = [each for index, each in enumerate(rollouts) if index % _FITTED_SHARE != 0]
    needed = max(least_count(slow_share), least_count(doubt_share))
    if len(others) < needed:
        raise BadInputError(
            f"{needed} successful rollouts beside those that are fitted to are needed for these shares",
            field="calibration.rollouts",
            value=len(others),
            mend=f"Play so many episodes that {needed + -(-needed // 2)} succeed, or allow larger shares.",
        )
    likeness = Likeness.fit(fitted)
    largest = [float(np.max([likeness.score(each).total for each in rollout])) for rollout in others]
    return Calibration(
        made_for=made_for,
        played=replace(played, fitted=len(fitted)),
        samples=samples,
        slow_share=slow_share,
        doubt_share=doubt_share,
        slow=conformal_threshold(largest, slow_share),
        doubt=conformal_threshold(largest, doubt_share),
        likeness=likeness,
    )
