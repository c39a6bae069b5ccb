"""Kernels place and differentiate the arm as Pinocchio does, and never turn NaN into a pose."""

from __future__ import annotations

import numpy as np
import pinocchio as pin
import pytest

from interlock.guards.kinematics import capsules_world, forward, point_jacobian, tool_position


def _poses(body, q):
    rot, pos = np.empty((body.n, 3, 3)), np.empty((body.n, 3))
    forward(
        q, body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic, rot, pos
    )
    return rot, pos


def _configurations(body, count, seed=0):
    limits = body.robot.limits
    return np.random.default_rng(seed).uniform(limits.q_min, limits.q_max, (count, body.n))


def test_forward_equals_pinocchio(body):
    base, data = pin.SE3(np.array(body.robot.base_in_world)), body.pin_model.createData()
    for q in _configurations(body, 100):
        rot, pos = _poses(body, q)
        pin.forwardKinematics(body.pin_model, data, q)
        for i, name in enumerate(body.robot.limits.names):
            expected = base * data.oMi[body.pin_model.getJointId(name)]
            assert np.allclose(rot[i], expected.rotation, rtol=0, atol=1e-12)
            assert np.allclose(pos[i], expected.translation, rtol=0, atol=1e-12)


def test_tool_equals_pinocchio(body):
    base, data, tool = pin.SE3(np.array(body.robot.base_in_world)), body.pin_model.createData(), np.empty(3)
    frame = body.pin_model.getFrameId(body.robot.tool_link)
    for q in _configurations(body, 100, seed=1):
        rot, pos = _poses(body, q)
        tool_position(rot, pos, body.tool_joint, body.tool_pos, tool)
        pin.forwardKinematics(body.pin_model, data, q)
        pin.updateFramePlacements(body.pin_model, data)
        expected = base * data.oMf[frame] * pin.SE3(np.array(body.robot.tool_in_link))
        assert np.allclose(tool, expected.translation, rtol=0, atol=1e-12)
        assert np.allclose(rot[body.tool_joint] @ body.tool_rot, expected.rotation, rtol=0, atol=1e-12)


def test_point_jacobian_equals_pinocchio(body):
    data, out = body.pin_model.createData(), np.empty((3, body.n))
    base = pin.SE3(np.array(body.robot.base_in_world))
    rng = np.random.default_rng(2)
    for q in _configurations(body, 50, seed=3):
        rot, pos = _poses(body, q)
        pin.computeJointJacobians(body.pin_model, data, q)
        for i, name in enumerate(body.robot.limits.names):
            offset = rng.uniform(-0.3, 0.3, 3)
            point = pos[i] + rot[i] @ offset
            point_jacobian(rot, pos, point, i, body.joint_parent, body.joint_axis, body.joint_prismatic, out)
            joint = body.pin_model.getJointId(name)
            whole = pin.getJointJacobian(body.pin_model, data, joint, pin.LOCAL_WORLD_ALIGNED)
            lever = data.oMi[joint].rotation @ offset
            expected = base.rotation @ (whole[:3] - np.cross(lever, whole[3:], axis=0))
            assert np.allclose(out, expected, rtol=0, atol=1e-12)


def test_world_point_has_no_jacobian(panda_body):
    rot, pos = _poses(panda_body, panda_body.robot.home)
    out = np.full((3, 7), np.nan)
    tree = (panda_body.joint_parent, panda_body.joint_axis, panda_body.joint_prismatic)
    point_jacobian(rot, pos, np.ones(3), -1, *tree, out)
    assert np.all(out == 0.0)


def test_capsules_go_with_their_joint_and_stay_with_the_world(panda_body):
    body = panda_body
    rot, pos = _poses(body, body.robot.home)
    a, b = np.empty_like(body.cap_a), np.empty_like(body.cap_b)
    capsules_world(rot, pos, body.cap_joint, body.cap_a, body.cap_b, a, b)
    for k, joint in enumerate(body.cap_joint):
        expected = body.cap_a[k] if joint < 0 else pos[joint] + rot[joint] @ body.cap_a[k]
        assert np.allclose(a[k], expected, rtol=0, atol=1e-15)
        length = np.linalg.norm(body.cap_a[k] - body.cap_b[k])
        assert np.linalg.norm(a[k] - b[k]) == pytest.approx(length, abs=1e-14)


def test_branches_and_sliding_joints():
    """A sliding joint carries two turning ones side by side."""
    parent, prismatic = np.array([-1, 0, 0]), np.array([True, False, False])
    rot = np.stack([np.eye(3)] * 3)
    offset = np.array([[0.0, 0, 1.0], [0.5, 0, 0], [-0.5, 0, 0]])
    axis = np.array([[0.0, 1.0, 0], [0, 0, 1.0], [0, 0, 1.0]])
    out_rot, out_pos = np.empty((3, 3, 3)), np.empty((3, 3))
    forward(np.array([0.2, np.pi / 2, 0.0]), parent, rot, offset, axis, prismatic, out_rot, out_pos)
    assert np.allclose(out_pos, [[0, 0.2, 1], [0.5, 0.2, 1], [-0.5, 0.2, 1]])
    assert np.allclose(out_rot[1] @ [1, 0, 0], [0, 1, 0])
    jacobian = np.empty((3, 3))
    point_jacobian(out_rot, out_pos, np.array([0.5, 1.2, 1.0]), 1, parent, axis, prismatic, jacobian)
    assert np.allclose(jacobian, [[0, -1, 0], [1, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e9])
def test_a_position_that_is_no_number_gives_no_pose_beyond_it(panda_body, bad):
    q = np.array(panda_body.robot.home)
    q[3] = bad
    rot, pos = _poses(panda_body, q)
    assert np.isnan(rot[3:]).all()
    assert np.isnan(pos[4:]).all()
    assert np.isfinite(rot[:3]).all()
