"""The simulated robot as a driver: plays verified nodes, and the verified stop when no successor comes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pybullet
from numpy.typing import ArrayLike

from interlock.errors import DriverFaultError
from interlock.hal.arrays import FloatArray, frozen_array
from interlock.hal.command import GripperCommand, GuardedCommand
from interlock.hal.driver import STANDSTILL_RAD_S, Interpolation, StopCategory
from interlock.hal.simulator.cubic import sample_cubic
from interlock.hal.simulator.gripper_drive import GripperDrive
from interlock.hal.simulator.playable import check_playable
from interlock.hal.simulator.robot_body import RobotBody
from interlock.hal.state import RobotState

__all__ = ["PyBulletDriver"]

POSITION_GAIN_PER_S = 200.0
"""Feedback from position error to velocity, [1/s]."""
MAX_CORRECTION_RAD_S = 0.02
"""Bound on that feedback, [rad/s]."""
GIVE_WAY_RAD = 3e-4
"""A standing arm pushed this far off by an obstacle stays where it was pushed, [rad]."""
EFFORT_SCALE = 4.0
"""Motor torque over the URDF's effort: its inertias are larger than the real arm's."""

_REST = 1e-6


class PyBulletDriver:
    """Implements `interlock.hal.driver.RobotDriver` for a robot in PyBullet.

    `World.advance` is its motor: it calls `begin_period`, `play` once a physics step, `end_period`.

    Stop categories in this simulator: 0 takes the motors off at once and the brakes hold; 1 plays the stop in
    hand, then the brakes hold; 2 plays the stop in hand and stays under control. No stop touches the gripper.

    An arm that is told to stand gives way when it is pushed, and what it commands is then where it was pushed
    to: creeping back would be motion that nobody verified.

    Attributes:
        joint_names: arm joints in the order of every array.
        period_s: time between nodes, [s].
        interpolation: cubic between nodes.
    """

    def __init__(self, body: RobotBody, period_s: float, substeps: int, now_ns: Callable[[], int]) -> None:
        self.joint_names = body.robot.limits.names
        self.period_s = period_s
        self.interpolation = Interpolation.CUBIC
        self._body = body
        self._now_ns = now_ns
        self._step_s = period_s / substeps
        self._times = np.linspace(0.0, period_s, substeps + 1)
        spec = body.robot.gripper
        self._gripper = GripperDrive(body, spec, self._step_s) if spec else None
        self._joints = (*body.arm, *body.fingers)
        self._force = body.effort * EFFORT_SCALE
        self._stop: StopCategory | None = None
        self._braked = False
        self._order = (-1, -1)
        self._pending: GuardedCommand | None = None
        self.load_initial(body.robot.home, spec.max_width_m if spec else 0.0)

    @property
    def commanded(self) -> FloatArray:
        """The node (q, v, a) at which the last played period ended, shape (3, n)."""
        return self._node

    @property
    def playing(self) -> tuple[FloatArray, FloatArray] | None:
        """Start and end node of the period played last, each of shape (3, n); None under brakes."""
        return None if self._braked else self._playing

    def load_initial(self, q: ArrayLike, width_m: float) -> None:
        """Put the robot at rest at `q`, shape (n,), [rad], with its gripper at `width_m` [m]."""
        n = len(self._body.arm)
        self._node = np.zeros((3, n))
        self._node[0] = frozen_array(q, (n,), "q")
        self._playing = (self._node, self._node)
        self._tail = np.empty((0, 3, n))
        self._pending = None
        self._pulled: tuple[FloatArray, float | None] | None = None
        fingers = self._gripper.reset(width_m).tolist() if self._gripper else []
        for joint, position in zip(self._joints, [*self._node[0].tolist(), *fingers], strict=True):
            pybullet.resetJointState(self._body.body, joint, position, 0.0, physicsClientId=self._body.client)
        self._measure()
        self._lowest = self._highest = self._measured[0, :n]

    def observe(self) -> RobotState:
        """The measured and the commanded state, now."""
        q, v, a = self._node
        n = len(self._body.arm)
        return RobotState(
            stamp_ns=self._now_ns(),
            q=self._measured[0, :n],
            v=self._measured[1, :n],
            q_commanded=q,
            v_commanded=v,
            a_commanded=a,
            gripper=self._gripper.state(self._measured[0, n:].tolist()) if self._gripper else None,
            standstill=self.standstill(),
        )

    def write(self, command: GuardedCommand) -> None:
        """Take the motion of the next period.

        Raises:
            DriverFaultError: after a stop, out of order, or if the command cannot be played (see
                `check_playable`).
        """
        if self._stop is not None:
            raise DriverFaultError(
                "a stop is in force",
                field="command.seq",
                value=command.seq,
                mend="Reset it on purpose first.",
            )
        if (command.epoch, command.seq) <= self._order:
            raise DriverFaultError(
                f"commands come in order, after epoch {self._order[0]}, seq {self._order[1]}",
                field="command.seq",
                value=(command.epoch, command.seq),
            )
        age_s = (self._now_ns() - command.stamp_ns) * 1e-9
        if not abs(age_s) < self.period_s:
            raise DriverFaultError(
                "a command is for the tick it was decided in",
                field="command.stamp_ns",
                value=command.stamp_ns,
                mend=f"It is {age_s:.3f} s old; decide afresh.",
            )
        check_playable(command, self._node, self.period_s)
        if command.gripper is not None:
            if self._gripper is None:
                raise DriverFaultError(
                    "this robot has no gripper", field="command.gripper", value=command.gripper
                )
            self._gripper.check(command.gripper)
        self._order = (command.epoch, command.seq)
        self._pending = command

    def pull(self, end: ArrayLike, width_m: float | None) -> None:
        """Pull the simulated arm to node `end`, shape (3, n), in the next period, as one pulls a puppet.

        Nobody has judged it, and a robot has nothing like it: `RobotDriver` knows only `write`. It is there
        to show what a policy does without a gate (`orchestrator.puppet_drive`).

        Args:
            end: positions [rad], velocities [rad/s], accelerations [rad/s^2].
            width_m: width of the gripper, [m]; None leaves it.
        """
        self._pulled = (frozen_array(end, self._node.shape, "end"), width_m)

    def stop(self, category: StopCategory) -> None:
        """Play the stop in hand and accept no command until `release_stop`; a lower category overrules."""
        if self._stop is None or category < self._stop:
            self._stop = category
        self._pending = self._pulled = None

    def release_stop(self) -> None:
        """Accept commands again, from where the arm is if the brakes held it."""
        if self._braked:
            self._hold_here()
        self._stop = None
        self._braked = False

    def standstill(self) -> bool:
        """Whether no joint was *measured* to travel faster than 1e-3 rad/s within the last period."""
        return bool((self._highest - self._lowest < STANDSTILL_RAD_S * self.period_s).all())

    def close(self) -> None:
        """Let go of the robot.

        Raises:
            DriverFaultError: if it is not at standstill.
        """
        if not self.standstill():
            raise DriverFaultError(
                "the robot still moves", field="v", value=self._measured[1].tolist(), mend="Stop it first."
            )
        self.stop(StopCategory.STOP_AND_HOLD)

    def begin_period(self) -> None:
        """Choose what to play: the successor, else the next node of the tail, else hold."""
        start = self._node
        if self._pending is None and self._pulled is None and self._gripper is not None:
            self._gripper.halt()
        if self._stop is StopCategory.REMOVE_POWER:
            self._braked = True
        if self._pending is not None:
            end, self._tail = self._pending.end, self._pending.tail
            if self._pending.gripper is not None and self._gripper is not None:
                self._gripper.take(self._pending.gripper)
            self._pending = None
        elif self._pulled is not None:
            (end, width), self._pulled = self._pulled, None
            spec = self._body.robot.gripper
            if width is not None and math.isfinite(width) and self._gripper is not None and spec is not None:
                self._gripper.take(GripperCommand(width_m=width, force_n=spec.max_force_n))
            self._tail = np.empty((0, 3, len(start[0])))
        elif self._braked:
            end = start
        elif len(self._tail):
            end, self._tail = self._tail[0], self._tail[1:]
        else:
            end = np.vstack([start[:1], np.zeros_like(start[1:])])
            self._braked = self._stop is StopCategory.STOP_THEN_REMOVE_POWER
        self._playing = (start, end)
        self._curve = sample_cubic(start, end, self.period_s, self._times)
        self._lowest = self._highest = self._measured[0, : len(start[0])]

    def play(self, substep: int) -> None:
        """Set the motors for physics step `substep` of this period, counted from 0."""
        n = len(self._body.arm)
        self._track()
        if self._braked:
            velocity = np.zeros(n)
        else:
            q = self._curve[0]
            error = q[substep] - self._measured[0, :n]
            correction = np.clip(POSITION_GAIN_PER_S * error, -MAX_CORRECTION_RAD_S, MAX_CORRECTION_RAD_S)
            velocity = (q[substep + 1] - q[substep]) / self._step_s + correction
        velocities, forces = velocity.tolist(), self._force.tolist()
        if self._gripper is not None:
            finger_velocities, finger_forces = self._gripper.motion(self._measured[0, n:].tolist())
            velocities += finger_velocities
            forces += finger_forces
        pybullet.setJointMotorControlArray(
            self._body.body,
            self._joints,
            pybullet.VELOCITY_CONTROL,
            targetVelocities=velocities,
            forces=forces,
            physicsClientId=self._body.client,
        )

    def end_period(self) -> None:
        """Close the period: what was commanded, and a last reading."""
        self._node = self._playing[1]
        self._track()
        if self._braked or self._pushed():
            self._hold_here()

    def _pushed(self) -> bool:
        """Whether something moved the arm though it was told to stand for this whole period."""
        told_to_stand = all(np.abs(node[1:]).max() < _REST for node in self._playing)
        error = np.abs(self._node[0] - self._measured[0, : len(self._node[0])]).max()
        return bool(told_to_stand and error > GIVE_WAY_RAD)

    def _hold_here(self) -> None:
        """Command what is measured: under brakes or a push there is no other truth."""
        n = len(self._node[0])
        self._node = np.zeros((3, n))
        self._node[0] = self._measured[0, :n]
        self._tail = np.empty((0, 3, n))

    def _track(self) -> None:
        """Take a reading and widen the span that the joints travelled in this period."""
        self._measure()
        q = self._measured[0, : len(self._body.arm)]
        self._lowest = np.minimum(self._lowest, q)
        self._highest = np.maximum(self._highest, q)

    def _measure(self) -> None:
        states = pybullet.getJointStates(self._body.body, self._joints, physicsClientId=self._body.client)
        self._measured = np.array([[s[0] for s in states], [s[1] for s in states]])
