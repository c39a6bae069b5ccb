"""Programs of the projector's shape, solved twice: by affine map, added rows and DAQP, and by CVXPY."""

from __future__ import annotations

from typing import Any

import numpy as np

from interlock.guards.program import AffineProgram
from interlock.hal.arrays import FloatArray

__all__ = ["SampleProgram", "worst_disagreement"]


class SampleProgram:
    """A velocity QP with a box and at most `rows` closing rows, and random numbers to fill it with.

    Its values are wanted (n,), lower (n,), upper (n,), rows (k, n) and bound (k,).

    Attributes:
        program: the affine map of it, without the closing rows.
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
        box: list[Any] = [self._velocity >= lower, self._velocity <= upper, slack >= 0]
        self._problem = cp.Problem(cp.Minimize(cost), [*box, matrix @ self._velocity + slack >= bound])
        self.program = AffineProgram(cp.Problem(cp.Minimize(cost), box), self._parameters[:3])
        self._at, self._slack_at = (self.program.variables[v.id] for v in (self._velocity, slack))

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

    def added(self, values: tuple[FloatArray, ...]) -> tuple[FloatArray, FloatArray]:
        """The closing rows as `AffineProgram.solve` takes them."""
        matrix, bound = values[3:]
        rows = np.zeros((len(bound), self.program.width))
        rows[:, self._at : self._at + self._shape[1]] = -matrix
        rows[:, self._slack_at] = -1.0
        return rows, -bound

    def assembled(self, values: tuple[FloatArray, ...]) -> tuple[FloatArray, ...]:
        """The QP itself, as `AffineProgram.solve_matrices` takes it."""
        quadratic, linear, rows, bound = self.program.matrices(values[:3])
        more, least = self.added(values)
        return quadratic, linear, np.concatenate([rows, more]), np.concatenate([bound, least])

    def ours(self, values: tuple[FloatArray, ...]) -> FloatArray:
        """Affine map, added rows and DAQP, shape (joints,)."""
        solution = self.program.solve(values[:3], self.added(values))
        return solution.x[self._at : self._at + self._shape[1]]

    def reference(self, values: tuple[FloatArray, ...]) -> FloatArray:
        """CVXPY and Clarabel as exact as it gets, shape (joints,)."""
        return self._solved(values, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)

    def usual(self, values: tuple[FloatArray, ...]) -> FloatArray:
        """CVXPY and Clarabel as they come, shape (joints,)."""
        return self._solved(values)

    def _solved(self, values: tuple[FloatArray, ...], **settings: float) -> FloatArray:
        import cvxpy as cp

        spare = self._shape[0] - len(values[4])
        padded = np.pad(values[3], ((0, spare), (0, 0))), np.pad(values[4], (0, spare), constant_values=-1.0)
        for parameter, value in zip(self._parameters, (*values[:3], *padded), strict=True):
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
