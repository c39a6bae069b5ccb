from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import betabinom

from interlock.errors import BadInputError
from interlock.policy.uncertainty.conformal import conformal_threshold, least_count


def test_coverage_of_new_scores_follows_the_beta_binomial_law() -> None:
    """Marques 2023: with n old scores and rank k, of m new ones betabinom(m, k, n + 1 − k) stay within."""
    old, new, alpha, trials = 19, 10, 0.2, 4_000
    drawn = np.random.default_rng(3).exponential(size=(trials, old + new))
    within = np.array([np.count_nonzero(row[old:] <= conformal_threshold(row[:old], alpha)) for row in drawn])
    rank = math.ceil((old + 1) * (1 - alpha))
    expected = betabinom(new, rank, old + 1 - rank).pmf(np.arange(new + 1))
    found = np.bincount(within, minlength=new + 1) / trials
    deviation = np.sqrt(expected * (1 - expected) / trials)
    assert (np.abs(found - expected) < 4.5 * deviation).all()
    assert within.mean() / new >= 1 - alpha - 0.01


@pytest.mark.parametrize(("alpha", "count"), [(0.5, 1), (0.1, 9), (0.05, 19), (0.3, 3), (0.01, 99)])
def test_the_fewest_scores_that_allow_a_share_give_the_largest_of_them(alpha: float, count: int) -> None:
    assert least_count(alpha) == count
    scores = np.random.default_rng(count).permutation(np.arange(1.0, count + 1.0))
    assert conformal_threshold(scores, alpha) == count


def test_one_score_less_is_refused_with_how_many_are_needed() -> None:
    with pytest.raises(BadInputError, match="9 or more"):
        conformal_threshold([1.0] * 8, 0.1)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan])
def test_a_share_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(BadInputError, match="between 0 and 1"):
        conformal_threshold([1.0] * 100, alpha)


def test_a_score_that_is_no_number_is_refused_and_an_endless_one_counts_as_the_largest() -> None:
    with pytest.raises(BadInputError, match="no finite threshold"):
        conformal_threshold([*range(19), math.nan], 0.5)
    assert conformal_threshold([*range(19), math.inf], 0.1) == 18.0
    with pytest.raises(BadInputError, match="no finite threshold"):
        conformal_threshold([*range(19), math.inf], 0.05)
