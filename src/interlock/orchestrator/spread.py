"""What a quantity may be while a policy is taught, and what it is when it is tested: two sets apart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

__all__ = ["Choice", "Span", "Split"]

Item = TypeVar("Item")


class Split(StrEnum):
    """Which of the two."""

    SEEN = "seen"
    HELD_OUT = "held_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Intervals of a number: those seen, and those held out, which have no point in common with them."""

    seen: tuple[tuple[float, float], ...]
    held_out: tuple[tuple[float, float], ...]

    def draw(self, generator: np.random.Generator, split: Split) -> float:
        """A number of that split; longer intervals are met more often."""
        spans = np.array(self.seen if split is Split.SEEN else self.held_out)
        lengths = spans[:, 1] - spans[:, 0]
        which = int(generator.choice(len(spans), p=lengths / lengths.sum()))
        return float(generator.uniform(*spans[which]))

    def overlap(self) -> bool:
        """Whether any point is in both."""
        return any(a <= d and c <= b for a, b in self.seen for c, d in self.held_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Names: those seen, and those held out."""

    seen: tuple[str, ...]
    held_out: tuple[str, ...]

    def draw(self, generator: np.random.Generator, split: Split) -> str:
        """A name of that split."""
        names = self.seen if split is Split.SEEN else self.held_out
        return names[int(generator.integers(len(names)))]

    def overlap(self) -> bool:
        """Whether any name is in both."""
        return bool(set(self.seen) & set(self.held_out))
