"""The gate's programs answered by cbfpy, in an environment of its own: jax stays out of ours."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import interlock
from interlock.hal.arrays import FloatArray

__all__ = ["PEER", "PeerAnswers", "ask_peer"]

_CHECKOUT = Path(interlock.__file__).resolve().parents[2]
PEER = _CHECKOUT / "build" / "peer" / "bin" / "python"
"""Where `make bench` puts the peer's interpreter."""

_SCRIPT = _CHECKOUT / "benchmarks" / "cbfpy_peer.py"
_PATIENCE_S = 600.0
# What cbfpy's own documentation asks for on a CPU; one thread, as the gate has.
_SETTINGS = {
    "JAX_ENABLE_X64": "1",
    "JAX_PLATFORMS": "cpu",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}

Program = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""(P, q, F, g) of min 1/2 x'Px + q'x subject to Fx <= g."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAnswers:
    """What cbfpy said to each program, and what that cost it in process CPU time, [us].

    Attributes:
        version: of cbfpy.
        tolerance: of its solver, as it comes.
        filter_us: its whole filter, given the rows; shape (k,).
        solve_us: its solver qpax alone, shape (k,).
        elastiqp_us: its whole filter with its other solver, shape (k,).
        filter_x: answers as it comes, shape (k, variables).
        tight_x: answers with a tolerance as tight as its solver takes, shape (k, variables).
        elastiqp_x: answers with its other solver, shape (k, variables).
    """

    version: str
    tolerance: float
    filter_us: FloatArray
    solve_us: FloatArray
    elastiqp_us: FloatArray
    filter_x: FloatArray
    tight_x: FloatArray
    elastiqp_x: FloatArray


def ask_peer(programs: Sequence[Program], python: Path) -> PeerAnswers | str:
    """Let cbfpy answer `programs`, or say why it cannot.

    Args:
        programs: with one P for all; the same number of variables each.
        python: the interpreter of an environment that has cbfpy.
    """
    for path in (_SCRIPT, python):
        if not path.exists():
            return f"there is no {path.name} at {path.parent}; `make bench` in a checkout sets it up"
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder:
        asked, answered = Path(folder) / "questions.npz", Path(folder) / "answers.npz"
        np.savez(asked, **_questions(programs))  # type: ignore[arg-type]
        try:
            ran = subprocess.run(
                [str(python), "-I", str(_SCRIPT), str(asked), str(answered)],
                env=os.environ | _SETTINGS, capture_output=True, text=True, check=False, timeout=_PATIENCE_S,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"cbfpy did not answer: {error}"
        if ran.returncode != 0:
            return f"cbfpy did not answer: {(ran.stderr.strip() or 'no word').splitlines()[-1]}"
        with np.load(answered, allow_pickle=False) as file:
            return _answers({key: file[key] for key in file.files})


def _questions(programs: Sequence[Program]) -> dict[str, FloatArray]:
    """The programs stacked; those with fewer rows get rows 0 x <= 1, because cbfpy compiles for one size."""
    quadratic = programs[0][0]
    if any(not np.array_equal(program[0], quadratic) for program in programs):
        raise ValueError("the programs have one quadratic cost")
    most = max(len(program[3]) for program in programs)
    rows = np.zeros((len(programs), most, len(quadratic)))
    bound = np.ones((len(programs), most))
    for k, (_, _, matrix, least) in enumerate(programs):
        rows[k, : len(least)], bound[k, : len(least)] = matrix, least
    return {
        "quadratic": quadratic,
        "linear": np.array([program[1] for program in programs]),
        "rows": rows,
        "bound": bound,
    }


def _answers(told: Mapping[str, NDArray[Any]]) -> PeerAnswers:
    arrays = {key: told[key] for key in told if key.endswith(("_us", "_x"))}
    return PeerAnswers(version=str(told["version"]), tolerance=float(told["tolerance"]), **arrays)
