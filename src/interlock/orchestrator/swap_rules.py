"""When a checkpoint may take over from another one, and when it has to give back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from interlock.errors import BadInputError

__all__ = ["SwapRules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRules:
    """The terms of a hot swap.

    Attributes:
        questions: so many chunks of the candidate are judged before it may take over.
        share: least share of them that the gate's preview lets through, whole, changed or slowed.
        failures: so many questions in a row that bring no chunk or one that the gate refuses, before its
            first achieved task, and the candidate gives back.
        still_s: it gives back, too, if the arm stands with nothing released for so long, [s].
        patience_s: a candidate that is not ready for the gate's judgement by then, [s], is given up.
    """

    questions: int = 20
    share: float = 0.9
    failures: int = 3
    still_s: float = 5.0
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        for name in ("questions", "failures"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise _unusable(name, value, "a whole number of at least 1")
        if not 0.0 < self.share <= 1.0:
            raise _unusable("share", self.share, "a number above 0, at most 1")
        for name in ("still_s", "patience_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise _unusable(name, value, "a positive number of seconds")


def _unusable(name: str, value: object, wanted: str) -> BadInputError:
    return BadInputError("cannot be used", field=f"swap.{name}", value=value, mend=f"Give {wanted}.")
