"""A chunk of poses, absolute or relative, comes to the same poses in the world as Pinocchio's SE(3) gives."""

from __future__ import annotations

import numpy as np
import pinocchio as pin
import pytest
from tests.guards.closed_loop import NOW_NS, PROVENANCE

from interlock.guards.tool_poses import ToolPoses
from interlock.hal.chunk import ActionChunk
from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference

FORMS = [
    (Reference.ABSOLUTE, "world"),
    (Reference.CHUNK_START, "world"),
    (Reference.CHUNK_START, "tool"),
    (Reference.PREVIOUS_STEP, "world"),
    (Reference.PREVIOUS_STEP, "tool"),
]
STEPS, DT_S = 9, 0.04


def body(reference: Reference, frame: str) -> Embodiment:
    kinds = [ChannelKind.TOOL_POSITION] * 3 + [ChannelKind.TOOL_ROTATION] * 3
    channels = [
        Channel(
            name=str(k),
            kind=kind,
            unit="m" if k < 3 else "rad",
            frame=frame,
            reference=reference,
            lower=-9.0,
            upper=9.0,
        )
        for k, kind in enumerate(kinds)
    ]
    return Embodiment(tag="t", channels=tuple(channels), rate_hz=25.0, horizon=STEPS)


def chunk(steps: np.ndarray, anchor: np.ndarray | None) -> ActionChunk:
    return ActionChunk(
        seq=0,
        embodiment="",
        samples=steps,
        t_obs_ns=NOW_NS,
        t_ready_ns=NOW_NS,
        t0_ns=NOW_NS,
        dt_s=DT_S,
        provenance=PROVENANCE,
        anchor=anchor,
    )


def in_world(steps: np.ndarray, anchor: np.ndarray, reference: Reference, frame: str) -> list[pin.SE3]:
    """The same, written down with Pinocchio."""
    found: list[pin.SE3] = []
    start = pin.SE3(anchor)
    for step in steps:
        turn, way = pin.exp3(step[3:]), step[:3]
        base = found[-1] if found and reference is Reference.PREVIOUS_STEP else start
        if reference is Reference.ABSOLUTE:
            found.append(pin.SE3(turn, way))
        elif frame == "tool":
            found.append(base * pin.SE3(turn, way))
        else:
            found.append(pin.SE3(turn @ base.rotation, base.translation + way))
    return found


@pytest.mark.parametrize(("reference", "frame"), FORMS)
@pytest.mark.parametrize("seed", range(3))
def test_at_its_steps_a_chunk_is_where_they_say(reference: Reference, frame: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    steps = 0.3 * generator.normal(size=(2, STEPS, 6))
    anchor = pin.SE3.Random().homogeneous
    given = chunk(steps, None if reference is Reference.ABSOLUTE else anchor)
    poses = ToolPoses(given, body(reference, frame))
    for sample in range(2):
        wanted = in_world(steps[sample], anchor, reference, frame)
        for k, pose in enumerate(wanted):
            at = poses.at(NOW_NS + round(k * DT_S * 1e9), sample)
            np.testing.assert_allclose(at.position, pose.translation, atol=1e-9)
            np.testing.assert_allclose(at.rotation, pose.rotation, atol=1e-9)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_between_two_steps_it_turns_the_shortest_way_at_one_rate(share: float) -> None:
    """Across half a turn too, where a rotation vector jumps from one end to the other."""
    steps = np.zeros((1, 3, 6))
    steps[0, :, 4] = [np.pi - 0.1, -np.pi + 0.1, -np.pi + 0.3]
    poses = ToolPoses(chunk(steps, None), body(Reference.ABSOLUTE, "world"))
    at = poses.at(NOW_NS + round(share * DT_S * 1e9))
    np.testing.assert_allclose(
        at.rotation, pin.exp3(np.array([0.0, np.pi - 0.1 + 0.2 * share, 0.0])), atol=1e-9
    )
    np.testing.assert_allclose(at.rate[3:], [0.0, 0.2 / DT_S, 0.0], atol=1e-9)


def test_its_rate_is_how_its_pose_changes() -> None:
    generator = np.random.default_rng(3)
    poses = ToolPoses(
        chunk(0.2 * generator.normal(size=(1, STEPS, 6)), None), body(Reference.ABSOLUTE, "world")
    )
    for at_ns in NOW_NS + np.array([5, 23, 61, 155, 250]) * 1_000_000:
        before, here, after = (poses.at(int(at_ns) + d) for d in (-1000, 0, 1000))
        np.testing.assert_allclose(
            (after.position - before.position) / 2e-6, here.rate[:3], rtol=1e-5, atol=1e-6
        )
        turn = pin.log3(after.rotation @ before.rotation.T) / 2e-6
        np.testing.assert_allclose(turn, here.rate[3:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("off_ns", "k"), [(-1, 0), (-(10**9), 0), (round((STEPS - 1) * DT_S * 1e9) + 10**6, -1)]
)
def test_before_and_after_it_holds(off_ns: int, k: int) -> None:
    steps = 0.2 * np.random.default_rng(4).normal(size=(1, STEPS, 6))
    at = ToolPoses(chunk(steps, None), body(Reference.ABSOLUTE, "world")).at(NOW_NS + off_ns)
    np.testing.assert_allclose(at.position, steps[0, k, :3])
    np.testing.assert_allclose(at.rotation, pin.exp3(steps[0, k, 3:]), atol=1e-12)
    assert at.rate.any() == (k == -1)


def test_only_as_many_samples_as_asked_for_are_looked_at() -> None:
    steps = 0.2 * np.random.default_rng(5).normal(size=(5, STEPS, 6))
    given = chunk(steps, None)
    one = ToolPoses(given, body(Reference.ABSOLUTE, "world"), 1)
    np.testing.assert_allclose(one.at(NOW_NS).position, steps[0, 0, :3])
    with pytest.raises(IndexError):
        one.at(NOW_NS, 1)
