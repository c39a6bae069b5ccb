from __future__ import annotations

import math

import numpy as np
import pytest

from interlock.policy.uncertainty.decision import Outcome, Thresholds, UncertaintyGate

TRUST, SLOW, AGAIN = Outcome.TRUST, Outcome.SLOW, Outcome.ASK_AGAIN
HOLD, PLANNER = Outcome.HOLD, Outcome.ASK_PLANNER


def gate(asks: int = 1, holds: int = 2) -> UncertaintyGate:
    return UncertaintyGate(Thresholds(slow=1.0, doubt=2.0, asks=asks, holds=holds))


@pytest.mark.parametrize(
    ("score", "outcome"),
    [
        (0.0, TRUST),
        (1.0, TRUST),
        (math.nextafter(1.0, 2.0), SLOW),
        (2.0, SLOW),
        (math.nextafter(2.0, 3.0), AGAIN),
        (math.inf, HOLD),
        (-math.inf, HOLD),
        (math.nan, HOLD),
    ],
)
def test_a_score_alone_decides_at_first(score: float, outcome: Outcome) -> None:
    assert gate().decide(score) is outcome


def test_doubt_is_asked_again_then_held_then_brought_to_the_planner() -> None:
    doubtful = gate(asks=2, holds=3)
    decided = [doubtful.decide(9.0) for _ in range(7)]
    assert decided == [AGAIN, AGAIN, HOLD, HOLD, HOLD, PLANNER, AGAIN]


def test_an_answer_that_is_followed_ends_the_doubt() -> None:
    doubtful = gate(asks=1, holds=1)
    assert [doubtful.decide(each) for each in (9.0, 9.0, 1.5, 9.0, 9.0, 9.0)] == [
        AGAIN, HOLD, SLOW, AGAIN, HOLD, PLANNER,
    ]  # fmt: skip


def test_a_score_that_is_no_number_is_never_followed_nor_only_asked_again() -> None:
    lost = gate(asks=100, holds=3)
    decided = [lost.decide(math.nan) for _ in range(8)]
    assert decided == [HOLD, HOLD, HOLD, PLANNER, HOLD, HOLD, HOLD, PLANNER]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_beyond_the_threshold_is_ever_followed_whatever_came_before(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = np.append(generator.uniform(0.0, 4.0, 200), [math.nan, math.inf])
    walked = gate(asks=int(generator.integers(3)), holds=int(generator.integers(3)))
    for score in generator.permutation(scores):
        assert (walked.decide(float(score)) in (TRUST, SLOW)) == bool(score <= 2.0)


def test_same_scores_same_decisions_and_a_reset_forgets_them() -> None:
    scores = np.random.default_rng(1).uniform(0.0, 3.0, 50).tolist()
    used = gate()
    first = [used.decide(each) for each in scores]
    assert sum(used.counts.values()) == 50
    assert {each: used.counts[each.value] for each in set(first)} == {
        each: first.count(each) for each in set(first)
    }
    used.reset()
    assert set(used.counts.values()) == {0}
    assert [used.decide(each) for each in scores] == first
