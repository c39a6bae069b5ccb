"""Random programs of the projector's shape, solved twice: by affine map and DAQP, by CVXPY and Clarabel."""

from __future__ import annotations

from typing import Any

import numpy as np

from interlock.guards.program import AffineProgram
from interlock.hal.arrays import FloatArray

__all__ = ["SampleProgram", "worst_disagreement"]


class SampleProgram:
    """A velocity QP with a box and `rows` closing rows, and random numbers to fill it with.

    Attributes:
        program: the affine map of it.
    """

    def __init__(self, joints: int = 7, rows: int = 40) -> None:
        import cvxpy as cp

        self._shape = (rows, joints)
        self._velocity = cp.Variable(joints)
        slack = cp.Variable()
        self._parameters = (
            cp.Parameter(joints),
            cp.Parameter(joints),
            cp.Parameter(joints),
            cp.Parameter((rows, joints)),
            cp.Parameter(rows),
        )
        wanted, lower, upper, matrix, bound = self._parameters
        cost = 0.5 * cp.sum_squares(self._velocity) - wanted @ self._velocity + 100.0 * cp.square(slack)
        constraints: list[Any] = [self._velocity >= lower, self._velocity <= upper, slack >= 0]
        constraints.append(matrix @ self._velocity + slack >= bound)
        self._problem = cp.Problem(cp.Minimize(cost), constraints)
        self.program = AffineProgram(self._problem, self._parameters)
        self._at = self.program.variables[self._velocity.id]

    def draw(self, generator: np.random.Generator) -> tuple[FloatArray, ...]:
        """Random parameter values of the projector's sizes."""
        rows, joints = self._shape
        return (
            generator.normal(size=joints),
            -generator.uniform(0.05, 2.0, joints),
            generator.uniform(0.05, 2.0, joints),
            0.4 * generator.normal(size=(rows, joints)),
            -generator.uniform(-0.02, 0.5, rows),
        )

    def ours(self, values: tuple[FloatArray, ...]) -> FloatArray:
        """Affine map and DAQP, shape (joints,)."""
        return self.program.solve(values).x[self._at : self._at + self._shape[1]]

    def reference(self, values: tuple[FloatArray, ...]) -> FloatArray:
        """CVXPY and Clarabel as exact as it gets, shape (joints,)."""
        return self._solved(values, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)

    def usual(self, values: tuple[FloatArray, ...]) -> FloatArray:
        """CVXPY and Clarabel as they come, shape (joints,)."""
        return self._solved(values)

    def _solved(self, values: tuple[FloatArray, ...], **settings: float) -> FloatArray:
        import cvxpy as cp

        for parameter, value in zip(self._parameters, values, strict=True):
            parameter.value = value
        self._problem.solve(solver=cp.CLARABEL, **settings)
        return np.asarray(self._velocity.value)


def worst_disagreement(count: int = 30) -> tuple[float, int]:
    """Largest difference between the two answers over `count` random programs, and `count`."""
    sample = SampleProgram()
    generator = np.random.default_rng(0)
    worst = 0.0
    for _ in range(count):
        values = sample.draw(generator)
        worst = max(worst, float(np.abs(sample.ours(values) - sample.reference(values)).max()))
    return worst, count
