from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import networkx as nx
import pytest

import interlock
from interlock.errors import GoalError, PlanRefusedError
from interlock.planners.atoms import final_atoms
from interlock.planners.domain import Domain, DomainObject, Role
from interlock.planners.graph import graph
from interlock.planners.plan import Plan
from interlock.planners.search import plan_atoms, plan_goal
from interlock.planners.simulate import World, bindings, simulate
from interlock.planners.validate import validate

Point = tuple[float, float, float]
Reachable = Callable[[Point], str | None]


def steps(plan: Plan) -> list[str]:
    return [str(task) for task in plan.tasks]


def end_of(plan: Plan, domain: Domain) -> World:
    world = World.of(domain)
    for *_, after in simulate(plan, domain):
        world = after
    return world


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("put the red block in the tray", ["pick(red_block)", "place(red_block, tray)"]),
        ("pick up the yellow block", ["pick(yellow_block)"]),
        ("reach above the tray", ["reach(tray)"]),
        ("go home", ["home()"]),
        ("push the yellow block to the handover zone", ["push(yellow_block, handover_zone)"]),
        ("put the red block in the handover zone", ["pick(red_block)", "place(red_block, table)"]),
        ("move the green block to the left of the tray", ["pick(green_block)", "place(green_block, table)"]),
        (
            "put the red block in the tray and then go home",
            ["pick(red_block)", "place(red_block, tray)", "home()"],
        ),
        (
            "go home and put the red block in the tray",
            ["pick(red_block)", "place(red_block, tray)", "home()"],
        ),
        (
            "go home then put the red block in the tray",
            ["home()", "pick(red_block)", "place(red_block, tray)"],
        ),
        (
            "pick up the yellow block and put the red block in the tray",
            ["pick(red_block)", "place(red_block, tray)", "pick(yellow_block)"],
        ),
        (
            "put the red block in the tray, then put it on the table",
            ["pick(red_block)", "place(red_block, tray)", "pick(red_block)", "place(red_block, table)"],
        ),
        ("reach above the tray, then reach above the red block", ["reach(tray)", "reach(red_block)"]),
    ],
)
def test_plans(domain: Domain, reachable: Reachable, goal: str, expected: list[str]) -> None:
    plan = plan_goal(goal, domain, reachable)
    assert steps(plan) == expected
    assert plan.goal == goal
    validate(plan, domain, reachable)


def test_all_blocks_end_in_the_tray(domain: Domain, reachable: Reachable) -> None:
    plan = plan_goal("put all blocks in the tray", domain, reachable)
    assert len(plan.tasks) == 8
    end = end_of(plan, domain)
    assert all(end.holds(atom) for atom in final_atoms(plan.goal_atoms))


@pytest.mark.parametrize(
    "goal",
    ["place the blue block on the table", "put all blocks on the table", "put the blocks on the table"],
)
def test_a_goal_already_true_needs_no_tasks(domain: Domain, reachable: Reachable, goal: str) -> None:
    assert plan_goal(goal, domain, reachable).tasks == ()


def test_a_block_already_in_the_zone_is_not_pushed(
    change: Callable[..., Domain], reachable: Reachable
) -> None:
    there = change("red_block", position=(0.60, -0.52, 0.03))
    assert plan_goal("push the red block to the handover zone", there, reachable).tasks == ()


def test_a_chain_of_one_hand_is_ordered_from_first_to_last(domain: Domain, reachable: Reachable) -> None:
    plan = plan_goal("put the red and the green blocks in the tray, then go home", domain, reachable)
    assert [task.after for task in plan.tasks] == [(), ("t1",), ("t2",), ("t3",), ("t4",)]


def test_pushes_far_apart_stay_unordered(change: Callable[..., Domain], reachable: Reachable) -> None:
    domain = change("red_block", position=(0.30, -0.20, 0.03))
    plan = plan_goal(
        "push the yellow block to the handover zone and the red block to the parking zone", domain, reachable
    )
    assert [task.after for task in plan.tasks] == [(), ()]
    for order in nx.all_topological_sorts(graph(plan)):
        tasks = tuple(next(t for t in plan.tasks if t.id == name) for name in order)
        validate(replace(plan, tasks=tasks), domain, reachable)


def test_then_orders_what_would_otherwise_be_unordered(
    change: Callable[..., Domain], reachable: Reachable
) -> None:
    domain = change("red_block", position=(0.30, -0.20, 0.03))
    plan = plan_goal(
        "push the yellow block to the handover zone, then the red block to the parking zone",
        domain,
        reachable,
    )
    assert [task.after for task in plan.tasks] == [(), ("t1",)]


def test_what_stands_on_top_is_put_aside_first(change: Callable[..., Domain], reachable: Reachable) -> None:
    stacked = change("red_block", on="blue_block", position=(0.45, -0.05, 0.09))
    plan = plan_goal("put the blue block in the tray", stacked, reachable)
    assert steps(plan)[0] == "pick(red_block)"
    assert steps(plan)[-2:] == ["pick(blue_block)", "place(blue_block, tray)"]
    assert bindings(plan, stacked)["t1"]["$support"] == "blue_block"


