"""Answer quadratic programs by cbfpy and time it: run by the interpreter of an environment of its own.

`python cbfpy_peer.py QUESTIONS.npz ANSWERS.npz`, called by `interlock bench gate`. The questions are the
gate's: min 1/2 x'Px + q'x subject to Fx <= g, one P for all. cbfpy gets each of them through its own
interface: x is the control of the system z' = u, and row i a barrier g_i - F_i z, taken at z = 0. Bounds are
rows like the others: those that cbfpy takes as bounds are compiled in, and these change with every question.
Arrays lie on the device before the clock starts and everything is compiled by then, in float64. All on one
processor: jax is faster so on programs of this size, and the time of a process counts what its other threads
do only once they leave a processor.
"""

import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import elastiqp.jax  # noqa: F401 (cbfpy says no more than that an assertion failed)
import jax
import jax.numpy as jnp
import numpy as np
import qpax
from cbfpy import CBF, CBFConfig

_WARM_UP = 30  # calls before the clock counts
_TIGHT = 1e-8  # as exact as qpax gets on these programs: shows that both solve the same one
_ELASTIQP_TOLERANCE = 1e-6  # cbfpy asks for 1e-5 or less with it


class Rows(CBFConfig):
    """The barrier functions: the rows of one question, which come with every call."""

    def __init__(self, quadratic: np.ndarray, count: int, **options: object) -> None:
        self._quadratic = quadratic
        n = len(quadratic)
        example = np.ones((count, n)), np.zeros(count), np.ones(n)
        super().__init__(n=n, m=n, init_args=example, **options)

    def f(self, z, *_):
        """Nothing moves by itself."""
        return jnp.zeros(self.n)

    def g(self, z, *_):
        """The control is the rate."""
        return jnp.eye(self.n)

    def h_1(self, z, rows, bound, linear):
        """One barrier a row; `alpha` is cbfpy's own h -> h."""
        return bound - rows @ z

    def P(self, z, u, *_):
        """The quadratic cost of the questions."""
        return jnp.asarray(self._quadratic)

    def q(self, z, u, rows, bound, linear):
        """The linear cost of the question."""
        return linear


def timed(call: Callable, questions: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
    """Process CPU time of each call, [us], and its answers."""
    for each in questions[:_WARM_UP]:
        jax.block_until_ready(call(*each))
    spent, answers = [], []
    for each in questions:
        before = time.process_time_ns()
        answer = jax.block_until_ready(call(*each))
        spent.append((time.process_time_ns() - before) * 1e-3)
        answers.append(np.asarray(answer))
    return np.array(spent), np.array(answers)


def safety_filter(quadratic: np.ndarray, count: int, **options: object) -> Callable:
    """The whole filter of cbfpy for questions of `count` rows."""
    cbf = CBF.from_config(Rows(quadratic, count, **options))
    z, wanted = jnp.zeros(cbf.n), jnp.zeros(cbf.m)  # what is wanted stands in the linear cost
    return lambda rows, bound, linear: cbf.safety_filter(z, wanted, rows, bound, linear)


def main(asked: str, answered: str) -> None:
    with np.load(asked) as file:
        quadratic, linear, rows, bound = (file[key] for key in ("quadratic", "linear", "rows", "bound"))
    count, n = rows.shape[1:]
    questions = [tuple(map(jnp.asarray, each)) for each in zip(rows, bound, linear, strict=True)]
    told: dict[str, np.ndarray] = {"version": np.array(version("cbfpy"))}
    as_it_comes = {"relax_qp": False}  # relaxed, its answer would be that of another objective
    told["filter_us"], told["filter_x"] = timed(safety_filter(quadratic, count, **as_it_comes), questions)
    tolerance = CBF.from_config(Rows(quadratic, count, **as_it_comes)).solver_tol
    told["tolerance"] = np.array(tolerance)
    cost, nothing, none = jnp.asarray(quadratic), jnp.zeros((0, n)), jnp.zeros(0)

    @jax.jit
    def solve(matrix: jax.Array, least: jax.Array, slope: jax.Array) -> jax.Array:
        return qpax.solve_qp(cost, slope, nothing, none, matrix, least, solver_tol=tolerance)[0]

    told["solve_us"], _ = timed(solve, questions)
    _, told["tight_x"] = timed(safety_filter(quadratic, count, **as_it_comes, solver_tol=_TIGHT), questions)
    elastic = {"relax_qp": True, "backend": "elastiqp", "solver_tol": _ELASTIQP_TOLERANCE}
    told["elastiqp_us"], told["elastiqp_x"] = timed(safety_filter(quadratic, count, **elastic), questions)
    np.savez(answered, **told)


if __name__ == "__main__":
    if len(os.sched_getaffinity(0)) > 1:  # the threads that jax has started by now would keep theirs
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        os.execv(sys.executable, sys.orig_argv)
    main(*sys.argv[1:])
