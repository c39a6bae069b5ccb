"""What a policy says in tool poses is what its joint positions are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interlock.guards.tool_poses import ToolPoses
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.embodiment import ChannelKind
from interlock.orchestrator.action_space import channels_of
from interlock.orchestrator.cell import Cell
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.policy import PolicyContext
from interlock.policy.tool_channels import ToolChannels

CELLS = ("panda_tabletop", "xarm6_tabletop")
SPACES = ("tool_pose", "tool_delta", "tool_step")


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("frame", ["world", "tool"])
def test_the_gate_reads_the_poses_that_the_joints_have(name: str, space: str, frame: str) -> None:
    cell = Cell.load(name)
    robot = cell.robot_spec()
    channels = channels_of(cell.file.robot, space)  # type: ignore[arg-type]
    if space == "tool_pose":
        frame = "world"
    body = replace(
        cell.embodiment(),
        channels=tuple(
            c if c.kind is ChannelKind.GRIPPER_WIDTH else replace(c, frame=frame) for c in channels
        ),
    )
    context = PolicyContext(robot=robot, embodiment=body, seed=0, options={})
    generator = np.random.default_rng(0)
    joints = robot.home + np.cumsum(0.05 * generator.normal(size=(16, robot.dof)), axis=0)
    steps, anchor = ToolChannels(context).of(joints, robot.home)
    assert (anchor is None) == (space == "tool_pose")
    chunk = ActionChunk(
        seq=0,
        embodiment=body.fingerprint,
        samples=steps[None],
        t_obs_ns=0,
        t_ready_ns=0,
        t0_ns=0,
        dt_s=0.04,
        provenance=Provenance(policy="test", version="", config_sha256="", seed=0),
        anchor=anchor,
    )
    poses, kinematics = ToolPoses(chunk, body), ToolKinematics(robot)
    for k, q in enumerate(joints):
        wanted, at = kinematics.tool_in_world(q), poses.at(k * 40_000_000)
        np.testing.assert_allclose(at.position, wanted[:3, 3], atol=1e-9)
        np.testing.assert_allclose(at.rotation, wanted[:3, :3], atol=1e-9)
