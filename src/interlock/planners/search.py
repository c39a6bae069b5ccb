"""From goal atoms to a plan: search skills, choose places, keep only the orders that matter, validate."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx

from interlock.errors import InterlockError, PlanRefusedError
from interlock.planners.action import Action
from interlock.planners.astar import search as search_actions
from interlock.planners.atoms import Atom, stages, wishes
from interlock.planners.domain import Domain
from interlock.planners.footprint import Point
from interlock.planners.ground import ground
from interlock.planners.library import SKILLS
from interlock.planners.order import Step, partial_order
from interlock.planners.parse import parse_goal
from interlock.planners.placement import choose_place, choose_push, tool_point
from interlock.planners.plan import Plan, Task
from interlock.planners.rules_of_form import check_goal
from interlock.planners.simulate import World
from interlock.planners.skill import TargetRule
from interlock.planners.validate import validate

__all__ = ["plan_atoms", "plan_goal", "search"]

Reachable = Callable[[Point], str | None]


def plan_goal(goal: str, domain: Domain, reachable: Reachable) -> Plan:
    """A validated plan for a goal in words; without tasks if the goal is already true.

    Args:
        goal: an instruction in plain English (`parse` says which).
        domain: what the cell's things are called, and where they are.
        reachable: says whether the tool can get to a point in the world, (x, y, z) [m]: None, or why not.

    Raises:
        GoalError: the words cannot be understood, or name something unknown.
        PlanRefusedError: the goal is contradictory, forbidden, out of reach or impossible.
        CellError: the domain contradicts itself.
    """
    return plan_atoms(goal, parse_goal(goal, domain), domain, reachable)


def plan_atoms(goal: str, goal_atoms: tuple[Atom, ...], domain: Domain, reachable: Reachable) -> Plan:
    """A validated plan for goal atoms; `goal` says in words what they mean.

    Raises:
        PlanRefusedError: they are out of reach or impossible, or the plan guard refuses the plan.
        GoalError: they name something unknown.
    """
    check_goal(goal_atoms, domain)
    answers: dict[Point, str | None] = {}

    def ask_once(point: Point) -> str | None:
        if point not in answers:
            answers[point] = _ask(reachable, point)
        return answers[point]

    steps, points = search(goal_atoms, domain, ask_once)
    plan = Plan(goal=goal, goal_atoms=goal_atoms, tasks=_tasks(steps, points))
    validate(plan, domain, ask_once)
    return plan


def _ask(reachable: Reachable, point: Point) -> str | None:
    """The answer of `reachable`; a check that fails is a no."""
    try:
        return reachable(point)
    except InterlockError:
        raise
    except Exception as error:
        return f"the check of reachability failed: {type(error).__name__}: {error}"


def search(
    goal_atoms: tuple[Atom, ...], domain: Domain, reachable: Reachable
) -> tuple[tuple[Step, ...], tuple[Point | None, ...]]:
    """Steps that achieve the goal stage by stage, and the point of each in the world [m].

    Raises:
        PlanRefusedError: there are none.
    """
    world = World.of(domain)
    steps: list[Step] = []
    points: list[Point | None] = []
    for stage in range(len(stages(goal_atoms))):
        goal = wishes(goal_atoms, stage)
        facts = world.facts | {atom for atom in goal if world.holds(atom)}
        for action in search_actions(facts, goal, ground(goal, world.layout, facts)):
            point = _choose(action, world, reachable)
            steps.append(Step(action=action, stage=stage, way=world.way_of(action, point)))
            points.append(point)
            world = world.after(action, point)
    return tuple(steps), tuple(points)


def _choose(action: Action, world: World, reachable: Reachable) -> Point | None:
    name, target = action.argument("object"), action.argument("target")
    match SKILLS[action.skill].target:
        case TargetRule.NONE:
            return None
        case TargetRule.ABOVE:
            return tool_point(target, world.layout)
        case TargetRule.STANDING:
            return choose_place(name, target, action.regions, world.layout, reachable)
        case TargetRule.SLIDING:
            return choose_push(name, target, world.layout, reachable)


def _tasks(steps: tuple[Step, ...], points: tuple[Point | None, ...]) -> tuple[Task, ...]:
    order = partial_order(steps)
    if not nx.is_directed_acyclic_graph(order):
        raise PlanRefusedError("the tasks wait for each other", rule="acyclic", field="tasks")
    return tuple(
        Task(
            id=f"t{i + 1}",
            skill=step.action.skill,
            arguments=dict(step.action.arguments),
            after=tuple(f"t{j + 1}" for j in sorted(order.predecessors(i))),
            target_in_world=point,
        )
        for i, (step, point) in enumerate(zip(steps, points, strict=True))
    )
