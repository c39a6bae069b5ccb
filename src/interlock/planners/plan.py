"""A plan: a DAG of typed tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Plan", "Task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One typed skill call.

    Attributes:
        id: unique in the plan, e.g. "t1".
        skill: name of a skill of the library.
        arguments: the skill's parameters, e.g. {"object": "red_block", "target": "tray"}.
        after: ids of the tasks that must have ended before.
        target_in_world: position to put or reach, (x, y, z) [m], fixed at planning time; None if the
            skill has none. For place and push it is where the object's centre goes.
    """

    id: str
    skill: str
    arguments: Mapping[str, str]
    after: tuple[str, ...]
    target_in_world: tuple[float, float, float] | None = None

    def __str__(self) -> str:
        return f"{self.skill}({', '.join(self.arguments.values())})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A validated plan: the goal in words, its goal atoms, and the tasks in one topological order.

    `goal_atoms` are ground atoms as tuples, e.g. ("in", "red_block", "tray").
    """

    goal: str
    goal_atoms: tuple[tuple[str, ...], ...]
    tasks: tuple[Task, ...]
