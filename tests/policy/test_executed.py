"""What was executed is told in read-only arrays, and says for how long nothing was released."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.errors import ShapeError
from interlock.policy.executed import NOTHING_EXECUTED, Executed, MotionKind


def of(kinds: list[MotionKind], tick_ns: int = 10) -> Executed:
    return Executed(stamps_ns=tick_ns * np.arange(len(kinds)), q=np.zeros((len(kinds), 2)), kinds=kinds)


@given(st.lists(st.sampled_from(list(MotionKind)), max_size=20), st.integers(0, 220), st.integers(0, 220))
def test_the_time_without_a_release_is_counted_nanosecond_by_nanosecond(
    kinds: list[MotionKind], since_ns: int, until_ns: int
) -> None:
    until_ns = max(since_ns, until_ns)
    expected = 0
    for at in range(since_ns, until_ns):
        tick = min(at // 10, len(kinds) - 1)
        expected += not kinds or kinds[tick] is MotionKind.STOPPING
    assert of(kinds).stopped_ns(since_ns, until_ns) == expected


def test_where_nothing_was_executed_all_of_it_was_waiting() -> None:
    assert len(NOTHING_EXECUTED) == 0
    assert NOTHING_EXECUTED.stopped_ns(5, 25) == 20


def test_nobody_writes_into_it_nor_through_what_it_was_made_from() -> None:
    stamps, q, widths = np.arange(3), np.zeros((3, 2)), np.zeros(3)
    done = Executed(stamps_ns=stamps, q=q, widths_m=widths, kinds=[MotionKind.PROPOSED] * 3)
    stamps += 1
    q += 1.0
    widths += 1.0  # type: ignore[misc]
    assert done.widths_m is not None
    for array in (done.stamps_ns, done.q, done.widths_m):
        assert not array.flags.writeable
    assert (done.stamps_ns[0], done.q.max(), done.widths_m.max()) == (0, 0.0, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": ()},
        {"stamps_ns": np.zeros((1, 1), dtype=np.int64)},
        {"q": np.zeros((2, 2))},
        {"q": np.zeros(1)},
        {"widths_m": np.zeros(2)},
    ],
)
def test_one_of_each_a_tick(wrong: dict[str, object]) -> None:
    told = {"stamps_ns": np.zeros(1, dtype=np.int64), "q": np.zeros((1, 2)), "kinds": [MotionKind.CHANGED]}
    with pytest.raises(ShapeError):
        Executed(**(told | wrong))  # type: ignore[arg-type]


def test_joints_between_two_ticks_are_on_the_line_and_outside_those_of_the_nearest_one() -> None:
    q = np.array([[0.0, 1.0], [1.0, 3.0], [4.0, 3.0]])
    done = Executed(stamps_ns=np.array([10, 20, 40]), q=q, kinds=(MotionKind.PROPOSED,) * 3)
    at = [done.q_at(time_ns).tolist() for time_ns in (0, 10, 15, 20, 35, 40, 99)]
    assert at == [[0.0, 1.0], [0.0, 1.0], [0.5, 2.0], [1.0, 3.0], [3.25, 3.0], [4.0, 3.0], [4.0, 3.0]]
