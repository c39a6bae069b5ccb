"""A chunk of tool poses is followed by the tool; where something is in the way, the joints give way first."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pinocchio as pin
import pytest
from tests.guards.closed_loop import (
    CELLS,
    NOW_NS,
    Loop,
    ask,
    ball,
    body_of,
    box,
    cell_of,
    chunk_of,
    gate_of,
    node_at_rest,
    seen_at,
    straight,
)

from interlock.errors import BadInputError
from interlock.guards.gate import Gate, GateOutput
from interlock.guards.verdict import Decision, Family, Rung
from interlock.hal.chunk import ActionChunk
from interlock.hal.embodiment import ChannelKind, Embodiment, Reference
from interlock.hal.scene import SceneObject
from interlock.orchestrator.action_space import channels_of
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.policy import PolicyContext
from interlock.policy.tool_channels import ToolChannels

PANDA = CELLS[0]
SPACES = ("tool_pose", "tool_delta", "tool_step")


@cache
def embodiment(name: str, space: str) -> Embodiment:
    told = cell_of(name).embodiment()
    return replace(told, channels=channels_of(cell_of(name).file.robot, space))  # type: ignore[arg-type]


@cache
def tool_gate(name: str, space: str = "tool_pose") -> Gate:
    return Gate(body_of(name), embodiment(name, space), cell_of(name).gate_config())


@cache
def kinematics(name: str) -> ToolKinematics:
    return ToolKinematics(body_of(name).robot)


def home_of(name: str) -> np.ndarray:
    return np.array(body_of(name).robot.home)


def in_space(name: str, space: str, chunk: ActionChunk) -> ActionChunk:
    """A chunk of joint positions as one of tool poses."""
    body, joints = embodiment(name, space), body_of(name).n
    channels = ToolChannels(PolicyContext(robot=body_of(name).robot, embodiment=body, seed=0, options={}))
    steps, anchor = channels.of(chunk.samples[0, :, :joints], chunk.samples[0, 0, :joints])
    samples = np.concatenate([steps, chunk.samples[0, :, joints:]], axis=1)[None]
    return replace(chunk, embodiment=body.fingerprint, samples=samples, anchor=anchor)


def line(name: str, way: np.ndarray, *, steps: int = 16) -> ActionChunk:
    """From home `way`, shape (3,), [m], with the tool, as it is turned there."""
    pose = kinematics(name).tool_in_world(home_of(name))
    share = np.linspace(0.0, 1.0, steps)[:, None]
    smooth = share * share * (3.0 - 2.0 * share)
    positions = pose[:3, 3] + smooth * way
    turned = np.tile(pin.log3(pose[:3, :3]), (steps, 1))
    poses = np.hstack([positions, turned, np.full((steps, 1), 0.06)])
    return replace(
        chunk_of(name, np.zeros((steps, body_of(name).n))),
        embodiment=embodiment(name, "tool_pose").fingerprint,
        samples=poses[None],
    )


def follow(gate: Gate, name: str, chunk: ActionChunk, *objects: SceneObject, ticks: int = 48) -> Loop:
    """The arm after the chunk was judged whole and followed for some ticks."""
    start = node_at_rest(home_of(name))
    seen = gate.preview(ask(name, start, chunk, seen_at(objects, NOW_NS)))
    changed = (seen.guard, seen.reason) if seen.rung in (Rung.PROJECTED, Rung.SLOWED) else None
    loop = Loop(name=name, gate=gate, objects=objects, node=start, now_ns=NOW_NS)
    for _ in range(ticks):
        given = replace(
            ask(name, loop.node, seen.chunk, seen_at(objects, loop.now_ns), now_ns=loop.now_ns),
            reshaped=changed,
        )
        output = gate.decide(given)
        loop.node = np.array(output.command.end if output.command is not None else loop.node)
        loop.now_ns += 10_000_000
        assert output.command is not None, output.verdict.reason
    return loop


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("space", SPACES)
def test_the_same_motion_is_the_same_in_every_space(name: str, space: str) -> None:
    home = home_of(name)
    joints = straight(name, home, home + 0.3, 0.4)
    by_joints = follow(gate_of(name), name, joints).node
    by_tool = follow(tool_gate(name, space), name, in_space(name, space, joints)).node
    tools = [kinematics(name).tool_in_world(node[0]) for node in (by_joints, by_tool)]
    np.testing.assert_allclose(tools[1], tools[0], atol=4e-3)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("way", [[0.0, 0.08, 0.0], [0.06, 0.0, 0.03], [-0.05, -0.05, 0.0]])
def test_the_tool_stays_on_a_straight_line_and_turned_as_it_was(name: str, way: list[float]) -> None:
    pose = kinematics(name).tool_in_world(home_of(name))
    node = follow(tool_gate(name), name, line(name, np.array(way)), ticks=50).node
    now = kinematics(name).tool_in_world(node[0])
    went = now[:3, 3] - pose[:3, 3]
    direction = np.array(way) / np.linalg.norm(way)
    assert went @ direction > 0.8 * np.linalg.norm(way)
    assert np.linalg.norm(went - (went @ direction) * direction) < 2e-3
    assert np.linalg.norm(pin.log3(now[:3, :3] @ pose[:3, :3].T)) < 0.02


@pytest.mark.parametrize("name", CELLS)
def test_a_tool_that_is_to_stand_still_moves_no_joint(name: str) -> None:
    node = follow(tool_gate(name), name, line(name, np.zeros(3))).node
    np.testing.assert_allclose(node[0], home_of(name), atol=1e-9)


@pytest.mark.parametrize("gap_m", [0.13, 0.15, 0.17])
def test_where_the_elbow_has_to_give_way_the_tool_is_taken_off_less_than_by_joints(gap_m: float) -> None:
    """One motion, proposed as joints and as what the tool does in it; a post stands where the elbow goes."""
    model, home, way = kinematics(PANDA), home_of(PANDA), np.array([-0.15, 0.15, 0.0])
    chunk = line(PANDA, way)
    path, q = [], home
    for step in chunk.samples[0]:
        pose = pin.SE3(pin.exp3(step[3:6]), step[:3]).homogeneous
        for _ in range(20):
            q = model.step_toward(q, pose, posture_gain=0.0)[0]
        path.append(q)
    elbow = [model.joint_poses(each)[1][2] for each in (home, path[-1])]
    ahead = (elbow[1] - elbow[0]) / np.linalg.norm(elbow[1] - elbow[0])
    post = ball("post", elbow[0] + gap_m * ahead, 0.05)
    off = []
    for gate, asked in ((gate_of(PANDA), chunk_of(PANDA, np.array(path))), (tool_gate(PANDA), chunk)):
        node = follow(gate, PANDA, asked, post, ticks=49).node
        tool, start = model.tool_in_world(node[0])[:3, 3], model.tool_in_world(home)[:3, 3]
        off.append(float(np.linalg.norm(tool - start - way)))
    assert off[0] > 0.05
    assert off[1] < 0.7 * off[0]


def test_a_changed_chunk_gives_joints_and_is_taken_as_that_only_when_it_was_changed() -> None:
    tool = kinematics(PANDA).tool_in_world(home_of(PANDA))
    post = box("post", tool[:3, 3] + np.array([0.0, 0.19, 0.0]), [0.03, 0.03, 0.1])
    start, gate = node_at_rest(home_of(PANDA)), tool_gate(PANDA)
    given = ask(PANDA, start, line(PANDA, np.array([0.0, 0.25, 0.0])), seen_at([post], NOW_NS))
    seen = gate.preview(given)
    assert seen.rung in (Rung.PROJECTED, Rung.SLOWED)
    assert seen.chunk.anchor is None
    assert seen.chunk.samples.shape[2] == body_of(PANDA).n + 1
    changed = replace(given, chunk=seen.chunk, reshaped=(seen.guard, seen.reason))
    assert gate.decide(changed).command is not None
    refused = gate.decide(replace(changed, reshaped=None))
    assert refused.command is None
    assert refused.verdict.guard == Family.INTEGRITY
    assert gate.decide(replace(given, reshaped=("environment", "x"))).verdict.guard == Family.INTEGRITY


@pytest.mark.parametrize("space", ["tool_delta", "tool_step"])
@pytest.mark.parametrize("spoil", ["none", "nan", "scaled", "mirrored", "row"])
def test_a_relative_chunk_needs_an_anchor(space: str, spoil: str) -> None:
    good = in_space(PANDA, space, straight(PANDA, home_of(PANDA), home_of(PANDA) + 0.1, 0.3))
    anchor = np.array(good.anchor)
    if spoil == "nan":
        anchor[0, 3] = np.nan
    elif spoil == "scaled":
        anchor[:3, :3] *= 1.01
    elif spoil == "mirrored":
        anchor[:3, 0] *= -1.0
    elif spoil == "row":
        anchor[3, 0] = 0.1
    bad = replace(good, anchor=None if spoil == "none" else anchor)
    outputs = [
        tool_gate(PANDA, space).decide(ask(PANDA, node_at_rest(home_of(PANDA)), each, seen_at([], NOW_NS)))
        for each in (good, bad)
    ]
    assert outputs[0].command is not None
    assert outputs[1].command is None
    assert "anchor is no pose" in outputs[1].verdict.reason


@pytest.mark.parametrize("space", ["tool_delta", "tool_step"])
@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("away_m", [2.5, -400.0, 1e3, 1e155, -1e300, 1.7e308])
def test_an_anchor_where_the_tool_can_never_be_is_refused(space: str, axis: int, away_m: float) -> None:
    good = in_space(PANDA, space, straight(PANDA, home_of(PANDA), home_of(PANDA) + 0.1, 0.3))
    anchor = np.array(good.anchor)
    anchor[axis, 3] = away_m
    given = ask(PANDA, node_at_rest(home_of(PANDA)), replace(good, anchor=anchor), seen_at([], NOW_NS))
    output, preview = tool_gate(PANDA, space).decide(given), tool_gate(PANDA, space).preview(given)
    assert output.command is None
    assert output.verdict.guard == preview.guard == Family.INTEGRITY
    assert "has its anchor" in output.verdict.reason
    assert preview.reason == output.verdict.reason


@pytest.mark.parametrize("name", CELLS)
def test_an_anchor_is_taken_wherever_the_tool_can_be(name: str) -> None:
    generator, limits = np.random.default_rng(0), body_of(name).robot.limits
    good = in_space(name, "tool_delta", straight(name, home_of(name), home_of(name) + 0.1, 0.3))
    for _ in range(50):
        anchor = kinematics(name).tool_in_world(generator.uniform(limits.q_min, limits.q_max))
        chunk = replace(good, anchor=anchor)
        given = ask(name, node_at_rest(home_of(name)), chunk, seen_at([], NOW_NS))
        refusals = tool_gate(name, "tool_delta").decide(given).verdict.refusals
        assert not any("anchor" in reason for _, reason in refusals)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_asked_of_the_tool_no_limit_is_broken(name: str, space: str, seed: int) -> None:
    """Poses out of reach, turns by half a circle, deltas that pile up: the joints stay what they may be."""
    generator = np.random.default_rng(seed)
    body, limits, gate = embodiment(name, space), body_of(name).robot.limits, tool_gate(name, space)
    lower, upper = (np.array([getattr(c, end) for c in body.channels]) for end in ("lower", "upper"))
    loop = Loop(name=name, gate=gate, objects=(), node=node_at_rest(home_of(name)), now_ns=NOW_NS)
    moved, told = 0.0, 0
    for k in range(6):
        samples = generator.uniform(lower, upper, (1, 16, len(lower)))
        samples[..., :6] *= generator.choice([0.1, 1.0])
        chunk = replace(
            chunk_of(name, np.zeros((16, body_of(name).n)), t0_ns=loop.now_ns, seq=k),
            embodiment=body.fingerprint,
            samples=samples,
            anchor=kinematics(name).tool_in_world(loop.node[0]),
        )
        for _ in range(25):
            output = gate.decide(
                ask(name, loop.node, chunk, seen_at([], loop.now_ns), now_ns=loop.now_ns, seq=k)
            )
            told += output.command is not None
            if output.command is None:
                break
            before, loop.node = loop.node, np.array(output.command.end)
            moved += float(np.abs(loop.node[0] - before[0]).sum())
            loop.now_ns += 10_000_000
            assert (limits.q_min <= loop.node[0]).all()
            assert (loop.node[0] <= limits.q_max).all()
            assert (np.abs(loop.node[1]) <= limits.v_max).all()
        loop.node[1:] = 0.0
    assert told > 20
    assert moved > 0.02


def test_of_many_samples_those_within_the_tools_speed_are_looked_at() -> None:
    """Twenty ways, all but the last three too fast: one of these is followed."""
    ways = [line(PANDA, np.array([0.0, 0.05 * (20 - k), 0.0])).samples for k in range(20)]
    chunk = replace(line(PANDA, np.zeros(3)), samples=np.concatenate(ways))
    seen = tool_gate(PANDA).preview(ask(PANDA, node_at_rest(home_of(PANDA)), chunk, seen_at([], NOW_NS)))
    assert seen.rung is Rung.AS_PROPOSED
    assert seen.sample >= 12


def decision(gate: Gate, chunk: ActionChunk) -> GateOutput:
    return gate.decide(ask(PANDA, node_at_rest(home_of(PANDA)), chunk, seen_at([], NOW_NS)))


def test_the_same_question_gets_the_same_answer_to_the_last_bit() -> None:
    chunk = line(PANDA, np.array([0.0, 0.1, 0.05]))
    ends = {decision(tool_gate(PANDA), chunk).command.end.tobytes() for _ in range(3)}  # type: ignore[union-attr]
    assert len(ends) == 1
    assert decision(tool_gate(PANDA), chunk).verdict.decision is Decision.ALLOW


def test_what_is_proposed_in_another_unit_is_told_by_channel_and_unit() -> None:
    samples = np.array(line(PANDA, np.zeros(3)).samples)
    samples[0, 3, 1] = 412.0
    output = decision(tool_gate(PANDA), replace(line(PANDA, np.zeros(3)), samples=samples))
    assert output.command is None
    assert "tool_y = 412 m is far outside" in output.verdict.reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit": "mm"}, "tool_position in m"),
        ({"reference": Reference.CHUNK_START}, "absolute"),
        ({"kind": ChannelKind.TOOL_ROTATION}, "tool_position"),
        ({"frame": "tool"}, "frame world"),
        ({"upper": np.inf}, "finite bounds"),
    ],
)
def test_a_pose_whose_channels_do_not_fit_together_is_refused_at_the_start(change: dict, said: str) -> None:
    body = embodiment(PANDA, "tool_pose")
    spoiled = (body.channels[0], replace(body.channels[1], **change), *body.channels[2:])
    with pytest.raises(BadInputError) as caught:
        Gate(body_of(PANDA), replace(body, channels=spoiled), cell_of(PANDA).gate_config())
    if change.keys() == {"kind"}:
        assert "embodiment.channels" in str(caught.value.field)
    else:
        assert said in caught.value.mend
