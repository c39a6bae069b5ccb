"""A user's own constraint: a convex row for the projector and an exact check for the verifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from interlock.hal.arrays import FloatArray
from interlock.hal.robot import RobotSpec

__all__ = ["Constraint", "ConstraintContext"]


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
