"""Finds the user's own constraints: by entry point, or by a dotted name in the cell."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from interlock.errors import BadInputError
from interlock.guards.config import GateConfig, PluginConfig
from interlock.guards.constraint import Constraint, ConstraintContext
from interlock.hal.robot import RobotSpec

__all__ = ["GROUP", "available_constraints", "load_constraints"]

GROUP = "interlock.guards"
_SHIPPED = {"speed_budget": "interlock.guards.speed_budget:SpeedBudget"}


def available_constraints() -> dict[str, str]:
    """Every constraint that a cell may name: name to `package.module:Class`.

    Raises:
        BadInputError: if an installed package gives one name a second meaning.
    """
    known = dict(_SHIPPED)
    for point in entry_points(group=GROUP):
        if known.setdefault(point.name, point.value) != point.value:
            raise BadInputError(
                f"two constraints have this name: {known[point.name]} and {point.value}",
                field="guards.plugins",
                value=point.name,
                mend="Uninstall one of the packages, or have it renamed.",
            )
    return known


def load_constraints(config: GateConfig, robot: RobotSpec) -> tuple[Constraint, ...]:
    """Build the constraints that the cell names.

    Raises:
        BadInputError: if one is unknown, cannot be imported, or refuses its parameters.
    """
    return tuple(_build(plugin, index, config, robot) for index, plugin in enumerate(config.plugins))


def _build(plugin: PluginConfig, index: int, config: GateConfig, robot: RobotSpec) -> Constraint:
    field = f"guards.plugins[{index}]"
    factory = _find(plugin.name, f"{field}.name")
    context = ConstraintContext(robot=robot, period_s=config.period_s, parameters=plugin.parameters)
    try:
        constraint = factory(context)
    except BadInputError:
        raise
    except Exception as error:
        raise BadInputError(
            f"the constraint refuses its parameters ({type(error).__name__}: {error})",
            field=f"{field}.parameters",
            value=dict(plugin.parameters),
            mend=f"Read the docstring of {plugin.name}.",
        ) from error
    if not isinstance(constraint, Constraint):
        raise BadInputError(
            "this is no constraint",
            field=f"{field}.name",
            value=plugin.name,
            mend="It needs `name`, `unit`, `program` and `slack` (interlock.guards.constraint.Constraint).",
        )
    return constraint


def _find(name: str, field: str) -> Callable[[ConstraintContext], Constraint]:
    known = available_constraints()
    dotted = known.get(name, name)
    if ":" not in dotted:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise BadInputError(
            "there is no such constraint",
            field=field,
            value=name,
            mend=f"{hint}Known: {', '.join(sorted(known))}; or give `package.module:Class`.",
        )
    try:
        found: Any = EntryPoint(name=name, value=dotted, group=GROUP).load()
    except Exception as error:
        raise BadInputError(
            f"the constraint cannot be imported ({type(error).__name__}: {error})",
            field=field,
            value=name,
            mend="Install its package in this environment, or mend the dotted name.",
        ) from error
    return cast("Callable[[ConstraintContext], Constraint]", found)
