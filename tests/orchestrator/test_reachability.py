"""The planners ask a plain callable whether the tool can get somewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from interlock.orchestrator.cell import Cell
from interlock.orchestrator.reachability import make_reachable
from interlock.planners.domain import Role

Reachable = Callable[[tuple[float, float, float]], str | None]


@pytest.fixture(scope="module")
def reachable(panda_cell: Cell) -> Reachable:
    return make_reachable(panda_cell.robot_spec(), panda_cell.zones())


@pytest.mark.parametrize("name", ["panda_tabletop", "xarm6_tabletop"])
def test_every_movable_thing_of_a_shipped_cell_is_in_reach(name: str) -> None:
    pytest.importorskip("pybullet_data")
    cell = Cell.load(name)
    ask = make_reachable(cell.robot_spec(), cell.zones())
    for seed in range(5):
        for thing in cell.domain(seed).objects:
            if thing.role is Role.MOVABLE:
                assert ask(thing.position) is None


@pytest.mark.parametrize(
    ("point", "why"),
    [
        ((0.9, 0.0, 0.2), "outside the keep-in zone work_space"),
        ((0.5, 0.0, -0.1), "outside the keep-in zone work_space"),
        ((0.5, 0.0, 2.0), "outside the keep-in zone work_space"),
        ((float("nan"), 0.0, 0.2), "outside the keep-in zone work_space"),
    ],
)
def test_a_point_outside_the_work_space_is_refused_by_its_zone(
    point: tuple[float, float, float], why: str, reachable: Reachable
) -> None:
    assert reachable(point) == why


def test_a_point_inside_a_keep_out_zone_is_refused_by_its_zone(panda_cell: Cell) -> None:
    only_out = tuple(z for z in panda_cell.zones() if z.name == "operator_side")
    ask = make_reachable(panda_cell.robot_spec(), only_out)
    assert ask((0.9, 0.0, 0.2)) == "inside the keep-out zone operator_side"


def test_a_point_beyond_the_arm_is_refused_by_name(panda_cell: Cell) -> None:
    ask = make_reachable(panda_cell.robot_spec(), ())
    said = ask((1.5, 0.0, 0.3))
    assert said is not None
    assert "no arm configuration of panda" in said
