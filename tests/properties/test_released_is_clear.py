"""Whatever the gate releases is inside every limit and clear of everything, by independent ground truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.guards.closed_loop import CELLS
from tests.guards.robots import ROBOTS
from tests.properties.lies import LIES, lying
from tests.properties.meshes import mesh_contacts
from tests.properties.released import (
    WIDTH_M,
    Situation,
    changes_when_asked_again,
    faults,
    least_against_adversary,
    nodes_of,
    oracle_of,
    pairs_of,
    sample_curve,
    situation,
    triples,
)

from interlock.guards.program import AffineProgram
from interlock.guards.verdict import Rung
from interlock.guards.verifier import Finding, Verifier

SITUATIONS = 64
"""Random situations for each robot."""

BLOCKS = 4
FEW = 12
"""Random situations for each robot where the gate is tampered with."""

CLEAR = Finding(clear=True, family="", reason="", margins=())


@cache
def found(name: str, seed: int) -> Situation | None:
    return situation(seed, name)


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("name", ROBOTS)
def test_every_release_is_inside_all_limits_and_clear(name, block):
    released, moving, least = 0, 0, np.inf
    for seed in range(block, SITUATIONS, BLOCKS):
        case = found(name, seed)
        if case is None:
            continue
        wrong, left = faults(case)
        assert not wrong, (seed, wrong)
        released += 1
        moving += bool(case.given.state.v_commanded.any())
        assert left >= case.output.certificate.interval_bound_m - 1e-6, seed  # what was shown holds
        least = min(least, left)
    # or the test says nothing: most situations release something, on the move, and close to something
    assert released >= SITUATIONS // BLOCKS * 0.75
    assert moving >= released * 0.75
    assert least < 0.03


@pytest.mark.parametrize("name", ROBOTS)
def test_no_obstacle_can_reach_the_arm_within_its_speed_bound(name):
    generator = np.random.default_rng(7)
    near = 0
    for seed in range(0, SITUATIONS, 2):
        case = found(name, seed)
        if case is None:
            continue
        least = least_against_adversary(case, generator)
        assert least > -1e-6, seed
        near += least < 0.1
    assert near >= 5


@pytest.mark.parametrize("name", ROBOTS)
def test_meshes_meet_nothing_on_what_is_released(name):
    cases = [case for seed in range(FEW) if (case := found(name, seed)) is not None]
    assert len(cases) >= FEW * 0.6
    for case in cases:
        assert not mesh_contacts(case)


@pytest.mark.parametrize("name", ROBOTS)
def test_the_same_is_answered_again_and_what_is_released_is_released_as_proposed(name):
    asked = [case for seed in range(FEW) for case in triples(seed, name, 5)]
    assert len(asked) >= FEW * 3
    for case in asked:
        assert not changes_when_asked_again(case)


@pytest.mark.parametrize("name", ROBOTS)
def test_samples_that_the_oracle_leaves_out_are_no_nearer(name):
    oracle, near = oracle_of(name, WIDTH_M), 0
    for seed in range(FEW // 2):
        case = found(name, seed)
        if case is None:
            continue
        times, places = sample_curve(nodes_of(case.output.command), case.output.command.period_s)
        frames, pairs = oracle.all_frames(places), pairs_of(case, oracle)
        gaps = oracle.gaps(pairs, times, frames)
        told = {(id(gap.pair.first), id(gap.pair.second)): gap.slack for gap in gaps}
        closest = [gap.pair for gap in sorted(gaps, key=lambda gap: gap.slack)[:4]]
        for pair in [*closest, *pairs[seed :: len(pairs) // 4]]:
            poses = [oracle.poses(piece, frames) for piece in (pair.first, pair.second)]
            least = min(
                oracle.distance(pair.first, pair.second, *at)[0] - pair.start_m - pair.speed_m_s * t
                for t, *at in zip(times, *poses, strict=True)
            )
            if least < 0.02:
                near += 1
                assert told[id(pair.first), id(pair.second)] == pytest.approx(least, abs=1e-6)
    assert near > 0


def test_every_rung_that_releases_occurs():
    rungs = Counter(
        case.output.verdict.rung
        for name in CELLS
        for seed in range(SITUATIONS)
        if (case := found(name, seed)) is not None
    )
    assert set(rungs) == {Rung.AS_PROPOSED, Rung.PROJECTED, Rung.SLOWED}


def test_the_oracle_sees_what_an_unguarded_gate_releases(monkeypatch):
    monkeypatch.setattr(Verifier, "_sweep", lambda self, nodes, around, keep_in: CLEAR)
    cases = [case for name in CELLS for seed in range(FEW) if (case := situation(seed, name)) is not None]
    wrong = [case for case in cases if faults(case)[0]]
    assert len(wrong) >= 0.25 * len(cases)
    assert sum(bool(mesh_contacts(case)) for case in wrong) >= 0.25 * len(cases)


def test_the_oracle_sees_that_obstacles_move(monkeypatch):
    from interlock.guards import surveyor

    def frozen(*args):
        obstacles = flatten(*args)
        return replace(obstacles, speed_m_s=np.zeros_like(obstacles.speed_m_s))

    flatten = surveyor.flatten
    monkeypatch.setattr(surveyor, "flatten", frozen)
    cases = [case for name in CELLS for seed in range(FEW) if (case := situation(seed, name)) is not None]
    assert any(faults(case)[0] for case in cases)


@pytest.mark.parametrize("lie", LIES)
def test_a_solver_that_lies_releases_nothing_unsafe(lie):
    released = 0
    with lying(lie):
        for name in ROBOTS:
            for seed in range(FEW // 3):
                case = situation(seed, name)
                if case is None:
                    continue
                wrong, _ = faults(case)
                assert not wrong, (name, seed, wrong)
                released += case.output.verdict.rung is not Rung.AS_PROPOSED
    assert (lie in ("nan", "hangs")) != (released > 0)  # the other lies are acted on


def test_a_solver_that_raises_mints_no_command(monkeypatch):
    def burst(self, *given):
        raise ArithmeticError("no")

    calm = [case for seed in range(FEW) if (case := found("panda_tabletop", seed)) is not None]
    monkeypatch.setattr(AffineProgram, "solve", burst)
    asked = 0
    for case in calm:
        if case.output.verdict.rung is Rung.AS_PROPOSED:
            continue
        asked += 1
        with pytest.raises(ArithmeticError, match="no"):
            case.gate.decide(case.given)
    assert asked > 0
