from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.planners.action import Action
from interlock.planners.atoms import Atom
from interlock.planners.order import APART_M, Step, independent, partial_order

Point = tuple[float, float, float]


def step(
    needs: str = "", adds: str = "", deletes: str = "", stage: int = 0, way: tuple[Point, ...] = ()
) -> Step:
    def atoms(names: str) -> frozenset[Atom]:
        return frozenset((name,) for name in names.split())

    action = Action(skill="s", arguments=(), needs=atoms(needs), adds=atoms(adds), deletes=atoms(deletes))
    return Step(action=action, stage=stage, way=way)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (step(adds="a"), step(adds="b"), True),
        (step(needs="x"), step(needs="x"), True),
        (step(adds="a"), step(needs="a"), False),
        (step(deletes="a"), step(needs="a"), False),
        (step(deletes="a"), step(adds="a"), False),
        (step(deletes="a"), step(deletes="a"), True),
        (step(adds="a", deletes="a"), step(adds="a", deletes="a"), True),
        (step(adds="a", stage=0), step(adds="b", stage=1), False),
    ],
)
def test_two_steps_are_independent_unless_one_feeds_or_spoils_the_other(
    one: Step, other: Step, expected: bool
) -> None:
    assert independent(one, other) is expected
    assert independent(other, one) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (((0.0, 0.0, 0.0),), ((APART_M - 1e-6, 0.0, 0.0),), False),
        (((0.0, 0.0, 0.0),), ((APART_M + 1e-6, 0.0, 0.0),), True),
        (((0.0, 0.0, 0.0),), ((0.0, 0.0, 5.0),), False),
        (((0, -1, 0), (0, 1, 0)), ((-1, 0, 0), (1, 0, 0)), False),
        (((0, 0, 0), (1, 0, 0)), ((0, 0.2, 0), (1, 0.2, 0)), True),
        (((0, 0, 0), (1, 0, 0)), ((0.5, 0.1, 0),), False),
        (((0, 0, 0), (1, 0, 0), (1, 1, 0)), ((1.0, 0.5, 0),), False),
        ((), ((0.0, 0.0, 0.0),), True),
    ],
)
def test_steps_that_come_near_each_other_are_not_independent(
    one: tuple[Point, ...], other: tuple[Point, ...], expected: bool
) -> None:
    assert independent(step(way=one), step(way=other)) is expected
    assert independent(step(way=other), step(way=one)) is expected


def test_keeps_no_order_that_follows_from_others() -> None:
    steps = [step(adds="a"), step(needs="a", adds="b"), step(needs="a b")]
    assert sorted(partial_order(steps).edges) == [(0, 1), (1, 2)]


def test_a_diamond_stays_a_diamond() -> None:
    steps = [
        step(adds="a"),
        step(needs="a", adds="b"),
        step(needs="a", adds="c"),
        step(needs="b c"),
    ]
    assert sorted(partial_order(steps).edges) == [(0, 1), (0, 2), (1, 3), (2, 3)]


names = st.lists(st.sampled_from("abcd"), max_size=2).map(" ".join)
actions = st.builds(step, needs=names, adds=names, deletes=names)


@settings(deadline=None)
@given(st.lists(actions, max_size=5), st.sets(st.sampled_from("abcd")))
def test_every_order_that_is_allowed_ends_in_the_same_state(steps: list[Step], facts: set[str]) -> None:
    start = frozenset((name,) for name in facts)
    state = start
    runnable = []
    for one in steps:
        if one.action.needs <= state:
            runnable.append(one)
            state = one.action.after(state)
    for order in nx.all_topological_sorts(partial_order(runnable)):
        now = start
        for i in order:
            assert runnable[i].action.needs <= now
            now = runnable[i].action.after(now)
        assert now == state
