"""How well a score tells what is wrong from what is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from interlock.errors import BadInputError

__all__ = ["auroc"]


def auroc(wrong: Sequence[float], right: Sequence[float]) -> float:
    """Share of pairs in which the wrong one has the higher score, ties counting half.

    That is the area under the receiver operating characteristic, and Mann and Whitney's U over the number of
    pairs (1947). A score that is NaN counts as higher than all others: it is never followed.

    Raises:
        BadInputError: if there are none of either.
    """
    if not len(wrong) or not len(right):
        raise BadInputError(
            "both kinds of scores are wanted",
            field="auroc",
            value=(len(wrong), len(right)),
            mend="Play more episodes, until there are some of each.",
        )
    scores = np.array([*wrong, *right], dtype=np.float64)
    ranks = rankdata(np.where(np.isnan(scores), np.inf, scores))
    count = len(wrong)
    above = ranks[:count].sum() - count * (count + 1) / 2.0
    return float(above / (count * len(right)))
