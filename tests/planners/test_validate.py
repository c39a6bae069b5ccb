from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from interlock.errors import GoalError, InterlockError, PlanRefusedError
from interlock.planners.domain import Domain
from interlock.planners.plan import Plan, Task
from interlock.planners.rules_of_form import MAX_TASKS
from interlock.planners.search import plan_goal
from interlock.planners.validate import RULES, validate

Point = tuple[float, float, float]
Reachable = Callable[[Point], str | None]

TRAY_MIDDLE = (0.45, 0.38, 0.04)
GOAL = (("in", "red_block", "tray"), ("at_home",))
PICK = Task(id="t1", skill="pick", arguments={"object": "red_block"}, after=())
PLACE = Task(
    id="t2",
    skill="place",
    arguments={"object": "red_block", "target": "tray"},
    after=("t1",),
    target_in_world=TRAY_MIDDLE,
)
HOME = Task(id="t3", skill="home", arguments={}, after=("t2",))
GOOD = Plan(goal="put the red block in the tray and go home", goal_atoms=GOAL, tasks=(PICK, PLACE, HOME))


def with_tasks(*tasks: Task, goal: tuple[tuple[str, ...], ...] = GOAL) -> Plan:
    return replace(GOOD, tasks=tasks, goal_atoms=goal)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A plan with one thing wrong, and the rule that has to notice."""

    name: str
    rule: str
    plan: Plan
    error: type[InterlockError] = PlanRefusedError
    mend: str = ""
    change: dict[str, Any] = field(default_factory=dict)


UNKNOWN_TASK = Task(id="t1", skill="fly", arguments={}, after=())
REACH = Task(
    id="t1", skill="reach", arguments={"target": "tray"}, after=(), target_in_world=(0.45, 0.38, 0.16)
)
PUSH = Task(
    id="t1",
    skill="push",
    arguments={"object": "yellow_block", "target": "handover_zone"},
    after=(),
    target_in_world=(0.60, -0.52, 0.03),
)
PUSHED = (("pushed", "yellow_block", "handover_zone"),)

CASES = [
    Case(
        name="too many tasks",
        rule="size_bounded",
        plan=with_tasks(*(replace(HOME, id=f"t{i}", after=()) for i in range(MAX_TASKS + 1))),
    ),
    Case(name="no goal", rule="goal_given", plan=with_tasks(PICK, PLACE, HOME, goal=())),
    Case(name="only 'then'", rule="goal_given", plan=with_tasks(HOME, goal=(("then",),))),
    Case(
        name="unknown predicate",
        rule="goal_given",
        plan=with_tasks(PICK, PLACE, HOME, goal=(("hold", "red_block"),)),
        error=GoalError,
        mend="'holding'",
    ),
    Case(
        name="goal about an unknown thing",
        rule="goal_given",
        plan=with_tasks(PICK, PLACE, HOME, goal=(("in", "red_blok", "tray"),)),
        error=GoalError,
        mend="'red_block'",
    ),
    Case(
        name="goal atom too short",
        rule="goal_given",
        plan=with_tasks(PICK, PLACE, HOME, goal=(("in", "red_block"),)),
    ),
    Case(
        name="goal that contradicts itself",
        rule="contradiction",
        plan=with_tasks(PICK, PLACE, HOME, goal=(*GOAL, ("on", "red_block", "table"))),
    ),
    Case(name="empty goal atom", rule="goal_given", plan=with_tasks(HOME, goal=((),)), error=GoalError),
    Case(
        name="unknown skill",
        rule="skills_known",
        plan=with_tasks(replace(PICK, skill="pik"), PLACE, HOME),
        error=GoalError,
        mend="'pick'",
    ),
    Case(
        name="nothing but unknown skills",
        rule="skills_known",
        plan=with_tasks(UNKNOWN_TASK, replace(UNKNOWN_TASK, id="t2", skill="teleport")),
        error=GoalError,
    ),
    Case(
        name="a skill's name in capitals",
        rule="skills_known",
        plan=with_tasks(replace(PICK, skill="PICK"), PLACE, HOME),
        error=GoalError,
    ),
    Case(
        name="skill not allowed here",
        rule="skills_allowed",
        plan=GOOD,
        change={"skills": ("pick", "place", "reach", "push")},
    ),
    Case(name="one id twice", rule="ids_unique", plan=with_tasks(PICK, replace(PLACE, id="t1"), HOME)),
    Case(name="empty id", rule="ids_unique", plan=with_tasks(replace(HOME, id="", after=()))),
    Case(
        name="waits for nobody",
        rule="predecessors_known",
        plan=with_tasks(PICK, PLACE, replace(HOME, after=("t9",))),
    ),
    Case(name="waits for itself", rule="acyclic", plan=with_tasks(replace(PICK, after=("t1",)), PLACE, HOME)),
    Case(name="a ring", rule="acyclic", plan=with_tasks(replace(PICK, after=("t3",)), PLACE, HOME)),
    Case(name="listed backwards", rule="listed_in_order", plan=with_tasks(HOME, PLACE, PICK)),
    Case(
        name="argument missing",
        rule="arguments_exact",
        plan=with_tasks(PICK, replace(PLACE, arguments={"object": "red_block"}), HOME),
    ),
    Case(
        name="argument too many",
        rule="arguments_exact",
        plan=with_tasks(replace(PICK, arguments={"object": "red_block", "force": "max"}), PLACE, HOME),
    ),
    Case(
        name="argument misspelt",
        rule="arguments_exact",
        plan=with_tasks(replace(PICK, arguments={"objekt": "red_block"}), PLACE, HOME),
    ),
    Case(
        name="unknown object",
        rule="objects_known",
        plan=with_tasks(replace(PICK, arguments={"object": "red_blok"}), PLACE, HOME),
        error=GoalError,
        mend="'red_block'",
    ),
    Case(
        name="picks the pillar",
        rule="roles_fit",
        plan=with_tasks(replace(PICK, arguments={"object": "pillar"}), PLACE, HOME),
    ),
    Case(
        name="places on a block",
        rule="roles_fit",
        plan=with_tasks(
            PICK, replace(PLACE, arguments={"object": "red_block", "target": "blue_block"}), HOME
        ),
    ),
    Case(
        name="beside what moves by itself",
        rule="roles_fit",
        plan=with_tasks(PICK, PLACE, goal=(("left_of", "red_block", "pillar"),)),
        mend="tray",
        change={"pillar": {"moves": True}},
    ),
    Case(
        name="place without a point",
        rule="targets_given",
        plan=with_tasks(PICK, replace(PLACE, target_in_world=None), HOME),
    ),
    Case(
        name="pick with a point",
        rule="targets_given",
        plan=with_tasks(replace(PICK, target_in_world=TRAY_MIDDLE), PLACE, HOME),
    ),
    Case(
        name="a point that is not a number",
        rule="targets_given",
        plan=with_tasks(PICK, replace(PLACE, target_in_world=(0.45, float("nan"), 0.04)), HOME),
    ),
    Case(
        name="a point at infinity",
        rule="targets_given",
        plan=with_tasks(PICK, replace(PLACE, target_in_world=(0.45, float("inf"), 0.04)), HOME),
    ),
    Case(
        name="a point of two numbers",
        rule="targets_given",
        plan=with_tasks(PICK, replace(PLACE, target_in_world=(0.45, 0.38)), HOME),  # type: ignore[arg-type]
    ),
    Case(
        name="reach into a forbidden zone",
        rule="zones_open",
        plan=with_tasks(
            replace(REACH, arguments={"target": "keep_out"}, target_in_world=(0.15, 0.45, 0.20)),
            goal=(("at", "tray"),),
        ),
    ),
    Case(
        name="goal in a forbidden zone",
        rule="zones_open",
        plan=with_tasks(PICK, PLACE, goal=(("in", "red_block", "keep_out"),)),
    ),
    Case(
        name="place without pick",
        rule="preconditions_met",
        plan=with_tasks(replace(PLACE, after=()), HOME),
    ),
    Case(
        name="pick with a full hand",
        rule="preconditions_met",
        plan=with_tasks(
            PICK, replace(PICK, id="t9", arguments={"object": "blue_block"}, after=("t1",)), PLACE, HOME
        ),
    ),
    Case(
        name="home with a full hand",
        rule="preconditions_met",
        plan=with_tasks(PICK, replace(HOME, id="t9", after=("t1",)), PLACE, HOME),
    ),
    Case(
        name="places another object than it picked",
        rule="preconditions_met",
        plan=with_tasks(replace(PICK, arguments={"object": "blue_block"}), PLACE, HOME),
    ),
    Case(
        name="floats above the tray",
        rule="targets_stand",
        plan=with_tasks(PICK, replace(PLACE, target_in_world=(0.45, 0.38, 0.10)), HOME),
    ),
    Case(
        name="beside the tray",
        rule="targets_stand",
        plan=with_tasks(PICK, replace(PLACE, target_in_world=(0.20, 0.20, 0.04)), HOME),
    ),
    Case(
        name="at the tray's wall",
        rule="targets_stand",
        plan=with_tasks(PICK, replace(PLACE, target_in_world=(0.57, 0.38, 0.04)), HOME),
    ),
    Case(
        name="reaches below the top",
        rule="targets_stand",
        plan=with_tasks(replace(REACH, target_in_world=(0.45, 0.38, 0.0)), goal=(("at", "tray"),)),
    ),
    Case(
        name="pushes past the zone",
        rule="targets_stand",
        plan=with_tasks(replace(PUSH, target_in_world=(0.45, -0.60, 0.03)), goal=PUSHED),
    ),
    Case(
        name="pushes through a block",
        rule="targets_stand",
        plan=with_tasks(
            replace(PUSH, arguments={"object": "blue_block", "target": "handover_zone"}),
            goal=(("pushed", "blue_block", "handover_zone"),),
        ),
    ),
    Case(
        name="picks out of a forbidden zone",
        rule="points_outside_forbidden_zones",
        plan=GOOD,
        change={"red_block": {"position": (0.15, 0.45, 0.03)}},
    ),
    Case(
        name="picks out of reach",
        rule="points_reachable",
        plan=GOOD,
        change={"red_block": {"position": (0.80, -0.55, 0.03)}},
    ),
    Case(
        name="places out of reach",
        rule="points_reachable",
        plan=with_tasks(PICK, replace(PLACE, target_in_world=(0.80, 0.48, 0.04)), HOME),
        change={"tray": {"position": (0.80, 0.48, 0.005)}},
    ),
    Case(
        name="home in no order to place",
        rule="unordered_independent",
        plan=with_tasks(PICK, PLACE, replace(HOME, after=("t1",))),
    ),
    Case(
        name="no order at all",
        rule="unordered_independent",
        plan=with_tasks(PICK, replace(PLACE, after=()), replace(HOME, after=())),
    ),
    Case(name="half of the goal", rule="goal_reached", plan=with_tasks(PICK, PLACE)),
    Case(name="an empty plan", rule="goal_reached", plan=with_tasks()),
    Case(
        name="the right thing in the wrong place",
        rule="goal_reached",
        plan=with_tasks(
            PICK,
            replace(
                PLACE,
                arguments={"object": "red_block", "target": "table"},
                target_in_world=(0.30, -0.05, 0.03),
            ),
            HOME,
        ),
    ),
    Case(
        name="a place that only looks left",
        rule="goal_reached",
        plan=with_tasks(
            PICK,
            replace(
                PLACE,
                arguments={"object": "red_block", "target": "table"},
                target_in_world=(0.30, -0.05, 0.03),
            ),
            goal=(("left_of", "red_block", "tray"),),
        ),
    ),
    Case(
        name="stages the wrong way round",
        rule="goal_reached",
        plan=with_tasks(
            replace(HOME, id="t0", after=()),
            replace(REACH, after=("t0",)),
            goal=(("at", "tray"), ("then",), ("at_home",)),
        ),
    ),
    Case(
        name="only the first stage",
        rule="goal_reached",
        plan=with_tasks(
            PICK, PLACE, goal=(("in", "red_block", "tray"), ("then",), ("on", "red_block", "table"))
        ),
    ),
    Case(
        name="only the last stage",
        rule="goal_reached",
        plan=with_tasks(goal=(("in", "red_block", "tray"), ("then",), ("on", "red_block", "table"))),
    ),
]


def changed(domain: Domain, case: Case) -> Domain:
    skills = case.change.get("skills", domain.skills)
    objects = tuple(replace(o, **case.change.get(o.name, {})) for o in domain.objects)
    return replace(domain, objects=objects, skills=skills)


def test_a_good_plan_passes(domain: Domain, reachable: Reachable) -> None:
    validate(GOOD, domain, reachable)
    validate(with_tasks(REACH, goal=(("at", "tray"),)), domain, reachable)
    validate(with_tasks(PUSH, goal=PUSHED), domain, reachable)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_refuses(domain: Domain, reachable: Reachable, case: Case) -> None:
    with pytest.raises(case.error) as caught:
        validate(case.plan, changed(domain, case), reachable)
    if isinstance(caught.value, PlanRefusedError):
        assert caught.value.rule == case.rule
        assert caught.value.exit_code == 3
    else:
        assert caught.value.exit_code == 2
    assert case.mend in caught.value.mend
    if case.rule in ("points_reachable", "points_outside_forbidden_zones", "targets_stand"):
        assert caught.value.mend
    assert caught.value.field


def test_every_rule_refuses_some_plan() -> None:
    assert {case.rule for case in CASES} - {"contradiction"} == set(RULES)


@pytest.mark.parametrize(
    "plan",
    [
        with_tasks(replace(PICK, arguments=None)),  # type: ignore[arg-type]
        with_tasks(replace(PICK, arguments={"object": 7})),  # type: ignore[dict-item]
        with_tasks(replace(PICK, arguments={"object": ["red_block"]})),  # type: ignore[dict-item]
        with_tasks(replace(PICK, skill=None)),  # type: ignore[arg-type]
        with_tasks(replace(PICK, skill=["pick"])),  # type: ignore[arg-type]
        with_tasks(replace(PICK, after=None)),  # type: ignore[arg-type]
        with_tasks(replace(PICK, id=None)),  # type: ignore[arg-type]
        with_tasks(PICK, replace(PLACE, target_in_world="abc")),  # type: ignore[arg-type]
        with_tasks(PICK, replace(PLACE, target_in_world=7)),  # type: ignore[arg-type]
        with_tasks(None),  # type: ignore[arg-type]
        replace(GOOD, tasks=None),  # type: ignore[arg-type]
        replace(GOOD, goal_atoms=None),  # type: ignore[arg-type]
        replace(GOOD, goal_atoms=(7,)),  # type: ignore[arg-type]
        None,
    ],
)
def test_what_cannot_be_evaluated_is_refused(domain: Domain, reachable: Reachable, plan: Plan) -> None:
    with pytest.raises((PlanRefusedError, GoalError)):
        validate(plan, domain, reachable)


@pytest.mark.parametrize("answer", ["no", "", 0, False, True, ()])
def test_only_none_means_reachable(domain: Domain, answer: object) -> None:
    with pytest.raises(PlanRefusedError) as caught:
        validate(GOOD, domain, lambda _: answer)  # type: ignore[arg-type,return-value]
    assert caught.value.rule == "points_reachable"


def test_a_reachability_that_raises_means_no(domain: Domain) -> None:
    def broken(_: Point) -> str | None:
        raise ZeroDivisionError

    with pytest.raises(PlanRefusedError, match="could not be evaluated") as caught:
        validate(GOOD, domain, broken)
    assert caught.value.rule == "points_reachable"


def test_asks_for_every_place_it_goes_to(domain: Domain) -> None:
    asked: list[Point] = []
    validate(GOOD, domain, asked.append)  # type: ignore[arg-type]
    assert asked == [(0.45, -0.25, 0.03), TRAY_MIDDLE]


def test_a_place_taken_earlier_in_the_plan_is_not_free(domain: Domain, reachable: Reachable) -> None:
    plan = plan_goal("put the red and the green blocks in the tray", domain, reachable)
    first, second = plan.tasks[1], plan.tasks[3]
    clash = replace(second, target_in_world=first.target_in_world)
    with pytest.raises(PlanRefusedError, match="7 cm from red_block") as caught:
        validate(replace(plan, tasks=(*plan.tasks[:3], clash)), domain, reachable)
    assert caught.value.rule == "targets_stand"


def test_an_empty_plan_for_a_true_goal_passes(domain: Domain, reachable: Reachable) -> None:
    validate(with_tasks(goal=(("on", "red_block", "table"),)), domain, reachable)
