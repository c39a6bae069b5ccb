"""Solvers that lie, in place of the one that the projector asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np

from interlock.guards import program
from interlock.guards.program import AffineProgram, Solution

__all__ = ["LIES", "Lie", "lying"]

Lie = Callable[[AffineProgram, tuple[Any, ...], np.random.Generator], Solution]
"""Answers `solve(*question)` of a program; the generator is for lies that differ from time to time."""

_TRUE = AffineProgram.solve


def _nan(asked: AffineProgram, question: tuple[Any, ...], generator: np.random.Generator) -> Solution:
    true = _TRUE(asked, *question)
    return replace(true, x=np.full_like(true.x, np.nan), usable=True)


def _garbage(asked: AffineProgram, question: tuple[Any, ...], generator: np.random.Generator) -> Solution:
    true = _TRUE(asked, *question)
    return replace(true, x=generator.normal(size=true.x.shape) * 3.0, usable=True)


def _huge(asked: AffineProgram, question: tuple[Any, ...], generator: np.random.Generator) -> Solution:
    true = _TRUE(asked, *question)
    return replace(true, x=generator.choice([-1e300, 1e300], size=true.x.shape), usable=True)


def _zero(asked: AffineProgram, question: tuple[Any, ...], generator: np.random.Generator) -> Solution:
    true = _TRUE(asked, *question)
    return replace(true, x=np.zeros_like(true.x), status="solved", usable=True)


def _reversed(asked: AffineProgram, question: tuple[Any, ...], generator: np.random.Generator) -> Solution:
    true = _TRUE(asked, *question)
    return replace(true, x=-5.0 * true.x, usable=True)


def _wrong(asked: AffineProgram, question: tuple[Any, ...], generator: np.random.Generator) -> Solution:
    """Now this, now that."""
    lies = (_garbage, _huge, _zero, _reversed)
    return lies[int(generator.integers(len(lies)))](asked, question, generator)


def _solved(asked: AffineProgram, question: tuple[Any, ...], generator: np.random.Generator) -> Solution:
    """SOLVED on everything: what the rows of pairs and zones say is not looked at."""
    return replace(_TRUE(asked, question[0]), status="SOLVED", usable=True)


def _hangs(asked: AffineProgram, question: tuple[Any, ...], generator: np.random.Generator) -> Solution:
    """Never converges within its iterations: what it got to in one of them, and its word that it is none."""
    with patch.object(program, "_ITERATIONS", 1):
        return replace(_TRUE(asked, *question), status="daqp -4", usable=False)


LIES: dict[str, Lie] = {
    "nan": _nan,
    "garbage": _garbage,
    "huge": _huge,
    "zero": _zero,
    "reversed": _reversed,
    "wrong": _wrong,
    "solved": _solved,
    "hangs": _hangs,
}


@contextmanager
def lying(lie: str, seed: int = 3, share: float = 1.0) -> Iterator[None]:
    """While this lasts, that share of all questions is answered with that lie."""
    generator = np.random.default_rng(seed)

    def solve(self: AffineProgram, *question: Any) -> Solution:
        if share < 1.0 and generator.random() >= share:
            return _TRUE(self, *question)
        return LIES[lie](self, question, generator)

    with patch.object(AffineProgram, "solve", solve):
        yield