def test_bindings_say_what_an_object_stands_on_when_its_task_starts(
    domain: Domain, reachable: Reachable
) -> None:
    plan = plan_goal("put the red block in the tray, then put it on the table", domain, reachable)
    bound = bindings(plan, domain)
    assert bound["t1"] == {"$object": "red_block", "$support": "table"}
    assert bound["t2"] == {"$object": "red_block", "$target": "tray"}
    assert bound["t3"] == {"$object": "red_block", "$support": "tray"}


def test_points_are_fixed_when_planning(domain: Domain, reachable: Reachable) -> None:
    pick, place = plan_goal("put the red block in the tray", domain, reachable).tasks
    assert pick.target_in_world is None
    assert place.target_in_world == (0.45, 0.38, 0.04)
    (reach,) = plan_goal("reach above the red block", domain, reachable).tasks
    assert reach.target_in_world == (0.45, -0.25, pytest.approx(0.21))


@pytest.mark.parametrize(
    ("goal", "rule"),
    [
        ("pick up the red block", "points_reachable"),
        ("put the red block in the tray", "points_reachable"),
        ("reach above the tray", "points_reachable"),
        ("push the yellow block to the handover zone", "points_reachable"),
        ("put the red block to the left of the pillar", "no_free_place"),
        ("push the blue block to the handover zone", "no_free_place"),
        ("put the red block next to the table", "no_free_place"),
        ("put the red block in the tray and in the handover zone", "contradiction"),
    ],
)
def test_refuses_what_cannot_be_reached_or_has_no_room(domain: Domain, goal: str, rule: str) -> None:
    with pytest.raises(PlanRefusedError) as caught:
        plan_goal(goal, domain, lambda _: "the arm is too short")
    assert caught.value.rule == rule
    assert caught.value.exit_code == 3


def test_refuses_an_object_of_which_nobody_knows_where_it_stands(
    change: Callable[..., Domain], reachable: Reachable
) -> None:
    with pytest.raises(PlanRefusedError) as caught:
        plan_goal("pick up the red block", change("red_block", on=""), reachable)
    assert caught.value.rule == "no_plan"


def test_a_check_that_raises_counts_as_no(domain: Domain) -> None:
    def broken(_: Point) -> None:
        raise RuntimeError("solver diverged")

    with pytest.raises(PlanRefusedError, match="solver diverged"):
        plan_goal("put the red block in the tray", domain, broken)


def test_asks_about_each_point_once(domain: Domain) -> None:
    asked: list[Point] = []
    plan_goal("put all blocks in the tray", domain, asked.append)  # type: ignore[arg-type]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    ("atoms", "error"),
    [
        ((), PlanRefusedError),
        ((("then",),), PlanRefusedError),
        ((("on_fire", "red_block"),), GoalError),
        ((("in", "red_blok", "tray"),), GoalError),
        ((("in", "red_block"),), PlanRefusedError),
        ((("in", "tray", "red_block"),), PlanRefusedError),
        ((("holding", "red_block"), ("holding", "blue_block")), PlanRefusedError),
    ],
)
def test_refuses_goal_atoms_that_mean_nothing(
    domain: Domain, reachable: Reachable, atoms: tuple[tuple[str, ...], ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        plan_atoms("", atoms, domain, reachable)


def test_twelve_blocks_are_within_the_search_budget(reachable: Reachable) -> None:
    table = DomainObject(
        name="table",
        noun="table",
        color="",
        role=Role.SUPPORT,
        position=(0.4, 0, -0.01),
        size=(0.8, 1.2, 0.02),
    )
    tray = DomainObject(
        name="tray",
        noun="tray",
        color="",
        role=Role.SUPPORT,
        position=(0.5, 0.35, 0.0),
        size=(0.5, 0.4, 0.01),
    )
    blocks = tuple(
        DomainObject(
            name=f"block_{i}",
            noun="block",
            color="",
            role=Role.MOVABLE,
            position=(0.30 + 0.08 * (i % 6), -0.3 + 0.1 * (i // 6), 0.03),
            size=(0.04, 0.04, 0.06),
            on="table",
        )
        for i in range(12)
    )
    cell = Domain(objects=(table, tray, *blocks), skills=("pick", "place", "home"))
    plan = plan_goal("put all blocks in the tray and go home", cell, reachable)
    assert len(plan.tasks) == 25


def test_a_plan_can_be_written_as_json(domain: Domain, reachable: Reachable) -> None:
    plan = plan_goal("put the red block in the tray", domain, reachable)
    assert json.loads(json.dumps(asdict(plan)))["tasks"][1]["arguments"] == {
        "object": "red_block",
        "target": "tray",
    }


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from conftest import make_domain, within_reach
from interlock.planners.search import plan_goal
for goal in ("put all blocks in the tray and go home", "put the red block next to the tray then go home"):
    print(plan_goal(goal, make_domain(), within_reach))
"""


def test_the_plan_does_not_depend_on_the_hash_seed() -> None:
    def run(seed: str) -> str:
        source = str(Path(interlock.__file__).parents[1])
        env = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": source}
        here = str(Path(__file__).parent)
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, here], env=env, check=True, capture_output=True, text=True
        ).stdout

    first = run("1")
    assert first
    assert first == run("2")
