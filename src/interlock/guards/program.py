"""A CVXPY program, canonicalised once to an affine map from its parameters to a QP.

CVXPY's `solve()` costs milliseconds whatever the solver; under DPP the canonical form is affine in the
parameters, so it is read off once, column by column, and every tick is one sparse matrix-vector product and
one cold DAQP solve.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import daqp
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from interlock.errors import BadInputError
from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["AffineProgram", "Solution"]

_DAMPING = 1e-4  # DAQP needs a strictly convex cost; helper variables of CVXPY have none of their own
_ITERATIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """A candidate; none of it is evidence.

    Attributes:
        x: the primal, shape (variables,).
        status: the solver's word.
        usable: whether it says that this is an answer.
        dual: largest multiplier of a row, 0 if none is active.
    """

    x: FloatArray
    status: str
    usable: bool
    dual: float = 0.0


class AffineProgram:
    """min 1/2 x'Px + q'x subject to Fx <= g, with (P, q, F, g) affine in the parameters."""

    def __init__(self, problem: Any, parameters: Sequence[Any]) -> None:
        """Canonicalise `problem` (a `cvxpy.Problem`) whose parameters are `parameters`, in this order.

        Raises:
            BadInputError: if the problem is not a DPP convex QP.
        """
        import cvxpy as cp

        if not problem.is_dcp(dpp=True):
            raise BadInputError(
                "the constraint program is not convex under DPP",
                field="guards",
                mend="Write every constraint convex, and affine in each parameter (cvxpy.org, DPP).",
            )
        for parameter in parameters:
            parameter.value = np.zeros(parameter.shape)
        try:
            data, _, _ = problem.get_problem_data(cp.OSQP)
        except cp.error.SolverError as error:
            raise BadInputError(
                "the constraint program is not a quadratic program",
                field="guards",
                value=str(error),
                mend="Use linear, absolute-value, 1-norm or max constraints only.",
            ) from error
        form = data["param_prob"]
        self.variables: Mapping[int, int] = dict(form.var_id_to_col)
        self._equalities = int(form.cone_dims.zero)
        self.width = int(form.x.size)
        self._read_map(form, parameters)

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> AffineProgram:
        """The program that `arrays` was taken from; it knows no variables by their CVXPY names."""
        program = cls.__new__(cls)
        program.variables = {}
        program._equalities, program.width = (int(each) for each in arrays["sizes"])
        program._constant = np.asarray(arrays["constant"], dtype=np.float64)
        columns = len(program._constant), int(arrays["parameters"])
        parts = arrays["data"], arrays["indices"], arrays["indptr"]
        program._map = sp.csr_array(parts, shape=columns)
        program._map.check_format(full_check=True)
        if program.width < 1 or not np.isfinite(program._constant).all():
            raise ValueError("this is no program")
        program._measure()
        return program

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that `restore` needs."""
        return {
            "sizes": np.array([self._equalities, self.width]),
            "constant": self._constant,
            "parameters": np.array(self._map.shape[1]),
            "data": self._map.data,
            "indices": self._map.indices,
            "indptr": self._map.indptr,
        }

    @staticmethod
    def _raw(form: Any) -> FloatArray:
        quadratic, linear, _, rows, bound = form.apply_parameters(quad_obj=True)
        return np.concatenate(
            [np.asarray(quadratic.todense()).ravel(), linear, -np.asarray(rows.todense()).ravel(), bound]
        )

    def _read_map(self, form: Any, parameters: Sequence[Any]) -> None:
        """Evaluate at 0 and at each unit vector: exact, because the map is affine."""
        constant = self._raw(form)
        columns: list[sp.csc_array] = []
        for parameter in parameters:
            size = int(np.prod(parameter.shape, dtype=int)) if parameter.shape else 1
            for k in range(size):
                unit = np.zeros(size)
                unit[k] = 1.0
                parameter.value = unit.reshape(parameter.shape) if parameter.shape else 1.0
                columns.append(sp.csc_array((self._raw(form) - constant).reshape(-1, 1)))
            parameter.value = np.zeros(parameter.shape) if parameter.shape else 0.0
        self._constant = constant
        self._map = sp.csr_array(sp.hstack(columns)) if columns else sp.csr_array((len(constant), 0))
        self._measure()

    def _measure(self) -> None:
        """What follows from the map: how many rows there are, and where a damping is needed."""
        n, constant = self.width, self._constant
        self._places = self._map.indptr.astype(np.int64), self._map.indices.astype(np.int64)
        self._factors = np.ascontiguousarray(self._map.data, dtype=np.float64)
        self._rows = (len(constant) - n * n - n) // (n + 1)
        own = np.zeros(n)
        own[np.flatnonzero(np.diag(constant[: n * n].reshape(n, n)) == 0.0)] = _DAMPING
        self._damping = np.diag(own)

    def matrices(self, values: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """(P, q, F, g) at these parameter values, in the order given at construction."""
        theta = np.concatenate([np.asarray(v, dtype=np.float64).ravel() for v in values])
        if len(theta) != self._map.shape[1]:
            raise ValueError(f"{len(theta)} numbers for {self._map.shape[1]} parameters")
        flat = np.empty(len(self._constant))
        _mapped(self._constant, *self._places, self._factors, theta, flat)
        n, m = self.width, self._rows
        quadratic = flat[: n * n].reshape(n, n) + self._damping
        linear = flat[n * n : n * n + n]
        rows = flat[n * n + n : n * n + n + m * n].reshape(m, n)
        return quadratic, linear, rows, flat[n * n + n + m * n :]

    def solve(
        self,
        values: Sequence[FloatArray],
        more: tuple[FloatArray, FloatArray] | None = None,
        cost: tuple[int, FloatArray] | None = None,
    ) -> Solution:
        """Solve cold and deterministically. Whatever comes back is only a candidate.

        Args:
            values: the parameters, in the order given at construction.
            more: further rows F x <= g of this one question, shapes (k, variables) and (k,).
            cost: the block of P from this variable on, in this one question, positive definite, shape (m, m).
        """
        quadratic, linear, rows, bound = self.matrices(values)
        if cost is not None:
            first, block = cost
            quadratic[first : first + len(block), first : first + len(block)] = block
        if more is not None and len(more[1]):
            rows, bound = np.concatenate([rows, more[0]]), np.concatenate([bound, more[1]])
        return self.solve_matrices(quadratic, linear, rows, bound)

    def solve_matrices(
        self, quadratic: FloatArray, linear: FloatArray, rows: FloatArray, bound: FloatArray
    ) -> Solution:
        """Solve a QP given by what `matrices` returns."""
        if not _finite(linear, rows, bound):
            return Solution(x=np.full(self.width, np.nan), status="not finite", usable=False)
        asked = self.solver_input(quadratic, linear, rows, bound)
        x, _, flag, told = daqp.solve(*asked, iter_limit=_ITERATIONS)
        return Solution(
            x=np.asarray(x, dtype=np.float64),
            status=f"daqp {flag}",
            usable=flag in (1, 2),
            dual=float(np.abs(told["lam"]).max(initial=0.0)),
        )

    def solver_input(
        self, quadratic: FloatArray, linear: FloatArray, rows: FloatArray, bound: FloatArray
    ) -> tuple[NDArray[Any], ...]:
        """What `daqp.solve` takes for a QP given by what `matrices` returns: H, f, A, upper, lower, sense."""
        lower = np.full(len(bound), -1e30)
        lower[: self._equalities] = bound[: self._equalities]
        sense = np.zeros(len(bound), dtype=np.int32)
        sense[: self._equalities] = 5
        return (
            np.ascontiguousarray(quadratic),
            np.ascontiguousarray(linear),
            np.ascontiguousarray(rows),
            np.minimum(bound, 1e30),
            lower,
            sense,
        )


@kernel
def _mapped(
    constant: FloatArray,
    starts: NDArray[np.int64],
    columns: NDArray[np.int64],
    factors: FloatArray,
    theta: FloatArray,
    out: FloatArray,
) -> None:
    """Write constant + map theta; the map's rows are compressed (CSR)."""
    for row in range(constant.shape[0]):
        total = 0.0
        for k in range(starts[row], starts[row + 1]):
            total += factors[k] * theta[columns[k]]
        out[row] = constant[row] + total


@kernel
def _finite(linear: FloatArray, rows: FloatArray, bound: FloatArray) -> bool:
    """Whether every number of a QP is finite."""
    for i in range(linear.shape[0]):
        if not math.isfinite(linear[i]):
            return False
    for k in range(bound.shape[0]):
        if not math.isfinite(bound[k]):
            return False
        for i in range(rows.shape[1]):
            if not math.isfinite(rows[k, i]):
                return False
    return True
