"""Drives the finger joints of a gripper as one width, with a bound on the closing force."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import pybullet

from interlock.errors import DriverFaultError, RobotModelError
from interlock.hal.arrays import FloatArray
from interlock.hal.command import GripperCommand
from interlock.hal.robot import GripperSpec
from interlock.hal.simulator.robot_body import RobotBody
from interlock.hal.state import GripperState

__all__ = ["GripperDrive"]

_GEAR_ERP = 0.2
_GEAR_FORCE = 1000.0
_POSITION_SHARE = 0.2
"""Share of the position error that one physics step makes good."""
_WIND_UP_M = 0.004
"""How far the reference may run ahead of the measured width, [m]; it sets how a blocked gripper lets go."""

_PRESSING_N = 0.3  # closing force from which something is between the fingers


class GripperDrive:
    """The motors of one gripper.

    All finger joints are geared to the first one, because PyBullet ignores the `mimic` of a URDF: without
    gears the xArm gripper's linkage folds, and the Panda's fingers let a held block drift sideways.

    Args:
        body: the robot.
        spec: its gripper.
        step_s: physics step, [s].

    Raises:
        RobotModelError: if the joints are not proportional to the first one over the whole table.
    """

    def __init__(self, body: RobotBody, spec: GripperSpec, step_s: float) -> None:
        self._body = body
        self._spec = spec
        self._step_s = step_s
        # Plain floats: read every physics step, and numpy costs more than this little arithmetic.
        self._widths: list[float] = spec.widths_m.tolist()
        # The first joint's way from the closed gripper, made ascending by its sign.
        lead = spec.joint_table[0] - spec.joint_table[0, 0]
        self._sign = 1.0 if lead[-1] > 0.0 else -1.0
        self._travel: list[float] = (lead * self._sign).tolist()
        self._closed: list[float] = spec.joint_table[:, 0].tolist()
        self._ratios = self._measure_ratios()
        self._target_m = spec.max_width_m
        self._reference_m = spec.max_width_m
        self._force_n = spec.max_force_n
        self._gear_up()

    def _measure_ratios(self) -> list[float]:
        """Each joint's travel per travel of the first joint."""
        table = self._spec.joint_table - self._spec.joint_table[:, :1]
        ratios = table[:, -1] / table[0, -1]
        if not np.allclose(table, ratios[:, None] * table[0], atol=1e-4):
            raise RobotModelError(
                "the finger joints are not proportional to the first one",
                field="robot.gripper.joint_table",
                mend="The simulator couples them by gears; give a table whose rows are proportional.",
            )
        measured: list[float] = ratios.tolist()
        return measured

    def _gear_up(self) -> None:
        first, *others = self._body.fingers
        for joint, ratio in zip(others, self._ratios[1:], strict=True):
            gear = pybullet.createConstraint(
                self._body.body,
                first,
                self._body.body,
                joint,
                pybullet.JOINT_GEAR,
                [1, 0, 0],
                [0, 0, 0],
                [0, 0, 0],
                physicsClientId=self._body.client,
            )
            pybullet.changeConstraint(
                gear,
                gearRatio=-1.0 / float(ratio),
                erp=_GEAR_ERP,
                maxForce=_GEAR_FORCE,
                physicsClientId=self._body.client,
            )

    def reset(self, width_m: float) -> FloatArray:
        """Forget the past and hold `width_m`; returns the finger joint positions there, shape (joints,)."""
        self._target_m = self._reference_m = width_m
        self._force_n = self._spec.max_force_n
        return self._spec.joints_at(width_m)

    def check(self, command: GripperCommand) -> None:
        """Judge a command before it is taken.

        Raises:
            DriverFaultError: if its width or force is not finite or outside what the gripper can do.
        """
        low, high = self._spec.min_width_m - 1e-6, self._spec.max_width_m + 1e-6
        if not (math.isfinite(command.width_m) and low <= command.width_m <= high):
            raise DriverFaultError(
                f"the gripper's width is between {low:.4f} and {high:.4f} m",
                field="command.gripper.width_m",
                value=command.width_m,
            )
        if not (math.isfinite(command.force_n) and 0.0 < command.force_n <= self._spec.max_force_n + 1e-6):
            raise DriverFaultError(
                f"the gripper's force is above 0 and at most {self._spec.max_force_n} N",
                field="command.gripper.force_n",
                value=command.force_n,
            )

    def take(self, command: GripperCommand) -> None:
        """Move to a width; the bound on the force counts while closing."""
        self._target_m = min(max(command.width_m, self._spec.min_width_m), self._spec.max_width_m)
        self._force_n = command.force_n

    def halt(self) -> None:
        """Stop fingers that open or move freely; those that press on keep pressing: no stop lets go."""
        if self._target_m > self._reference_m or self._pad_force() < _PRESSING_N:
            self._target_m = self._reference_m

    def _read(self, positions: Sequence[float]) -> tuple[float, float]:
        """Width [m] and travel of the first joint per width there [rad/m or m/m], from all finger joints."""
        parts = zip(positions, self._closed, self._ratios, strict=True)
        travel = self._sign * sum((p - closed) / ratio for p, closed, ratio in parts) / len(self._ratios)
        k = min(max(bisect_left(self._travel, travel), 1), len(self._travel) - 1)
        slope = (self._travel[k] - self._travel[k - 1]) / (self._widths[k] - self._widths[k - 1])
        return self._widths[k - 1] + (travel - self._travel[k - 1]) / slope, self._sign * slope

    def motion(self, positions: Sequence[float]) -> tuple[list[float], list[float]]:
        """Target velocities and torque (or force) bounds of the finger joints for the next physics step.

        Args:
            positions: measured finger joint positions, in the order of `spec.joints`, [rad or m].
        """
        width, slope = self._read(positions)
        reach = self._spec.max_speed_m_s * self._step_s
        reference = self._reference_m + min(max(self._target_m - self._reference_m, -reach), reach)
        self._reference_m = min(max(reference, width - _WIND_UP_M), width + _WIND_UP_M)
        speed = (self._reference_m - width) / self._step_s * _POSITION_SHARE * slope
        force = self._force_n if self._target_m < width else self._spec.max_force_n
        # Virtual work: all motors together press both pads, force * d(width) = sum(torque * d(joint)).
        torque = force / (len(self._ratios) * abs(slope))
        return [speed * ratio for ratio in self._ratios], [torque / abs(ratio) for ratio in self._ratios]

    def state(self, positions: Sequence[float]) -> GripperState:
        """Measured width and closing force; positions as in `motion`."""
        return GripperState(width_m=self._read(positions)[0], force_n=self._pad_force())

    def _pad_force(self) -> float:
        """The smaller of the two pads' contact forces along the closing direction, [N]."""
        body = self._body
        tool = body.tool_in_world()
        closing, origin = tool[:3, 1], tool[:3, 3]
        pressed = {True: 0.0, False: 0.0}
        fingers = set(body.finger_links)
        for contact in pybullet.getContactPoints(bodyA=body.body, physicsClientId=body.client):
            if contact[3] not in fingers or contact[2] == body.body or contact[9] <= 0.0:
                continue
            along = float(np.dot(contact[7], closing)) * contact[9]
            left = float(np.dot(np.subtract(contact[5], origin), closing)) > 0.0
            pressed[left] += along if left else -along
        return max(0.0, min(pressed.values()))
