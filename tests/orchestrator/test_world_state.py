"""What is measured, not what was planned, says where things stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interlock.hal.scene import Scene
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.world_state import broken_goals, refreshed
from interlock.planners.domain import Domain
from interlock.planners.plan import Plan


@pytest.fixture
def domain(panda_cell: Cell) -> Domain:
    return panda_cell.domain(0)


def scene(cell: Cell, **moved: tuple[float, float, float]) -> Scene:
    things = []
    for thing in cell.scene_objects(0):
        pose = np.array(thing.object_in_world)
        if thing.name in moved:
            pose[:3, 3] = moved[thing.name]
        things.append(replace(thing, object_in_world=pose))
    return Scene(stamp_ns=0, objects=tuple(things))


def plan(*atoms: tuple[str, ...]) -> Plan:
    return Plan(goal="", goal_atoms=atoms, tasks=())


IN_TRAY = (0.42, 0.40, 0.058)


def test_nothing_moved_and_the_domain_is_the_cells(panda_cell: Cell, domain: Domain) -> None:
    again = refreshed(domain, scene(panda_cell))
    for before, after in zip(domain.objects, again.objects, strict=True):
        assert (after.name, after.on) == (before.name, before.on)
        assert after.position == pytest.approx(before.position)


def test_a_moved_block_stands_where_it_is_seen_on_what_lies_below(panda_cell: Cell, domain: Domain) -> None:
    red = refreshed(domain, scene(panda_cell, red_block=IN_TRAY)).find("red_block")
    assert red is not None
    assert (red.position, red.on) == (IN_TRAY, "tray")


def test_only_movable_things_are_looked_at_again(panda_cell: Cell, domain: Domain) -> None:
    pillar = refreshed(domain, scene(panda_cell, pillar=(9.0, 9.0, 9.0))).find("pillar")
    assert pillar == domain.find("pillar")


def test_a_thing_not_seen_keeps_its_place(panda_cell: Cell, domain: Domain) -> None:
    seen = scene(panda_cell)
    without = replace(seen, objects=tuple(o for o in seen.objects if o.name != "red_block"))
    assert refreshed(domain, without).find("red_block") == domain.find("red_block")


def test_a_goal_the_scene_shows_is_not_broken(panda_cell: Cell, domain: Domain) -> None:
    assert broken_goals(plan(("in", "red_block", "tray")), domain, scene(panda_cell, red_block=IN_TRAY)) == []


def test_a_goal_the_scene_does_not_show_is_broken_and_says_how(panda_cell: Cell, domain: Domain) -> None:
    (said,) = broken_goals(plan(("in", "red_block", "tray")), domain, scene(panda_cell))
    assert said == "red_block should be in tray, but stands on table"


def test_each_of_two_goals_is_looked_at(panda_cell: Cell, domain: Domain) -> None:
    wanted = plan(("in", "red_block", "tray"), ("in", "blue_block", "tray"))
    (said,) = broken_goals(wanted, domain, scene(panda_cell, red_block=IN_TRAY))
    assert said.startswith("blue_block")


def test_goals_about_the_hand_are_left_to_the_phases(panda_cell: Cell, domain: Domain) -> None:
    assert broken_goals(plan(("holding", "red_block"), ("at_home",)), domain, scene(panda_cell)) == []
