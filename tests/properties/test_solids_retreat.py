"""Out of the margin of a convex hull or a half-space too, only what shrinks no broken distance."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.guards.closed_loop import CELLS, hull, plane
from tests.properties import retreats
from tests.properties.released import rotation
from tests.properties.retreats import Start, escaping, play, shrinking, start, wild

from interlock.guards.verdict import Rung
from interlock.hal.scene import SceneObject

STARTS = 12


def _touching(
    generator: np.random.Generator, label: str, on: np.ndarray, out: np.ndarray, radius: float, need: float
) -> SceneObject:
    """A hull or a wall whose surface is a little nearer to a capsule's than `need`."""
    gap = float(generator.uniform(0.15, 0.9)) * need
    if generator.random() < 0.85:  # most walls go through another link and are thrown away
        return plane(label, on + (radius + gap) * out, -out, 0.0)
    corners = generator.normal(size=(8, 3)) * generator.uniform(0.005, 0.04, size=3)
    turn = rotation(generator)
    nearest = corners[np.argmin(corners @ turn.T @ out)]
    return hull(label, on + (radius + gap) * out - turn @ nearest, corners, rotation=turn)


@pytest.fixture(autouse=True)
def solids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retreats, "_touching", _touching)


def _kinds(cases: list[Start]) -> Counter[type]:
    return Counter(type(case.things[0].parts[0].shape) for case in cases)


@pytest.mark.parametrize("name", CELLS)
def test_retreats_wherever_the_proposal_leads_out(name: str) -> None:
    cases = [start(seed, name) for seed in range(STARTS)]
    assert min(_kinds(cases).values()) >= 2
    assert len(_kinds(cases)) == 2
    for case in cases:
        first = None
        for _, output in play(case, escaping(case), 150):
            first = first or output
            if output.command is None or output.verdict.rung is not Rung.RETREATING:
                break
            assert not shrinking(case, output)
        assert first.verdict.rung is Rung.RETREATING, first.verdict.refusals
        assert output.command is not None, output.verdict.refusals  # the margin is whole again


@pytest.mark.parametrize("name", CELLS)
def test_whatever_is_proposed_no_broken_distance_shrinks(name: str) -> None:
    released = 0
    for seed in range(STARTS):
        case = start(seed, name)
        for _, output in play(case, wild(case, np.random.default_rng(seed)), 20):
            if output.command is not None and output.verdict.rung is Rung.RETREATING:
                assert not shrinking(case, output)
                released += 1
    assert released > 0
