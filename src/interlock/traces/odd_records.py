"""Records that are not what Interlock writes: one error for whatever they make a reader stumble over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interlock.errors import ShapeError
from interlock.traces.read import DamagedTraceError

__all__ = ["odd_records_are_damage"]

_LONGEST = 200
_STUMBLES = (ArithmeticError, AttributeError, LookupError, RecursionError, ShapeError, TypeError, ValueError)


@contextmanager
def odd_records_are_damage(path: Path) -> Iterator[None]:
    """Turn what odd data makes code raise into an error for the person who gave the trace at `path`.

    A trace may hold any JSON under any topic, so that every key, type, length and number in it is in doubt.

    Raises:
        DamagedTraceError: instead of the usual errors of odd data; what raised stands as its cause.
    """
    try:
        yield
    except _STUMBLES as error:
        raise DamagedTraceError(
            f"a record lacks what it must have ({type(error).__name__}: {str(error)[:_LONGEST]})",
            field="run",
            value=str(path),
            mend="Give a trace that Interlock recorded, unchanged; `interlock trace show` says whether its "
            "chain is whole.",
        ) from error
