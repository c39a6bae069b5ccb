from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from interlock.errors import GoalError, InterlockError, PlanRefusedError
from interlock.planners.atoms import Atom, final_atoms
from interlock.planners.domain import Domain
from interlock.planners.grammar import GRAMMAR_WORDS
from interlock.planners.parse import parse_goal
from interlock.planners.plan import Plan, Task
from interlock.planners.search import plan_goal
from interlock.planners.simulate import World, simulate
from interlock.planners.validate import validate

Reachable = Callable[[tuple[float, float, float]], str | None]

COLORS = ("red", "green", "blue", "yellow")
CELL_WORDS = (*COLORS, "block", "blocks", "tray", "table", "pillar", "handover", "zone", "parking", "grey")
SOUP = st.lists(
    st.sampled_from([*sorted(GRAMMAR_WORDS), *CELL_WORDS, ",", ".", "red_block"]), min_size=1, max_size=14
).map(" ".join)

colors = st.lists(st.sampled_from(COLORS), min_size=1, max_size=4, unique=True)
things = st.one_of(
    colors.map(lambda some: " and ".join(f"the {c} block" for c in some)),
    colors.map(lambda some: ", ".join(f"the {c}" for c in some) + " blocks"),
    st.just("all blocks"),
)
thing = st.sampled_from(COLORS).map("the {} block".format)
place = st.one_of(
    st.sampled_from(["in the tray", "on the table", "in the handover zone", "in the parking zone"]),
    st.builds(
        "{} {}".format,
        st.sampled_from(["to the left of", "right of", "in front of", "behind", "next to"]),
        st.one_of(st.sampled_from(["the tray", "the pillar"]), thing),
    ),
)
clause = st.one_of(
    st.builds("put {} {}".format, things, place),
    st.builds("move {} {}".format, thing, place),
    st.builds("pick up {}".format, thing),
    st.builds("push {} to the {} zone".format, thing, st.sampled_from(["handover", "parking"])),
    st.builds("reach above {}".format, st.one_of(thing, st.just("the tray"))),
    st.just("go home"),
)
goals = st.builds(
    lambda parts, joints: parts[0] + "".join(f"{j} {p}" for j, p in zip(joints, parts[1:], strict=False)),
    st.lists(clause, min_size=1, max_size=3),
    st.lists(st.sampled_from([" and", ", then", "."]), min_size=2, max_size=2),
)


def outcome(text: str, domain: Domain) -> tuple[Atom, ...] | GoalError | PlanRefusedError:
    try:
        return parse_goal(text, domain)
    except (GoalError, PlanRefusedError) as error:
        return error


@settings(deadline=None)
@given(st.text(max_size=500))
def test_any_text_is_understood_or_refused_with_a_reason(domain: Domain, text: str) -> None:
    answer = outcome(text, domain)
    if isinstance(answer, InterlockError):
        assert answer.field == "goal"
        assert len(answer.message) < 1000


@settings(max_examples=300, deadline=None)
@given(SOUP)
def test_any_row_of_known_words_is_understood_or_refused(domain: Domain, text: str) -> None:
    answer = outcome(text, domain)
    assert answer.what if isinstance(answer, InterlockError) else answer


@settings(max_examples=80, deadline=None)
@given(goals)
def test_every_goal_ends_in_a_plan_that_reaches_it_or_in_a_refusal(
    domain: Domain, reachable: Reachable, goal: str
) -> None:
    try:
        plan = plan_goal(goal, domain, reachable)
    except PlanRefusedError:
        return
    validate(plan, domain, reachable)
    end = World.of(domain)
    for *_, after in simulate(plan, domain):
        end = after
    assert all(end.holds(atom) for atom in final_atoms(plan.goal_atoms))


def without_task(plan: Plan, i: int) -> Plan:
    gone = plan.tasks[i]
    tasks = [
        replace(
            t, after=tuple(dict.fromkeys(a for b in t.after for a in (gone.after if b == gone.id else (b,))))
        )
        for t in plan.tasks
        if t is not gone
    ]
    return replace(plan, tasks=tuple(tasks))


def edited(plan: Plan, i: int, **values: object) -> Plan:
    return replace(
        plan,
        tasks=tuple(replace(t, **values) if j == i else t for j, t in enumerate(plan.tasks)),  # type: ignore[arg-type]
    )


def moved(plan: Plan, i: int) -> Plan:
    point = plan.tasks[i].target_in_world
    assume(point is not None)
    assert point is not None
    return edited(plan, i, target_in_world=(point[0], point[1], point[2] + 0.01))


def swapped(plan: Plan, i: int) -> Plan:
    assume(i + 1 < len(plan.tasks) and plan.tasks[i].id in plan.tasks[i + 1].after)
    tasks: list[Task] = list(plan.tasks)
    tasks[i], tasks[i + 1] = tasks[i + 1], tasks[i]
    return replace(plan, tasks=tuple(tasks))


def freed(plan: Plan, i: int) -> Plan:
    assume(plan.tasks[i].after)
    return edited(plan, i, after=plan.tasks[i].after[1:])


MUTATIONS: dict[str, Callable[[Plan, int], Plan]] = {
    "a task left out": without_task,
    "an order left out": freed,
    "two tasks swapped": swapped,
    "a task twice": lambda plan, i: replace(plan, tasks=(*plan.tasks, plan.tasks[i])),
    "an unknown skill": lambda plan, i: edited(plan, i, skill="fly"),
    "an unknown object": lambda plan, i: edited(
        plan, i, arguments=dict.fromkeys(plan.tasks[i].arguments or {"object": ""}, "ghost")
    ),
    "the pillar instead": lambda plan, i: edited(
        plan, i, arguments=dict.fromkeys(plan.tasks[i].arguments or {"object": ""}, "pillar")
    ),
    "an argument more": lambda plan, i: edited(
        plan, i, arguments={**plan.tasks[i].arguments, "speed": "full"}
    ),
    "an unknown predecessor": lambda plan, i: edited(plan, i, after=("t99",)),
    "a ring": lambda plan, i: edited(plan, i, after=(plan.tasks[-1].id,)),
    "a centimetre off": moved,
    "a point that is not a number": lambda plan, i: edited(plan, i, target_in_world=(float("nan"),) * 3),
    "another skill": lambda plan, i: edited(
        plan, i, skill="reach" if plan.tasks[i].skill == "home" else "home"
    ),
    "another goal": lambda plan, i: replace(
        plan, goal_atoms=(*plan.goal_atoms, ("then",), ("holding", "yellow_block"))
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_plan_with_one_thing_changed_is_refused(
    domain: Domain, reachable: Reachable, mutation: str, data: st.DataObject
) -> None:
    goal = data.draw(st.sampled_from(GOALS))
    if goal not in PLANS:
        PLANS[goal] = plan_goal(goal, domain, reachable)
    plan = PLANS[goal]
    i = data.draw(st.integers(0, len(plan.tasks) - 1))
    with pytest.raises((PlanRefusedError, GoalError)):
        validate(MUTATIONS[mutation](plan, i), domain, reachable)


GOALS = (
    "put the red block in the tray",
    "put all blocks in the tray and then go home",
    "put the red block next to the tray, then reach above the tray",
    "push the yellow block to the handover zone and then go home",
    "put the red block in the tray. Put it on the table. Go home.",
    "put the green block behind the tray and the blue block in the parking zone",
)

PLANS: dict[str, Plan] = {}
