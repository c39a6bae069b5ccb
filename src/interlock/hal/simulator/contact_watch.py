"""Counts contacts as episodes, physics step by physics step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

__all__ = ["ContactWatch"]

Pair = tuple[str, str]

QUIET_NS = 100_000_000
"""A pair that has not touched for this long begins a new episode when it touches, [ns]."""


class ContactWatch:
    """Counts the episodes of pairs that were not allowed to touch.

    An episode belongs to a pair. It begins when the pair touches after at least 100 ms without touching, and
    it counts as what it was at its beginning. It is one into a standing arm if the arm is told to stand and
    either stood until just before, or is being pushed: while an episode into the standing arm goes on,
    whatever the pushed arm touches next is that obstacle's doing too. An arm that is told to move while such
    a pair still touches has made it a contact of its own, which counts besides.

    Args:
        stood: whether the arm was at measured standstill until just before now.
        told_to_stand: whether the arm is commanded to stand now.
    """

    def __init__(self, stood: Callable[[], bool], told_to_stand: Callable[[], bool]) -> None:
        self._stood = stood
        self._told_to_stand = told_to_stand
        self._last_touch: dict[Pair, int] = {}
        self._standing: set[Pair] = set()
        self.counts: Counter[str] = Counter()

    def touch(self, pair: Pair, kind: str, now_ns: int) -> None:
        """A pair that may not touch touches now; `kind` is the counter it belongs to if the arm moves."""
        last = self._last_touch.get(pair)
        self._last_touch[pair] = now_ns
        if last is not None and now_ns - last < QUIET_NS:
            if pair in self._standing and not self._told_to_stand():
                self._standing.discard(pair)
                self.counts[kind] += 1
            return
        if self._told_to_stand() and (self._stood() or self.pushed(now_ns)):
            self._standing.add(pair)
            self.counts["contact_standing"] += 1
        else:
            self._standing.discard(pair)
            self.counts[kind] += 1

    def pushed(self, now_ns: int) -> bool:
        """Whether an episode into the standing arm goes on."""
        return any(now_ns - self._last_touch[pair] < QUIET_NS for pair in self._standing)
