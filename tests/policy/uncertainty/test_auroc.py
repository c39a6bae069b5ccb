from __future__ import annotations

import math

import numpy as np
import pytest

from interlock.errors import BadInputError
from interlock.policy.uncertainty.auroc import auroc


def by_pairs(wrong: list[float], right: list[float]) -> float:
    return sum((w > r) + 0.5 * (w == r) for w in wrong for r in right) / (len(wrong) * len(right))


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_share_of_pairs_ties_counting_half(seed: int) -> None:
    generator = np.random.default_rng(seed)
    wrong = generator.integers(0, 8, generator.integers(1, 30)).astype(float).tolist()
    right = generator.integers(0, 6, generator.integers(1, 30)).astype(float).tolist()
    assert auroc(wrong, right) == pytest.approx(by_pairs(wrong, right), abs=1e-12)


def test_what_is_no_number_is_above_everything_else() -> None:
    assert auroc([math.nan, math.inf], [1.0, 2.0]) == 1.0
    assert auroc([1.0], [math.nan]) == 0.0
    assert auroc([math.nan], [math.inf]) == 0.5


def test_one_kind_alone_is_refused() -> None:
    for wrong, right in (([], [1.0]), ([1.0], [])):
        with pytest.raises(BadInputError, match="both kinds"):
            auroc(wrong, right)
