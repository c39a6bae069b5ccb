"""Rules of the plan guard that carry the plan out in the mind: preconditions, places, reach, order, goal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import networkx as nx

from interlock.errors import PlanRefusedError
from interlock.planners.action import Action
from interlock.planners.atoms import show, stages, wishes
from interlock.planners.clearance import FORBIDDEN_MARGIN_M, why_blocked, why_in_the_way
from interlock.planners.domain import Domain, Role
from interlock.planners.footprint import Footprint, Point
from interlock.planners.graph import graph
from interlock.planners.library import SKILLS
from interlock.planners.order import Step, independent
from interlock.planners.placement import push_start, tool_point
from interlock.planners.plan import Plan, Task
from interlock.planners.relation import in_zone
from interlock.planners.simulate import World, simulate
from interlock.planners.skill import TargetRule

__all__ = ["WORLD_RULES", "Review"]

_REACH_TOLERANCE_M = 2e-3

Moment = tuple[Task, Action, World, World]


@dataclass(frozen=True, kw_only=True)
class Review:
    """A plan of good form, and what it would do.

    Attributes:
        plan: the plan.
        domain: the cell.
        reachable: says whether the tool can get to a point, [m].
    """

    plan: Plan
    domain: Domain
    reachable: Callable[[Point], str | None]

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        """Every task in order: the task, its action, the world before and after it."""
        return tuple(simulate(self.plan, self.domain))

    @cached_property
    def stage_before(self) -> tuple[int, ...]:
        """How many stages of the goal are reached before each task, and at the very end."""
        worlds = [World.of(self.domain), *(after for *_, after in self.moments)]
        count, reached = len(stages(self.plan.goal_atoms)), 0
        numbers: list[int] = []
        for world in worlds:
            while reached < count and all(world.holds(a) for a in wishes(self.plan.goal_atoms, reached)):
                reached += 1
            numbers.append(reached)
        return tuple(numbers)


Rule = Callable[[Review], None]


def preconditions_met(review: Review) -> None:
    """Along the plan's order every task finds what it needs."""
    if len(review.moments) != len(review.plan.tasks):
        raise PlanRefusedError("not every task can start", rule="preconditions_met", field="tasks")


def targets_stand(review: Review) -> None:
    """What is put down stands free on its support, and nothing is in the way of what is pushed."""
    for task, action, before, _ in review.moments:
        point, name, layout = task.target_in_world, action.argument("object"), before.layout
        if point is None:
            continue
        why: str | None = None
        match SKILLS[task.skill].target:
            case TargetRule.STANDING:
                why = why_blocked(name, point, action.argument("target"), layout)
            case TargetRule.SLIDING:
                zone = layout.thing(action.argument("target"))
                why = why_blocked(name, point, action.argument("support"), layout)
                why = why or why_in_the_way(name, point, layout)
                why = why or (
                    None if in_zone(layout.thing(name), point, zone) else f"it would not be in {zone.name}"
                )
            case TargetRule.ABOVE:
                why = _why_not_above(action.argument("target"), point, before)
        if why:
            raise _refusal(targets_stand, task, point, why, "Choose a free place.")


def _why_not_above(target: str, point: Point, world: World) -> str | None:
    right = tool_point(target, world.layout)
    off = max(abs(a - b) for a, b in zip(point, right, strict=True))
    return None if off <= _REACH_TOLERANCE_M else f"the place to reach {target} is {right}"


def points_outside_forbidden_zones(review: Review) -> None:
    """No point to go to lies in or at a forbidden zone."""
    zones = [o for o in review.domain.objects if o.role is Role.ZONE and o.forbidden]
    for task, points in _points(review):
        for point in points:
            for zone in zones:
                shape = Footprint.of(zone, zone.position).grown(FORBIDDEN_MARGIN_M)
                if shape.contains(*point[:2]) and abs(point[2] - zone.position[2]) <= zone.size[2] / 2:
                    raise _refusal(
                        points_outside_forbidden_zones,
                        task,
                        point,
                        f"it lies in the zone {zone.name}",
                        "Name a thing or a place outside it.",
                    )


def points_reachable(review: Review) -> None:
    """The tool can get to every point: where things are picked up, put down, pushed from and to."""
    for task, points in _points(review):
        for point in points:
            reason = review.reachable(point)
            if reason is not None:
                raise _refusal(
                    points_reachable,
                    task,
                    point,
                    f"it cannot be reached: {reason}",
                    "Name a thing or a place nearer to the robot, or bring it nearer.",
                )


def _points(review: Review) -> Iterator[tuple[Task, list[Point]]]:
    for task, action, before, _ in review.moments:
        start, end = before.layout.positions.get(action.argument("object")), task.target_in_world
        points: list[Point] = [] if end is None else [end]
        if start is not None:
            points.insert(0, start if end is None else push_start(start, end))
        yield task, points


def unordered_independent(review: Review) -> None:
    """Two tasks in no order to each other can be carried out in either, with the same result."""
    order = nx.transitive_closure_dag(graph(review.plan))
    steps = {
        task.id: Step(action=action, stage=stage, way=before.way_of(action, task.target_in_world))
        for (task, action, before, _), stage in zip(review.moments, review.stage_before, strict=False)
    }
    for one, other in combinations(steps, 2):
        ordered = order.has_edge(one, other) or order.has_edge(other, one)
        if not ordered and not independent(steps[one], steps[other]):
            raise PlanRefusedError(
                "these tasks are in no order, but one would spoil the other",
                rule="unordered_independent",
                field="tasks",
                value=f"{one} and {other}",
                mend="Let one wait for the other.",
            )


def goal_reached(review: Review) -> None:
    """When all tasks are done, every stage of the goal has been reached, and the last one still is."""
    atoms = review.plan.goal_atoms
    count, reached = len(stages(atoms)), review.stage_before[-1]
    end = review.moments[-1][3] if review.moments else World.of(review.domain)
    missing = [a for a in wishes(atoms, min(reached, count - 1)) if not end.holds(a)]
    if missing or reached < count:
        empty = "" if review.plan.tasks else "the plan is empty, but "
        raise PlanRefusedError(
            f"{empty}the goal is not reached",
            rule="goal_reached",
            field="goal_atoms",
            value=", ".join(show(a) for a in missing),
            mend="Add the tasks that bring this about.",
        )


def _refusal(rule: Rule, task: Task, point: Point, why: str, mend: str) -> PlanRefusedError:
    return PlanRefusedError(
        f"{task}: {why}",
        rule=rule.__name__,
        field=f"tasks.{task.id}",
        value=tuple(round(c, 4) for c in point),
        mend=mend,
    )


WORLD_RULES: tuple[Rule, ...] = (
    preconditions_met,
    targets_stand,
    points_outside_forbidden_zones,
    points_reachable,
    unordered_independent,
    goal_reached,
)
"""In the order in which they are checked; all of them are."""
