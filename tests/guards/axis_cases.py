"""Segments beside segments and boxes in general and awkward places, and what the kernels of both sides say.

As a program it prints what they say, so that they can be asked interpreted as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tests.guards.solid_cases import Array, turned

from interlock.guards.nearest_part import nearest_to_part
from interlock.guards.part_distance import part_distance
from interlock.guards.part_kind import BOX, SEGMENT

COUNT = 20_000
SOLIDS = ("segment", "box")
Answer = tuple[float, Array, Array]


@dataclass(frozen=True, kw_only=True)
class Case:
    """The segment ab, and the segment cd or (half is not None) the box about `c`."""

    a: Array
    b: Array
    c: Array
    d: Array
    rot: Array
    half: Array | None = None


def segment_cases(seed: int, count: int) -> Iterator[Case]:
    """In general position, on a coarse grid, nearly parallel, nearly points, and nearly crossing."""
    generator = np.random.default_rng(seed)
    for k in range(count):
        a, b, c, d = generator.uniform(-1.0, 1.0, size=(4, 3))
        small = 10.0 ** generator.uniform(-17.0, 0.0)
        if k % 5 == 1:
            a, b, c, d = 0.5 * generator.integers(-2, 3, size=(4, 3))
        elif k % 5 == 2:
            d = c + generator.uniform(-1.0, 1.0) * (b - a) + small * generator.normal(size=3)
        elif k % 5 == 3:
            b = a + small * generator.normal(size=3) * generator.integers(0, 2)
            d = c + generator.normal(size=3) * generator.integers(0, 2)
            a, b, c, d = (a, b, c, d) if generator.random() < 0.5 else (c, d, a, b)
        elif k % 5 == 4:
            way = generator.uniform(-1.0, 1.0) * (b - a) + small * generator.normal(size=3)
            c = a + generator.random() * (b - a) - generator.random() * way
            d = c + way
        yield Case(a=a, b=b, c=c, d=d, rot=np.eye(3))


def box_cases(seed: int, count: int) -> Iterator[Case]:
    """In general position, on a coarse grid, in and nearly in planes of faces, along edges, and points."""
    generator = np.random.default_rng(seed)
    for k in range(count):
        rot = turned(generator) if k % 5 != 1 else np.eye(3)
        c, a, b = generator.uniform(-1.0, 1.0, size=(3, 3)) * np.array([[0.5], [1.0], [1.0]])
        half = generator.uniform(0.01, 0.6, size=3)
        small = 10.0 ** generator.uniform(-18.0, 0.0, size=3)
        if k % 5 == 1:
            c, half = np.zeros(3), 0.25 * generator.integers(1, 4, size=3)
            a, b = 0.25 * generator.integers(-6, 7, size=(2, 3))
        elif k % 5 == 2:
            b = a + rot @ (
                generator.uniform(-1.0, 1.0, size=3) * np.where(generator.random(3) < 0.5, small, 1.0)
            )
        elif k % 5 == 3:
            a = c + rot @ (half * generator.choice([-1.0, 0.0, 1.0], size=3) * (1.0 + small))
            b = a + rot @ (generator.uniform(-1.0, 1.0, size=3) * (generator.random(3) < 0.5))
        elif k % 5 == 4:
            b = a + small[0] * (b - a)
        yield Case(a=a, b=b, c=c, d=c, rot=rot, half=half)


CASES = {"segment": segment_cases, "box": box_cases}


def _part(case: Case) -> tuple[Array, ...]:
    half = np.zeros(3) if case.half is None else case.half
    kind = np.array([SEGMENT if case.half is None else BOX], dtype=np.int8)
    return kind, case.rot[None], case.c[None], half[None], case.c[None], case.d[None]


def by_verifier(case: Case) -> Answer:
    """Distance and the closest points on the segment and on the part."""
    span, none = np.zeros((1, 6), dtype=np.int64), np.empty((0, 14))
    found = part_distance(case.a[None], case.b[None], 0, 0, *_part(case), span, none[:, :4].copy(), none)
    return found[0], np.array(found[1:4]), np.array(found[4:])


def by_projector(case: Case) -> Answer:
    span, corners = np.zeros((1, 6), dtype=np.int64), np.empty((0, 3))
    point, other = np.empty(3), np.empty(3)
    distance = nearest_to_part(case.a[None], case.b[None], 0, 0, *_part(case), span, corners, point, other)
    return distance, point, other


if __name__ == "__main__":
    print(json.dumps([[by_projector(case)[0] for case in CASES[solid](1, 500)] for solid in SOLIDS]))
