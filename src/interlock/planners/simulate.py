"""Carry a plan out in the mind, task by task: symbols by the skill library, places by geometry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from interlock.errors import PlanRefusedError
from interlock.planners.action import Action, bind
from interlock.planners.atoms import Atom, show
from interlock.planners.domain import Domain, Role
from interlock.planners.footprint import Point
from interlock.planners.layout import Layout
from interlock.planners.library import SKILLS
from interlock.planners.placement import push_start
from interlock.planners.plan import Plan, Task
from interlock.planners.relation import holds as holds_in_space
from interlock.planners.relation import in_zone, is_geometric
from interlock.planners.skill import TargetRule

__all__ = ["World", "bindings", "simulate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is true at one moment of a plan.

    Attributes:
        facts: atoms that the plan so far decides.
        layout: where everything stands.
    """

    facts: frozenset[Atom]
    layout: Layout

    @classmethod
    def of(cls, domain: Domain) -> World:
        """The world as the domain describes it: hand empty, the tool nowhere in particular.

        Raises:
            CellError: the domain contradicts itself.
        """
        layout = Layout.of(domain)
        zones = [o for o in domain.objects if o.role is Role.ZONE]
        there = {
            ("pushed", name, zone.name)
            for name, centre in layout.positions.items()
            for zone in zones
            if in_zone(layout.thing(name), centre, zone)
        }
        return cls(facts=layout.facts() | there | {("hand_empty",)}, layout=layout)

    def holds(self, atom: Atom) -> bool:
        """Whether the atom is true."""
        if is_geometric(atom, self.layout):
            return holds_in_space(atom, self.layout)
        return atom in self.facts

    def after(self, action: Action, target_in_world: Point | None) -> World:
        """The world once the action has been carried out, with `target_in_world` [m] as its point."""
        layout, skill, name = self.layout, SKILLS[action.skill], action.argument("object")
        if ("holding", name) in action.adds:
            layout = layout.lifted(name)
        elif skill.target is TargetRule.STANDING and target_in_world is not None:
            layout = layout.put(name, action.argument("target"), target_in_world)
        elif skill.target is TargetRule.SLIDING and target_in_world is not None:
            layout = layout.put(name, action.argument("support"), target_in_world)
        return replace(self, facts=action.after(self.facts), layout=layout)

    def action_of(self, task: Task) -> Action:
        """The task as a ground action, with what depends on the world filled in; `skill` must be known."""
        skill = SKILLS[task.skill]
        name = task.arguments.get("object", "")
        context = {variable: self.layout.supports.get(name, "") for variable in skill.context}
        return bind(skill, task.arguments, context, self.layout.domain)

    def missing(self, action: Action) -> tuple[Atom, ...]:
        """The preconditions that are not true."""
        return tuple(sorted(atom for atom in action.needs if not self.holds(atom)))

    def way_of(self, action: Action, target_in_world: Point | None) -> tuple[Point, ...]:
        """Points that the action touches, (x, y, z) [m]."""
        start = self.layout.positions.get(action.argument("object"))
        if target_in_world is None:
            return () if start is None else (start,)
        if start is None:
            return (target_in_world,)
        return (push_start(start, target_in_world), start, target_in_world)


def simulate(plan: Plan, domain: Domain) -> Iterator[tuple[Task, Action, World, World]]:
    """Each task in the plan's order: the task, its action, the world before and after.

    Raises:
        PlanRefusedError: rule "preconditions_met", a task could not start.
    """
    world = World.of(domain)
    for task in plan.tasks:
        action = world.action_of(task)
        missing = world.missing(action)
        if missing:
            raise PlanRefusedError(
                f"{task} cannot start, it needs {' and '.join(show(a) for a in missing)}",
                rule="preconditions_met",
                field=f"tasks.{task.id}",
                value=str(task),
                mend="Add a task that brings this about, and order it before.",
            )
        after = world.after(action, task.target_in_world)
        yield task, action, world, after
        world = after


def bindings(plan: Plan, domain: Domain) -> Mapping[str, Mapping[str, str]]:
    """What the symbols of a skill's contacts stand for, by task id: "$object", "$target", "$support".

    "$support" is what the object stands on when the task starts. Fingers are the robot's own, not bound here.

    Raises:
        PlanRefusedError: a task could not start.
    """
    return MappingProxyType(
        {
            task.id: MappingProxyType({f"${k}": v for k, v in action.arguments + action.context})
            for task, action, _, _ in simulate(plan, domain)
        }
    )
