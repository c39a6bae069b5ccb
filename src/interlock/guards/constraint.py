"""A user's own constraint: a convex row for the projector and an exact check for the verifier."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol, runtime_checkable

from interlock.hal.arrays import FloatArray
from interlock.hal.robot import RobotSpec

__all__ = ["Constraint", "ConstraintContext", "read_slack"]

_MOST_SHOWN = 40  # characters of what a plug-in gave


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintContext:
    """What a constraint is built from: the robot, the control period [s] and the cell's parameters."""

    robot: RobotSpec
    period_s: float
    parameters: Mapping[str, Any]


@runtime_checkable
class Constraint(Protocol):
    """One constraint family; built by calling the class with a `ConstraintContext`.

    Attributes:
        name: shown in verdicts and reports.
        unit: unit of its slack.
    """

    name: str
    unit: str

    def program(self, velocity: Any) -> list[Any]:
        """CVXPY constraints on the next velocity, a `cvxpy.Variable` of shape (n,), [rad/s].

        They steer the projector only; whatever comes out is judged by `slack`.
        """
        ...

    def slack(self, nodes: FloatArray, period_s: float) -> tuple[float, str]:
        """Smallest slack over the whole motion, between nodes too, and where it is; negative or NaN refuses.

        Args:
            nodes: the motion and its stop, shape (m, 3, n), [rad, rad/s, rad/s^2].
            period_s: time between nodes; the acceleration is linear in between, [s].
        """
        ...


def read_slack(found: object) -> tuple[float, str]:
    """What `Constraint.slack` gave: a finite number and where it is; or NaN and what is wrong with it."""
    if not isinstance(found, tuple) or len(found) != 2:
        return math.nan, f"it gives {_shown(found)}, not a pair of a slack and where it is"
    slack, where = found
    if not isinstance(where, str):
        return math.nan, f"it says by {_shown(where)} where its slack is, not by a text"
    value = _finite(slack)
    if math.isnan(value):
        return value, f"{where}: its slack is {_shown(slack)}, not a finite number"
    return value, where


def _finite(slack: object) -> float:
    """A finite real number as it is; whatever else is NaN, True among it."""
    if isinstance(slack, bool) or not isinstance(slack, Real):
        return math.nan
    try:
        value = float(slack)
    except (OverflowError, TypeError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def _shown(value: object) -> str:
    try:
        return repr(value)[:_MOST_SHOWN]
    except Exception:  # an integer of 5,000 digits has no text, nor has what somebody made so
        return f"a value of type {type(value).__name__}"
