"""A plan that asks of a policy what it was never taught is refused before anything moves."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from interlock.errors import BadInputError, RefusedError
from interlock.orchestrator.taught import require_taught
from interlock.planners.plan import Plan, Task


def plan(*skills: str) -> Plan:
    tasks = tuple(
        Task(id=f"t{k}", skill=skill, arguments={}, after=(), target_in_world=None)
        for k, skill in enumerate(skills)
    )
    return Plan(goal="", goal_atoms=(), tasks=tasks)


def test_what_was_taught_passes_and_so_does_a_policy_that_does_not_say() -> None:
    require_taught(SimpleNamespace(skills=frozenset({"pick", "place"})), plan("pick", "place"))
    require_taught(SimpleNamespace(skills=frozenset()), plan("home"))
    require_taught(SimpleNamespace(), plan("home"))


def test_what_was_not_is_refused_with_what_is_known() -> None:
    with pytest.raises(RefusedError, match=r"never taught to push; it knows pick, place.*scripted"):
        require_taught(SimpleNamespace(skills=frozenset({"place", "pick"})), plan("pick", "push"))


@pytest.mark.parametrize("skills", [["pick"], "pick", frozenset({1})])
def test_skills_that_are_no_set_of_names_are_refused(skills: object) -> None:
    with pytest.raises(BadInputError, match=r"policy\.skills"):
        require_taught(SimpleNamespace(skills=skills), plan("pick"))
