"""The delay is a percentile of what was measured, and the cold start is not part of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.errors import BadInputError
from interlock.policy.stream.delay import DelayEstimate

DURATIONS = st.lists(st.floats(0.0, 10.0), min_size=1, max_size=80)


def estimate(durations_s: list[float], **options: int) -> float | None:
    delay = DelayEstimate(**options)
    for duration_s in durations_s:
        delay.note(duration_s)
    return delay.p95_s


def test_nothing_is_known_before_a_warm_call() -> None:
    assert estimate([]) is None
    assert estimate([30.0, 4.0], cold_calls=2) is None


def test_the_cold_start_does_not_count() -> None:
    assert estimate([30.0, 4.0, 0.1], cold_calls=2) == 0.1
    assert estimate([30.0, 4.0, 0.1], cold_calls=0) == 30.0


@pytest.mark.parametrize(
    ("count", "rank"), [(1, 1), (2, 2), (19, 19), (20, 19), (21, 20), (40, 38), (41, 39), (64, 61)]
)
def test_it_is_the_nearest_rank(count: int, rank: int) -> None:
    durations_s = [0.001 * (k + 1) for k in range(count)]
    assert estimate(durations_s[::-1], cold_calls=0) == durations_s[rank - 1]


@given(DURATIONS)
def test_at_least_95_of_100_do_not_exceed_it_and_no_smaller_one_has_that(durations_s: list[float]) -> None:
    found = estimate(durations_s, cold_calls=0, window=100)
    assert found in durations_s
    within = [sum(d <= bound for d in durations_s) / len(durations_s) for bound in sorted(durations_s)]
    smallest = next(b for b, share in zip(sorted(durations_s), within, strict=True) if share >= 0.95)
    assert found == smallest


def test_only_the_last_calls_count() -> None:
    assert estimate([9.0] * 10 + [0.1] * 4, cold_calls=0, window=4) == 0.1


def test_after_a_reset_the_next_call_is_cold_again() -> None:
    delay = DelayEstimate(cold_calls=1)
    delay.note(5.0)
    delay.note(0.2)
    delay.reset()
    delay.note(7.0)
    assert delay.p95_s is None


@pytest.mark.parametrize("wrong", [-1e-9, math.nan, math.inf])
def test_a_clock_that_runs_backwards_is_no_clock(wrong: float) -> None:
    with pytest.raises(BadInputError, match="monotonic"):
        DelayEstimate().note(wrong)
