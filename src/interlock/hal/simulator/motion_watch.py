"""Measures how the simulated robot moves: joints, tool, and whether it stood a moment ago."""

from __future__ import annotations

from collections import deque

import numpy as np
import pybullet

from interlock.hal.arrays import FloatArray
from interlock.hal.simulator.pose import rotation_from_quaternion
from interlock.hal.simulator.robot_body import RobotBody

__all__ = ["MotionWatch"]

STANDING_M_S = 1e-3
"""Below this speed of every point an arm stands, [m/s]."""
_CONTACT_LEAD = 2
"""Physics steps before a contact in which it may already have pushed the arm."""


class MotionWatch:
    """Reads the joints once a physics step.

    Args:
        body: the robot.
        step_s: physics step, [s].
        window: number of physics steps over which standing is judged.
    """

    def __init__(self, body: RobotBody, step_s: float, window: int) -> None:
        self._body = body
        self._joints = (*body.arm, *body.fingers)
        self._window_s = window * step_s
        self._readings: deque[list[float]] = deque(maxlen=window + 1 + _CONTACT_LEAD)
        self._reach = self._bound_reaches()
        self.velocities = np.zeros(len(body.arm))
        self.positions = np.zeros(len(body.arm))

    def read(self, last: bool) -> None:
        """Take a reading; keep it as the tick's if it is the `last` one of a period."""
        body = self._body
        states = pybullet.getJointStates(body.body, self._joints, physicsClientId=body.client)
        self._readings.append([s[0] for s in states])
        if last:
            n = len(body.arm)
            self.positions = np.array([s[0] for s in states[:n]])
            self.velocities = np.array([s[1] for s in states[:n]])

    def stood(self) -> bool:
        """Whether every point of the robot was under 1 mm/s until just before now.

        The bound is what each joint travelled in the window times how far any point can be from its axis.
        """
        before = np.array(list(self._readings)[: max(1, len(self._readings) - _CONTACT_LEAD)])
        travel = before.max(axis=0) - before.min(axis=0)
        return bool(travel @ self._reach < STANDING_M_S * self._window_s)

    def point_speed_bound(self, joint_speeds: FloatArray) -> float:
        """Upper bound on the speed of any point at arm joint speeds of shape (n,), [m/s]."""
        return float(np.abs(joint_speeds) @ self._reach[: len(joint_speeds)])

    def tool(self) -> tuple[FloatArray, float]:
        """Position of the tool centre point in the world, shape (3,), [m], and its speed, [m/s]."""
        body = self._body
        state = pybullet.getLinkState(
            body.body,
            body.tool,
            computeLinkVelocity=True,
            computeForwardKinematics=True,
            physicsClientId=body.client,
        )
        offset = rotation_from_quaternion(state[5]) @ body.robot.tool_in_link[:3, 3]
        position: FloatArray = np.add(state[4], offset)
        # PyBullet's link velocity is that of the centre of mass.
        velocity = np.add(state[6], np.cross(state[7], position - state[0]))
        return position, float(np.linalg.norm(velocity))

    def _bound_reaches(self) -> FloatArray:
        """Farthest point from each joint's axis that it moves, shape (joints,), [m]; 1 if it slides."""
        body = self._body
        reach = dict.fromkeys(self._joints, 0.0)
        origins = {link: body.frame_in_world(link)[:3, 3] for link in body.link_name}
        for link in body.collision_links:
            radius = self._radius(link)
            chain = [*body.joints_to(link), link]
            for k, joint in enumerate(chain[:-1]):
                way = sum(
                    float(np.linalg.norm(origins[b] - origins[a]))
                    for a, b in zip(chain[k:-1], chain[k + 1 :], strict=True)
                )
                if joint in reach:
                    reach[joint] = max(reach[joint], way + radius)
        return np.array([1.0 if joint in body.prismatic else reach[joint] for joint in self._joints])

    def _radius(self, link: int) -> float:
        """Distance of a link's farthest corner from its frame, by its bounding box, [m]."""
        body = self._body
        low, high = pybullet.getAABB(body.body, link, physicsClientId=body.client)
        origin = body.frame_in_world(link)[:3, 3]
        return float(
            np.linalg.norm(np.maximum(np.abs(np.subtract(low, origin)), np.abs(np.subtract(high, origin))))
        )
