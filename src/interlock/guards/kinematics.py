"""Forward kinematics and point Jacobians of a kinematic tree, as kernels over plain arrays.

All arrays are float64 and C-contiguous. A tree of n joints is given by

* `joint_parent`: parent joint of each joint, -1 for the world, parents first, shape (n,), int64;
* `joint_rot`, `joint_pos`: placement of each joint in its parent's frame, shapes (n, 3, 3) and (n, 3), [m];
* `joint_axis`: unit axis in the joint's own frame, shape (n, 3);
* `joint_prismatic`: whether the joint slides, shape (n,), bool.

Nothing is allocated, and a joint position that is not finite makes every pose that depends on it NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["capsules_world", "forward", "point_jacobian", "tool_position"]

_LARGEST_POSITION = 1e6  # beyond this a position [rad or m] is no position


@kernel
def forward(
    q: FloatArray,
    joint_parent: NDArray[np.int64],
    joint_rot: FloatArray,
    joint_pos: FloatArray,
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    out_rot: FloatArray,
    out_pos: FloatArray,
) -> None:
    """Write the pose in the world of every joint frame, after the joint's own motion.

    Args:
        q: joint positions, shape (n,), [rad or m].
        joint_parent: see the module.
        joint_rot: see the module.
        joint_pos: see the module.
        joint_axis: see the module.
        joint_prismatic: see the module.
        out_rot: rotations joint-in-world, shape (n, 3, 3), written.
        out_pos: origins joint-in-world, shape (n, 3), [m], written.
    """
    for i in range(q.shape[0]):
        p = joint_parent[i]
        angle = q[i]
        if not abs(angle) < _LARGEST_POSITION:
            angle = math.nan
        ux = joint_axis[i, 0]
        uy = joint_axis[i, 1]
        uz = joint_axis[i, 2]
        slide = 0.0
        s = 0.0
        c = 1.0
        if joint_prismatic[i]:
            slide = angle
        else:
            s = math.sin(angle)
            c = math.cos(angle)
        k = 1.0 - c
        m00 = c + ux * ux * k
        m01 = ux * uy * k - uz * s
        m02 = ux * uz * k + uy * s
        m10 = uy * ux * k + uz * s
        m11 = c + uy * uy * k
        m12 = uy * uz * k - ux * s
        m20 = uz * ux * k - uy * s
        m21 = uz * uy * k + ux * s
        m22 = c + uz * uz * k
        for r in range(3):
            if p < 0:
                w0 = joint_rot[i, r, 0]
                w1 = joint_rot[i, r, 1]
                w2 = joint_rot[i, r, 2]
                t = joint_pos[i, r]
            else:
                a0 = out_rot[p, r, 0]
                a1 = out_rot[p, r, 1]
                a2 = out_rot[p, r, 2]
                w0 = a0 * joint_rot[i, 0, 0] + a1 * joint_rot[i, 1, 0] + a2 * joint_rot[i, 2, 0]
                w1 = a0 * joint_rot[i, 0, 1] + a1 * joint_rot[i, 1, 1] + a2 * joint_rot[i, 2, 1]
                w2 = a0 * joint_rot[i, 0, 2] + a1 * joint_rot[i, 1, 2] + a2 * joint_rot[i, 2, 2]
                t = out_pos[p, r] + a0 * joint_pos[i, 0] + a1 * joint_pos[i, 1] + a2 * joint_pos[i, 2]
            out_pos[i, r] = t + slide * (w0 * ux + w1 * uy + w2 * uz)
            out_rot[i, r, 0] = w0 * m00 + w1 * m10 + w2 * m20
            out_rot[i, r, 1] = w0 * m01 + w1 * m11 + w2 * m21
            out_rot[i, r, 2] = w0 * m02 + w1 * m12 + w2 * m22


@kernel
def capsules_world(
    rot: FloatArray,
    pos: FloatArray,
    cap_joint: NDArray[np.int64],
    cap_a: FloatArray,
    cap_b: FloatArray,
    out_a: FloatArray,
    out_b: FloatArray,
) -> None:
    """Write the end points of every capsule in the world.

    Args:
        rot: rotations joint-in-world, shape (n, 3, 3), from `forward`.
        pos: origins joint-in-world, shape (n, 3), [m], from `forward`.
        cap_joint: joint that carries each capsule, -1 for the world, shape (m,), int64.
        cap_a: first end points in the joint's frame, shape (m, 3), [m].
        cap_b: second end points in the joint's frame, shape (m, 3), [m].
        out_a: first end points in the world, shape (m, 3), [m], written.
        out_b: second end points in the world, shape (m, 3), [m], written.
    """
    for k in range(cap_joint.shape[0]):
        j = cap_joint[k]
        for r in range(3):
            if j < 0:
                out_a[k, r] = cap_a[k, r]
                out_b[k, r] = cap_b[k, r]
            else:
                x = rot[j, r, 0]
                y = rot[j, r, 1]
                z = rot[j, r, 2]
                t = pos[j, r]
                out_a[k, r] = t + x * cap_a[k, 0] + y * cap_a[k, 1] + z * cap_a[k, 2]
                out_b[k, r] = t + x * cap_b[k, 0] + y * cap_b[k, 1] + z * cap_b[k, 2]


@kernel
def point_jacobian(
    rot: FloatArray,
    pos: FloatArray,
    point: FloatArray,
    joint: int,
    joint_parent: NDArray[np.int64],
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    out: FloatArray,
) -> None:
    """Write d(point)/dq for a point that moves with `joint`.

    Args:
        rot: rotations joint-in-world, shape (n, 3, 3), from `forward`.
        pos: origins joint-in-world, shape (n, 3), [m], from `forward`.
        point: the point in the world, shape (3,), [m].
        joint: index of the joint that carries the point, -1 for the world (the Jacobian is then 0).
        joint_parent: see the module.
        joint_axis: see the module.
        joint_prismatic: see the module.
        out: Jacobian in world axes, shape (3, n), [m/rad or 1], written.
    """
    for r in range(3):
        for i in range(out.shape[1]):
            out[r, i] = 0.0
    i = joint
    while i >= 0:
        ux = joint_axis[i, 0]
        uy = joint_axis[i, 1]
        uz = joint_axis[i, 2]
        wx = rot[i, 0, 0] * ux + rot[i, 0, 1] * uy + rot[i, 0, 2] * uz
        wy = rot[i, 1, 0] * ux + rot[i, 1, 1] * uy + rot[i, 1, 2] * uz
        wz = rot[i, 2, 0] * ux + rot[i, 2, 1] * uy + rot[i, 2, 2] * uz
        if joint_prismatic[i]:
            out[0, i] = wx
            out[1, i] = wy
            out[2, i] = wz
        else:
            x = point[0] - pos[i, 0]
            y = point[1] - pos[i, 1]
            z = point[2] - pos[i, 2]
            out[0, i] = wy * z - wz * y
            out[1, i] = wz * x - wx * z
            out[2, i] = wx * y - wy * x
        i = joint_parent[i]


@kernel
def tool_position(rot: FloatArray, pos: FloatArray, joint: int, offset: FloatArray, out: FloatArray) -> None:
    """Write the position in the world of a point fixed to `joint`.

    Args:
        rot: rotations joint-in-world, shape (n, 3, 3), from `forward`.
        pos: origins joint-in-world, shape (n, 3), [m], from `forward`.
        joint: index of the joint that carries the point, -1 for the world.
        offset: the point in the joint's frame, shape (3,), [m].
        out: the point in the world, shape (3,), [m], written.
    """
    for r in range(3):
        if joint < 0:
            out[r] = offset[r]
        else:
            out[r] = (
                pos[joint, r]
                + rot[joint, r, 0] * offset[0]
                + rot[joint, r, 1] * offset[1]
                + rot[joint, r, 2] * offset[2]
            )
