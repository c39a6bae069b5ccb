"""A small constraint of the kind a user writes: a budget for the sum of all joint speeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from interlock.errors import BadInputError
from interlock.guards.constraint import ConstraintContext
from interlock.guards.curve import travel_bounds
from interlock.hal.arrays import FloatArray

__all__ = ["SpeedBudget"]


class SpeedBudget:
    """Keeps sum_i |v_i| at or below a budget, between samples and while stopping too.

    Cell parameter `budget_rad_s`: the budget, [rad/s], positive.

    Raises:
        BadInputError: if the budget is missing or not positive.
    """

    name = "speed_budget"
    unit = "rad/s"

    def __init__(self, context: ConstraintContext) -> None:
        budget: Any = context.parameters.get("budget_rad_s")
        number = isinstance(budget, int | float) and not isinstance(budget, bool)
        if not (number and 0.0 < budget < math.inf):
            raise BadInputError(
                "a speed budget has to be a positive number",
                field="guards.plugins.budget_rad_s",
                value=budget,
                mend="Give e.g. `parameters: {budget_rad_s: 3.0}`.",
            )
        self._budget = float(budget)

    def program(self, velocity: Any) -> list[Any]:
        """|v|_1 <= 97 % of the budget; the stop's own bulge needs the rest."""
        import cvxpy as cp

        return [cp.norm1(velocity) <= 0.97 * self._budget]

    def slack(self, nodes: FloatArray, period_s: float) -> tuple[float, str]:
        """Budget minus an analytic bound on the sum of speeds in each period, [rad/s]."""
        speed = np.empty((nodes.shape[0] - 1, nodes.shape[2]))
        travel_bounds(nodes, period_s, speed, np.empty((nodes.shape[0], nodes.shape[2])))
        total = speed.sum(axis=1)
        worst = int(np.argmax(total))
        return self._budget - float(total[worst]), f"sum of joint speeds {worst * period_s:.2f} s ahead"
