"""One step toward a pose: the tool's frame as Pinocchio has it, the step as damped least squares has it."""

from __future__ import annotations

import numpy as np
import pinocchio as pin
import pytest
from tests.guards.closed_loop import CELLS, body_of
from tests.guards.robots import rig_of

from interlock.guards.tool_step import POSITION_WEIGHT, ROTATION_WEIGHT, damped_step, tool_frame
from interlock.policy.kinematics import ToolKinematics

ROBOTS = (*CELLS, "iiwa", "two_pandas")
WEIGHT = np.repeat([POSITION_WEIGHT, ROTATION_WEIGHT], 3)


def frame(name: str, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    body = body_of(name)
    rotation, position, jacobian = np.empty((3, 3)), np.empty(3), np.empty((6, body.n))
    tool_frame(
        q, body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
        body.tool_joint, body.tool_rot, body.tool_pos,
        np.empty((body.n, 3, 3)), np.empty((body.n, 3)), rotation, position, jacobian,
    )  # fmt: skip
    return rotation, position, jacobian


def step(jacobian: np.ndarray, error: np.ndarray) -> np.ndarray:
    out = np.empty(jacobian.shape[1])
    damped_step(jacobian, error, WEIGHT, np.empty((7, 6)), out)
    return out


def postures(name: str, count: int) -> np.ndarray:
    limits = body_of(name).robot.limits
    return np.random.default_rng(0).uniform(limits.q_min, limits.q_max, (count, len(limits.q_min)))


@pytest.mark.parametrize("name", CELLS)
def test_the_frame_is_where_pinocchio_sees_it(name: str) -> None:
    kinematics = ToolKinematics(body_of(name).robot)
    for q in postures(name, 50):
        rotation, position, jacobian = frame(name, q)
        pose = kinematics.tool_in_world(q)
        np.testing.assert_allclose(rotation, pose[:3, :3], atol=1e-12)
        np.testing.assert_allclose(position, pose[:3, 3], atol=1e-12)
        np.testing.assert_allclose(jacobian, kinematics.jacobian(q), atol=1e-12)


@pytest.mark.parametrize("name", ROBOTS)
def test_where_no_direction_is_lost_a_step_is_the_least_squares_one(name: str) -> None:
    generator = np.random.default_rng(1)
    seen = 0
    for q in (np.array(rig_of(name).robot.home), *postures(name, 50)):
        jacobian = frame(name, q)[2]
        if np.linalg.svd(WEIGHT[:, None] * jacobian, compute_uv=False)[-1] < 0.11:
            continue
        error = 0.01 * generator.normal(size=6)
        np.testing.assert_allclose(
            step(jacobian, error), np.linalg.pinv(jacobian) @ error, rtol=1e-6, atol=1e-9
        )
        seen += 1
    assert seen > 10


@pytest.mark.parametrize("name", CELLS)
def test_where_a_direction_is_lost_a_step_stays_small(name: str) -> None:
    """Along the direction that the tool cannot go, and in every other one."""
    generator = np.random.default_rng(2)
    worst = 0.0
    for q in postures(name, 300):
        jacobian = frame(name, q)[2]
        weak = np.linalg.svd(WEIGHT[:, None] * jacobian)[0][:, -1] / WEIGHT
        for error in (weak, generator.normal(size=6)):
            error = 0.01 * error / np.linalg.norm(WEIGHT * error)
            worst = max(worst, float(np.abs(step(jacobian, error)).max()))
    assert worst < 0.25
    stretched = np.array(rig_of(name).robot.home)
    stretched[1:] = 0.0  # the arm straight up: the tool cannot go up any further
    up = step(frame(name, stretched)[2], np.array([0.0, 0.0, 0.1, 0.0, 0.0, 0.0]))
    assert np.abs(up).max() < 1.0


def test_a_tool_with_no_turn_to_make_makes_none() -> None:
    jacobian = frame(CELLS[0], np.array(rig_of(CELLS[0]).robot.home))[2]
    assert not step(jacobian, np.zeros(6)).any()
    assert np.isnan(step(jacobian, np.full(6, np.nan))).all()


def test_the_inverse_is_pinocchios_too() -> None:
    """Ten steps from home to a pose that a posture nearby gives: the tool is there."""
    name = CELLS[0]
    home = np.array(rig_of(name).robot.home)
    rotation, position, _ = frame(name, home + 0.2)
    q = home.copy()
    for _ in range(10):
        here_rotation, here, jacobian = frame(name, q)
        error = np.concatenate([position - here, pin.log3(rotation @ here_rotation.T)])
        q += step(jacobian, error)
    np.testing.assert_allclose(frame(name, q)[1], position, atol=1e-6)
    np.testing.assert_allclose(frame(name, q)[0], rotation, atol=1e-6)
