from __future__ import annotations

import pytest

from interlock.planners.atoms import (
    PREDICATES,
    RELATIONS,
    THEN,
    final_atoms,
    is_container,
    join_stages,
    matches,
    show,
    stages,
    standing,
    wishes,
)
from interlock.planners.domain import Domain

IN_TRAY = ("in", "red_block", "tray")
ON_TABLE = ("on", "red_block", "table")


def test_a_support_decides_its_own_relation(domain: Domain) -> None:
    assert standing("red_block", "tray", domain) == IN_TRAY
    assert standing("red_block", "table", domain) == ON_TABLE


@pytest.mark.parametrize(
    ("name", "expected"), [("tray", True), ("table", False), ("red_block", False), ("handover_zone", False)]
)
def test_only_supports_with_a_container_noun_are_containers(
    domain: Domain, name: str, expected: bool
) -> None:
    thing = domain.find(name)
    assert thing is not None
    assert is_container(thing) is expected


def test_stages_are_cut_at_then_and_joined_again() -> None:
    goal = (IN_TRAY, THEN, ON_TABLE, ("at_home",))
    assert stages(goal) == ((IN_TRAY,), (ON_TABLE, ("at_home",)))
    assert join_stages(stages(goal)) == goal


def test_stages_without_atoms_do_not_count() -> None:
    assert stages((THEN, IN_TRAY, THEN, THEN)) == ((IN_TRAY,),)
    assert stages(()) == ()


def test_an_earlier_wish_stays_until_its_object_is_wanted_elsewhere() -> None:
    assert final_atoms((IN_TRAY, THEN, ("at_home",))) == (IN_TRAY, ("at_home",))
    assert final_atoms((IN_TRAY, THEN, ON_TABLE)) == (ON_TABLE,)
    assert final_atoms((("left_of", "green_block", "red_block"), THEN, IN_TRAY)) == (IN_TRAY,)


def test_where_the_tool_was_is_replaced_by_any_later_stage() -> None:
    assert final_atoms((("at", "tray"), THEN, IN_TRAY)) == (IN_TRAY,)
    assert wishes((("at", "tray"), THEN, IN_TRAY), 0) == (("at", "tray"),)


def test_a_pattern_matches_anything_only_where_it_says_so() -> None:
    assert matches(("at", "*"), ("at", "tray"))
    assert not matches(("at", "*"), ("at_home",))
    assert not matches(("in", "red_block", "*"), ("in", "blue_block", "tray"))
    assert not matches(("in", "*"), IN_TRAY)


def test_every_relation_is_a_predicate_of_two_things() -> None:
    assert all(len(PREDICATES[name]) == 2 for name in RELATIONS)


def test_an_atom_is_shown_as_people_write_it() -> None:
    assert show(IN_TRAY) == "in(red_block, tray)"
    assert show(("at_home",)) == "at_home()"
