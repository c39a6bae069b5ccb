from __future__ import annotations

import numpy as np
import pytest

from interlock.hal.robot import JointLimits
from interlock.hal.simulator.command_judge import CommandJudge

T = 0.01
LIMITS = JointLimits(
    names=("one", "two"),
    q_min=np.array([-1.0, -2.0]),
    q_max=np.array([1.0, 2.0]),
    v_max=np.array([2.0, 2.0]),
    a_max=np.array([10.0, 10.0]),
    j_max=np.array([4000.0, 4000.0]),
)


def period(q: float, v: float, a0: float, a1: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes of a period in which joint "one" moves as given and joint "two" stands."""
    start, end = np.zeros((3, 2)), np.zeros((3, 2))
    start[:, 0] = q, v, a0
    end[:, 0] = q + T * v + T**2 * (a0 / 3 + a1 / 6), v + T * (a0 + a1) / 2, a1
    return start, end


@pytest.mark.parametrize(
    ("q", "v", "a0", "a1", "broken"),
    [
        (0.0, 1.0, 5.0, -5.0, set()),
        (1.0, 0.0, 0.0, 0.0, set()),
        (0.0, 2.0, 0.0, 0.0, set()),
        (0.0, 0.0, 10.0, -10.0, set()),
        (0.0, 0.0, 10.0, -30.0, {"acceleration"}),
        (0.0, 0.0, 0.0, 10.0000001, {"acceleration"}),
        (0.0, 2.000001, 0.0, 0.0, {"velocity"}),
        (0.0, -2.000001, 0.0, 0.0, {"velocity"}),
        (1.0000001, 0.0, 0.0, 0.0, {"position"}),
        (-1.0000001, 0.0, 0.0, 0.0, {"position"}),
        # Both nodes are inside, the way between them is not.
        (1.0 - 1e-5, 0.05, -10.0, -10.0, {"position"}),
        (-1.0 + 1e-5, -0.05, 10.0, 10.0, {"position"}),
        (0.0, 1.99, 8.0, -8.0, {"velocity"}),
        (0.0, -1.99, -8.0, 8.0, {"velocity"}),
    ],
)
def test_judges_nodes_and_the_way_between_them(
    q: float, v: float, a0: float, a1: float, broken: set[str]
) -> None:
    assert CommandJudge(LIMITS, T).judge(*period(q, v, a0, a1)) == broken


@pytest.mark.parametrize(("excess", "broken"), [(0.0, set()), (0.5e-9, set()), (2e-9, {"jerk"})])
def test_jerk_is_judged_to_a_part_in_a_billion(excess: float, broken: set[str]) -> None:
    limits = JointLimits(
        **{n: getattr(LIMITS, n) for n in LIMITS.__slots__} | {"j_max": np.array([300.0, 1.0])}
    )
    assert CommandJudge(limits, T).judge(*period(0.0, 0.0, 0.0, 3.0 * (1.0 + excess))) == broken


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("row", range(3))
def test_what_is_not_finite_has_its_own_counter(bad: float, row: int) -> None:
    start, end = period(0.0, 0.0, 0.0, 0.0)
    end[row, 1] = bad
    assert CommandJudge(LIMITS, T).judge(start, end) == {"non_finite"}
    assert CommandJudge(LIMITS, T).judge(end, start) == {"non_finite"}


@pytest.mark.parametrize(("gap", "broken"), [(0.5e-9, set()), (2e-9, {"discontinuity"})])
@pytest.mark.parametrize("row", range(3))
def test_a_period_starts_where_the_last_one_ended(row: int, gap: float, broken: set[str]) -> None:
    judge = CommandJudge(LIMITS, T)
    start, end = period(0.0, 0.1, 0.0, 0.0)
    last = start.copy()
    last[row, 1] += gap
    judge.expect(last)
    assert judge.judge(start, end) == broken


def test_a_node_that_no_cubic_reaches_is_a_discontinuity() -> None:
    start, end = period(0.0, 0.1, 0.0, 0.0)
    end[0, 0] += 1e-4
    assert CommandJudge(LIMITS, T).judge(start, end) == {"discontinuity"}
