"""Whatever the gate releases among hulls and half-spaces is clear of them, by independent ground truth."""

from __future__ import annotations

import numpy as np
import pytest
from tests.guards.closed_loop import CELLS, NOW_NS, hull, plane
from tests.guards.robots import ROBOTS
from tests.properties import released
from tests.properties.meshes import mesh_contacts
from tests.properties.released import Oracle, faults, rotation, situation

from interlock.guards.verifier import Finding, Verifier
from interlock.hal.scene import ConvexHull, ObjectKind, Part, SceneObject

SITUATIONS = 40
"""Random situations for each robot."""

FEW = 10

CLEAR = Finding(clear=True, family="", reason="", margins=())


def _corners(generator: np.random.Generator, count: int, size_m: np.ndarray) -> np.ndarray:
    return np.asarray(generator.normal(size=(count, 3)) * size_m)


def _solids(generator: np.random.Generator, count: int) -> list[SceneObject]:
    """Hulls that stand or move, and up to three walls at an angle that keep off the robot's foot."""
    made = []
    for k in range(max(count, 2)):
        speed = float(generator.choice([0.0, 0.1, 0.25, 0.5]))
        made.append(
            hull(
                f"hull{k}",
                generator.uniform([-0.1, -0.6, 0.05], [0.8, 0.6, 0.9]),
                _corners(generator, int(generator.integers(4, 30)), generator.uniform(0.005, 0.08, size=3)),
                kind=ObjectKind.MOVING if speed else ObjectKind.FIXED,
                std_m=float(generator.choice([0.0, 0.001, 0.003])),
                speed_m_s=speed,
                rotation=rotation(generator),
            )
        )
    for k in range(int(generator.integers(0, 4))):
        away = generator.normal(size=3)
        away /= np.linalg.norm(away)
        std_m = float(generator.choice([0.0, 0.001, 0.003]))
        made.append(
            plane(f"wall{k}", [0.1, 0.0, 0.3], away, -float(generator.uniform(0.35, 0.8)), std_m=std_m)
        )
    return made


def _load(generator: np.random.Generator, oracle: Oracle, q: np.ndarray) -> SceneObject:
    """A hull in the hand."""
    pose = oracle.frames(q)[oracle.tool_joint] @ oracle.tool_in_joint
    shape = ConvexHull(vertices_m=_corners(generator, 12, np.array([0.01, 0.01, 0.04])))
    return SceneObject(
        name="load",
        kind=ObjectKind.MOVABLE,
        parts=(Part(shape=shape, part_in_object=np.eye(4)),),
        object_in_world=np.asarray(pose),
        position_std_m=0.001,
        max_speed_m_s=0.0,
        stamp_ns=NOW_NS,
    )


@pytest.fixture
def solids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(released, "_extras", _solids)
    monkeypatch.setattr(released, "_load", _load)


@pytest.mark.usefixtures("solids")
@pytest.mark.parametrize("name", ROBOTS)
def test_every_release_is_inside_all_limits_and_clear(name: str) -> None:
    cases, moving, near = 0, 0, {"hull": np.inf, "wall": np.inf, "load": np.inf}
    for seed in range(SITUATIONS):
        case = situation(seed, name)
        if case is None:
            continue
        wrong, left = faults(case)
        assert not wrong, (seed, wrong)
        assert left >= case.output.certificate.interval_bound_m - 1e-6, seed  # what was shown holds
        cases += 1
        moving += bool(case.given.state.v_commanded.any())
        for what in near:
            near[what] = min(near[what], _least(case, what))
    assert cases >= SITUATIONS * 0.6
    assert moving >= cases * 0.75
    assert near["hull"] < 0.03
    assert near["wall"] < 0.03


def _least(case: released.Situation, what: str) -> float:
    """Least distance between the arm or its load and what is so called."""
    oracle = released.oracle_of(case.name, released.WIDTH_M)
    command = case.output.command
    assert command is not None
    times, places = released.sample_curve(released.nodes_of(command), command.period_s)
    frames = oracle.all_frames(places)
    pairs = [pair for pair in released.pairs_of(case, oracle) if what in pair.second.name + pair.first.name]
    return min((gap.slack for gap in oracle.gaps(pairs, times, frames)), default=np.inf)


@pytest.mark.usefixtures("solids")
@pytest.mark.parametrize("name", CELLS)
def test_meshes_meet_nothing_on_what_is_released(name: str) -> None:
    cases = [case for seed in range(FEW) if (case := situation(seed, name)) is not None]
    assert len(cases) >= FEW * 0.5
    for case in cases:
        assert not mesh_contacts(case)


@pytest.mark.usefixtures("solids")
def test_the_oracle_sees_what_an_unguarded_gate_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verifier, "_sweep", lambda self, nodes, around, keep_in: CLEAR)
    cases = [case for name in CELLS for seed in range(FEW) if (case := situation(seed, name)) is not None]
    said = " ".join(wrong for case in cases for wrong in faults(case)[0])
    assert "hull" in said
    assert "wall" in said
