"""Long series made short without hiding a peak."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from interlock.hal.arrays import FloatArray

__all__ = ["Run", "peaks", "runs"]


def peaks(values: FloatArray, buckets: int) -> NDArray[np.intp]:
    """Indices to draw: of each bucket the first, the lowest and the highest, and one gap if it has any NaN.

    Args:
        values: the series, shape (N,).
        buckets: number of equal stretches; a series of at most three times as many stays whole.
    """
    count = len(values)
    if count <= 3 * buckets:
        return np.arange(count)
    edges = np.linspace(0, count, buckets + 1).astype(np.intp)
    chosen: list[int] = [count - 1]
    for start, end in itertools.pairwise(edges.tolist()):
        part = values[start:end]
        gaps = np.flatnonzero(np.isnan(part))
        chosen.append(start)
        if gaps.size:
            chosen.append(start + int(gaps[0]))
        if gaps.size < len(part):
            chosen += [start + int(np.nanargmin(part)), start + int(np.nanargmax(part))]
    return np.unique(np.array(chosen, dtype=np.intp))


Run = tuple[int, int, str]
"""First index, one past the last, and what they share."""


def runs(labels: list[str], worst_last: tuple[str, ...], most: int) -> list[Run]:
    """Stretches of equal labels, at most about `most` of them.

    Where there are more, equal stretches of time get the worst label that occurs in them, so that nothing bad
    is hidden behind something good.

    Args:
        labels: one per tick.
        worst_last: known labels from good to bad; an unknown one counts as worst.
        most: bound on the number of stretches.
    """
    found = _equal(labels)
    if len(found) <= most:
        return found
    rank = {label: i for i, label in enumerate(worst_last)}
    size = -(-len(labels) // most)
    coarse: list[str] = []
    for start in range(0, len(labels), size):
        part = labels[start : start + size]
        coarse += [max(part, key=lambda label: rank.get(label, len(rank)))] * len(part)
    return _equal(coarse)


def _equal(labels: list[str]) -> list[Run]:
    found: list[Run] = []
    start = 0
    for i in range(1, len(labels) + 1):
        if i == len(labels) or labels[i] != labels[start]:
            found.append((start, i, labels[start]))
            start = i
    return found
