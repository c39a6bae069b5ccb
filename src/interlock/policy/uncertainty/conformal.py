"""Split conformal prediction: a threshold that new scores like the old ones seldom exceed.

Sources: Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World"; Angelopoulos and Bates
2021, "A gentle introduction to conformal prediction and distribution-free uncertainty quantification"
(arXiv 2107.07511); for robot policies Xu et al. 2025, "Can we detect failures without failure
data?" (FAIL-Detect, RSS 2025, arXiv 2503.08558), who also calibrate on successful rollouts alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from interlock.errors import BadInputError

__all__ = ["conformal_threshold", "least_count"]

_ROUNDING = 1e-9


def conformal_threshold(scores: Sequence[float], alpha: float) -> float:
    """The ⌈(n + 1)(1 − α)⌉-th smallest of n scores.

    If a new score is exchangeable with them, it exceeds the threshold with a probability of at most α. That
    is on average over calibrations: of the next m scores the number that do not exceed it follows, for scores
    without ties, the beta-binomial law with m, k and n + 1 − k, where k is that rank (Marques 2023,
    "Universal distribution of the empirical coverage in split conformal prediction", arXiv 2303.02770).

    Args:
        scores: one of each successful rollout, the largest of its questions. What is exchangeable is
            *rollouts that succeed*, under the same cell, variation, goals and policy: not the questions of
            one rollout, which are alike, and not rollouts that fail.
        alpha: share of such rollouts that may exceed it, between 0 and 1.

    Raises:
        BadInputError: if there are too few scores for α, or one is not a number.
    """
    count = len(scores)
    needed = least_count(alpha)
    if count < needed:
        raise BadInputError(
            f"too few successful rollouts to exceed the threshold in at most {alpha:g} of all cases",
            field="calibration.rollouts",
            value=count,
            mend=f"Use {needed} or more, or a larger share.",
        )
    threshold = float(np.sort(np.asarray(scores, dtype=np.float64))[_rank(count, alpha) - 1])
    if np.isnan(scores).any() or not math.isfinite(threshold):
        raise BadInputError(
            "the scores of successful rollouts give no finite threshold",
            field="calibration.rollouts",
            value=[float(each) for each in scores],
            mend="Play more episodes: each phase has to be met by those that the scores are fitted to.",
        )
    return threshold


def least_count(alpha: float) -> int:
    """How many scores a threshold for this share needs, ⌈1/α⌉ − 1.

    Raises:
        BadInputError: if `alpha` is not between 0 and 1.
    """
    if not 0.0 < alpha < 1.0:
        raise BadInputError("must lie between 0 and 1", field="alpha", value=alpha, mend="Give 0.1.")
    return max(1, math.ceil(1.0 / alpha - _ROUNDING) - 1)


def _rank(count: int, alpha: float) -> int:
    return math.ceil((count + 1) * (1.0 - alpha) - _ROUNDING)
