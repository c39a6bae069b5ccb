"""The affine map is CVXPY's own, and DAQP's answer is Clarabel's."""

from __future__ import annotations

import subprocess
import sys

import cvxpy as cp
import numpy as np
import pytest

from interlock.errors import BadInputError
from interlock.guards.cross_check import SampleProgram
from interlock.guards.program import AffineProgram


class Little:
    """min |x - wanted|^2 s.t. matrix x <= bound, sum x = total, |x|_1 <= 4: every kind of row."""

    def __init__(self, n: int = 4, rows: int = 3) -> None:
        self.x = cp.Variable(n)
        self.wanted, self.matrix = cp.Parameter(n), cp.Parameter((rows, n))
        self.bound, self.total = cp.Parameter(rows), cp.Parameter()
        cost = cp.sum_squares(self.x) - 2 * self.wanted @ self.x
        rows_of = [self.matrix @ self.x <= self.bound, cp.sum(self.x) == self.total, cp.norm1(self.x) <= 4.0]
        self.problem = cp.Problem(cp.Minimize(cost), rows_of)
        self.parameters = (self.wanted, self.matrix, self.bound, self.total)
        self.program = AffineProgram(self.problem, self.parameters)

    def fill(self, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
        values = tuple(np.asarray(generator.normal(size=p.shape)) for p in self.parameters)
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.value = value
        return values

    def feasible(self, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
        wanted, matrix, _, _ = self.fill(generator)
        inside = generator.uniform(-0.9, 0.9, size=self.x.shape)
        values = (
            wanted,
            matrix,
            matrix @ inside + generator.uniform(0, 1, size=self.bound.shape),
            inside.sum(),
        )
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.value = value
        return values


@pytest.fixture(scope="module")
def little() -> Little:
    return Little()


def test_the_map_is_what_cvxpy_makes_of_the_same_parameters(little):
    generator = np.random.default_rng(0)
    for _ in range(20):
        values = little.fill(generator)
        data, _, _ = little.problem.get_problem_data(cp.OSQP)
        quadratic, linear, rows, bound = little.program.matrices(values)
        equalities = data["A"].shape[0]
        damping = np.diag(np.where(np.diag(data["P"].todense()) == 0.0, 1e-4, 0.0))
        np.testing.assert_allclose(quadratic - damping, data["P"].todense(), atol=1e-12)
        np.testing.assert_allclose(linear, data["q"], atol=1e-12)
        # an equation may be written with either sign
        np.testing.assert_allclose(-rows[:equalities], data["A"].todense(), atol=1e-12)
        np.testing.assert_allclose(-bound[:equalities], data["b"], atol=1e-12)
        np.testing.assert_allclose(rows[equalities:], data["F"].todense(), atol=1e-12)
        np.testing.assert_allclose(bound[equalities:], data["G"], atol=1e-12)


def test_the_answer_is_clarabels_with_every_kind_of_row(little):
    generator = np.random.default_rng(1)
    at = little.program.variables[little.x.id]
    for _ in range(30):
        values = little.feasible(generator)
        solution = little.program.solve(values)
        assert solution.usable
        little.problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
        # helper variables of the 1-norm carry a damping of 1e-4
        np.testing.assert_allclose(solution.x[at : at + 4], little.x.value, atol=2e-4)


def test_the_answer_is_clarabels_on_programs_of_the_projectors_shape():
    sample = SampleProgram()
    generator = np.random.default_rng(2)
    for _ in range(25):
        values = sample.draw(generator)
        np.testing.assert_allclose(sample.ours(values), sample.reference(values), atol=1e-6)


def test_an_infeasible_program_is_not_usable(little):
    wanted, matrix = np.zeros(4), np.vstack([np.eye(4)[0], -np.eye(4)[0], np.zeros(4)])
    solution = little.program.solve((wanted, matrix, np.array([-1.0, -1.0, 0.0]), np.array(0.0)))
    assert not solution.usable


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_not_solved(little, which, bad):
    values = [np.array(v) for v in little.feasible(np.random.default_rng(3))]
    values[which] = np.full_like(values[which], bad)
    solution = little.program.solve(values)
    assert not solution.usable
    assert np.isnan(solution.x).all()


def test_refuses_a_program_that_is_not_dpp():
    x, p, q = cp.Variable(2), cp.Parameter(), cp.Parameter()
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x)), [p * q * x >= 1])
    with pytest.raises(BadInputError, match="DPP"):
        AffineProgram(problem, (p, q))


def test_refuses_a_program_that_is_not_convex():
    x, p = cp.Variable(2), cp.Parameter(2)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x) - p @ x), [cp.norm1(x) >= 1])
    with pytest.raises(BadInputError, match="convex"):
        AffineProgram(problem, (p,))


def test_refuses_a_cone_that_is_no_row():
    x, p = cp.Variable(2), cp.Parameter(2)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x) - p @ x), [cp.norm2(x) <= 1])
    with pytest.raises(BadInputError, match="quadratic program"):
        AffineProgram(problem, (p,))


_PROGRAM = """
import hashlib, numpy as np
from interlock.guards.cross_check import SampleProgram
sample, generator = SampleProgram(joints=3, rows=5), np.random.default_rng(5)
print(hashlib.sha256(b"".join(sample.ours(sample.draw(generator)).tobytes() for _ in range(10))).hexdigest())
"""


def test_equal_numbers_give_equal_bits_in_one_process_and_in_another():
    sample, generator = SampleProgram(joints=3, rows=5), np.random.default_rng(5)
    values = [sample.draw(generator) for _ in range(10)]
    first = [sample.ours(v).tobytes() for v in values]
    second = [sample.ours(v).tobytes() for v in reversed(values)]
    assert first == second[::-1]
    answers = {subprocess.check_output([sys.executable, "-c", _PROGRAM], text=True) for _ in range(2)}
    assert len(answers) == 1
