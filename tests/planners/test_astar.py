from __future__ import annotations

import pytest

from interlock.errors import PlanRefusedError
from interlock.planners.action import Action
from interlock.planners.astar import search
from interlock.planners.atoms import Atom

HAND: Atom = ("hand_empty",)


def action(name: str, needs: set[Atom], adds: set[Atom], deletes: set[Atom] = frozenset()) -> Action:  # type: ignore[assignment]
    return Action(
        skill=name,
        arguments=(),
        needs=frozenset(needs),
        adds=frozenset(adds),
        deletes=frozenset(deletes),
    )


def stacking(count: int) -> list[Action]:
    """Pick up, put down, stack and unstack for `count` blocks: the classic blocks world."""
    names = [f"b{i:02}" for i in range(count)]
    actions = []
    for x in names:
        actions += [
            action(
                f"pick {x}", {HAND, ("clear", x), ("on", x, "t")}, {("holding", x)}, {HAND, ("on", x, "t")}
            ),
            action(f"down {x}", {("holding", x)}, {HAND, ("on", x, "t")}, {("holding", x)}),
        ]
        for y in names:
            if x != y:
                on, clear = ("on", x, y), ("clear", y)
                actions += [
                    action(f"stack {x} {y}", {("holding", x), clear}, {HAND, on}, {("holding", x), clear}),
                    action(f"unstack {x} {y}", {HAND, ("clear", x), on}, {("holding", x), clear}, {HAND, on}),
                ]
    return actions


def test_a_true_goal_needs_nothing() -> None:
    assert search(frozenset({HAND}), (HAND,), ()) == ()


def test_finds_a_chain_in_order() -> None:
    steps = [action(str(i), {("a", str(i))}, {("a", str(i + 1))}, {("a", str(i))}) for i in range(9)]
    found = search(frozenset({("a", "0")}), (("a", "9"),), steps[::-1])
    assert [a.skill for a in found] == [str(i) for i in range(9)]


def test_prefers_the_shorter_way() -> None:
    long = [action("l1", set(), {("x",)}), action("l2", {("x",)}, {("goal",)})]
    short = action("short", set(), {("goal",)})
    assert [a.skill for a in search(frozenset(), (("goal",),), [*long, short])] == ["short"]


def test_solves_sussmans_anomaly() -> None:
    facts = frozenset({HAND, ("on", "b02", "b00"), ("on", "b00", "t"), ("on", "b01", "t"), ("clear", "b02"),
                       ("clear", "b01")})  # fmt: skip
    found = search(facts, (("on", "b00", "b01"), ("on", "b01", "b02")), stacking(3))
    state = facts
    for step in found:
        assert step.needs <= state
        state = step.after(state)
    assert {("on", "b00", "b01"), ("on", "b01", "b02")} <= state
    assert len(found) == 6


def test_turns_a_tower_of_eight_upside_down_with_few_expansions() -> None:
    names = [f"b{i:02}" for i in range(8)]
    facts = {HAND, ("on", names[0], "t"), ("clear", names[-1])}
    facts |= {("on", names[i + 1], names[i]) for i in range(7)}
    goal = tuple(("on", names[i], names[i + 1]) for i in range(7))
    found = search(frozenset(facts), goal, stacking(8), max_expansions=2000)
    state = frozenset(facts)
    for step in found:
        assert step.needs <= state
        state = step.after(state)
    assert set(goal) <= state


def test_names_the_atoms_that_nothing_can_make_true() -> None:
    with pytest.raises(PlanRefusedError, match=r"goal\(\)") as caught:
        search(frozenset(), (("goal",), ("x",)), [action("a", set(), {("x",)})])
    assert caught.value.rule == "no_plan"
    assert "x()" not in str(caught.value)


def test_notices_that_two_wishes_exclude_each_other() -> None:
    left = action("left", set(), {("left",)}, {("right",)})
    right = action("right", set(), {("right",)}, {("left",)})
    with pytest.raises(PlanRefusedError) as caught:
        search(frozenset(), (("left",), ("right",)), [left, right])
    assert caught.value.rule == "no_plan"


def test_stops_at_its_budget() -> None:
    facts = frozenset(
        {HAND, *(("on", f"b{i:02}", "t") for i in range(4)), *(("clear", f"b{i:02}") for i in range(4))}
    )
    with pytest.raises(PlanRefusedError) as caught:
        search(facts, (("on", "b00", "b01"),), stacking(4), max_expansions=1)
    assert caught.value.rule == "search_budget"
