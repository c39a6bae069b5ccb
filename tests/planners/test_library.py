from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import interlock.planners.library as library_module
from interlock.guards.verdict import Family
from interlock.planners.library import SKILLS
from interlock.planners.skill import FINGERS, STANDS, Holding, Skill, TargetRule

ROOM = Path(library_module.__file__).parent
FINGERS_OBJECT = (FINGERS, "$object")

PHASES = {
    "reach": ["move"],
    "pick": ["approach", "grasp", "lift"],
    "place": ["carry", "lower", "release", "retreat"],
    "push": ["approach", "push", "retreat"],
    "home": ["move"],
}


def test_the_library_has_the_five_skills_and_no_other() -> None:
    assert set(SKILLS) == set(PHASES)
    assert all(skill.name == name for name, skill in SKILLS.items())


@pytest.mark.parametrize(("name", "phases"), PHASES.items())
def test_phases_come_in_this_order(name: str, phases: list[str]) -> None:
    assert [phase.name for phase in SKILLS[name].phases] == phases


@pytest.mark.parametrize(
    ("skill", "phase", "allowed", "holding", "timeout_s"),
    [
        ("reach", "move", (), Holding.NONE, 30),
        ("home", "move", (), Holding.NONE, 30),
        ("pick", "approach", (), Holding.NONE, 30),
        ("pick", "grasp", (FINGERS_OBJECT, ("$object", "$support")), Holding.MAYBE, 8),
        ("pick", "lift", (("$object", "$support"),), Holding.HELD, 8),
        ("place", "carry", (), Holding.HELD, 30),
        ("place", "lower", (("$object", "$target"),), Holding.HELD, 8),
        ("place", "release", (FINGERS_OBJECT, ("$object", "$target")), Holding.MAYBE, 5),
        ("place", "retreat", (FINGERS_OBJECT,), Holding.NONE, 8),
        ("push", "approach", (), Holding.NONE, 30),
        ("push", "push", (FINGERS_OBJECT,), Holding.NONE, 15),
        ("push", "retreat", (FINGERS_OBJECT,), Holding.NONE, 8),
    ],
)
def test_a_phase_allows_these_contacts_and_no_others(
    skill: str, phase: str, allowed: tuple[tuple[str, str], ...], holding: Holding, timeout_s: float
) -> None:
    spec = SKILLS[skill].phase(phase)
    assert spec is not None
    assert (spec.allowed, spec.holding, spec.timeout_s) == (allowed, holding, timeout_s)


@pytest.mark.parametrize("skill", SKILLS.values(), ids=lambda s: s.name)
def test_symbols_of_a_skill_are_its_parameters_and_variables(skill: Skill) -> None:
    bound = {f"${name}" for name in (*skill.parameters, *skill.context)}
    templates = (*skill.preconditions, *skill.adds, *skill.deletes)
    used = {part for atom in templates for part in atom[1:] if part.startswith("$")}
    contacts = {part for phase in skill.phases for pair in phase.allowed for part in pair}
    assert used <= bound
    assert contacts <= bound | {FINGERS}
    assert all(not atom[0].startswith("$") or atom[0] == STANDS for atom in templates)


@pytest.mark.parametrize("skill", SKILLS.values(), ids=lambda s: s.name)
def test_every_contact_expires(skill: Skill) -> None:
    assert all(0 < phase.timeout_s < 60 for phase in skill.phases)


@pytest.mark.parametrize("skill", SKILLS.values(), ids=lambda s: s.name)
def test_constraint_sets_name_guard_families_that_exist(skill: Skill) -> None:
    assert set(skill.constraint_set) <= {family.value for family in Family}
    always = {"integrity", "freshness", "tracking", "position", "velocity", "acceleration", "jerk"}
    assert always | {"tool_speed", "zones", "self_collision", "environment"} <= set(skill.constraint_set)


def test_a_skill_that_holds_needs_the_guard_of_the_held_object() -> None:
    holding = {s.name for s in SKILLS.values() if any(p.holding is not Holding.NONE for p in s.phases)}
    guarded = {s.name for s in SKILLS.values() if "held_object" in s.constraint_set}
    assert holding == guarded == {"pick", "place"}


def test_points_belong_to_reach_place_and_push() -> None:
    with_point = {s.name for s in SKILLS.values() if s.target is not TargetRule.NONE}
    assert with_point == {"reach", "place", "push"}


def test_the_library_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        SKILLS["fly"] = SKILLS["home"]  # type: ignore[index]


def test_planners_import_errors_networkx_and_the_standard_library_only() -> None:
    allowed = {"interlock.errors", "networkx", "pydantic"}
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                inside = name.startswith("interlock.planners.") or name in allowed
                assert inside or name.split(".")[0] in sys.stdlib_module_names, (path.name, name)
