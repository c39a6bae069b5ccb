"""Forward and inverse kinematics of the arm, as a policy needs them; the guards have their own."""

from __future__ import annotations

import math

import numpy as np
import pinocchio as pin

from interlock.errors import RobotModelError
from interlock.hal.arrays import FloatArray
from interlock.hal.robot import RobotSpec

__all__ = ["ToolKinematics"]

_LIMIT_SHRINK_RAD = 0.03
_TOLERANCE_M = 2e-4
_TOLERANCE_RAD = 2e-3
_MAX_STEP_RAD = 0.3
_RESTARTS = 6


class ToolKinematics:
    """The arm reduced to its joints, with the tool centre point (TCP) as one frame.

    All joints but the arm's are locked at their neutral position. The limits are those of the data sheet,
    shrunk by 0.03 rad, so that what it finds stays clear of the gate's position guard.

    Attributes:
        q_min: lowest joint positions used, shape (n,), [rad].
        q_max: highest joint positions used, shape (n,), [rad].
        home: posture the null space is drawn to, shape (n,), [rad].
        base: where the arm stands in the world, shape (3,), [m].
        dof: number of arm joints, n.
    """

    def __init__(self, robot: RobotSpec) -> None:
        """Build the reduced model.

        Raises:
            RobotModelError: if the URDF cannot be read, lacks a joint or link, or has another order.
        """
        self._model = _reduced_model(robot)
        self._data = self._model.createData()
        link = self._model.frames[self._model.getFrameId(robot.tool_link)]
        tool = pin.Frame(
            "interlock_tcp",
            link.parentJoint,
            self._model.getFrameId(robot.tool_link),
            link.placement * pin.SE3(np.array(robot.tool_in_link)),
            pin.FrameType.OP_FRAME,
        )
        self._tool = self._model.addFrame(tool)
        self._data = self._model.createData()
        shrink = np.minimum(_LIMIT_SHRINK_RAD, 0.05 * (robot.limits.q_max - robot.limits.q_min))
        self.q_min: FloatArray = robot.limits.q_min + shrink
        self.q_max: FloatArray = robot.limits.q_max - shrink
        self.home: FloatArray = np.clip(robot.home, self.q_min, self.q_max)
        self.base: FloatArray = robot.base_in_world[:3, 3]
        self.dof = robot.dof
        self._damping = 1e-6 * np.eye(6)

    def tool_in_world(self, q: FloatArray) -> FloatArray:
        """Pose of the TCP, shape (4, 4), [m]; `q` has shape (n,), [rad]."""
        pin.forwardKinematics(self._model, self._data, q)
        placement: FloatArray = pin.updateFramePlacement(self._model, self._data, self._tool).homogeneous
        return placement

    def jacobian(self, q: FloatArray) -> FloatArray:
        """Jacobian of the TCP, world-aligned, linear rows first, shape (6, n), [m/rad, rad/rad]."""
        jacobian: FloatArray = pin.computeFrameJacobian(
            self._model, self._data, q, self._tool, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
        )
        return jacobian

    def joint_poses(self, q: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rotations (n + 1, 3, 3) and origins (n + 1, 3) [m] in the world: the joints', then the TCP's."""
        pin.forwardKinematics(self._model, self._data, q)
        tool = pin.updateFramePlacement(self._model, self._data, self._tool)
        poses = [self._data.oMi[i] for i in range(1, self.dof + 1)]
        poses.append(tool)
        return np.array([p.rotation for p in poses]), np.array([p.translation for p in poses])

    def step_toward(
        self, q: FloatArray, target: FloatArray, *, posture_gain: float = 0.02
    ) -> tuple[FloatArray, float, float]:
        """One damped least-squares step (Levenberg-Marquardt damping after Sugihara, T-RO 2011, eq. 23).

        Args:
            q: joint positions, shape (n,), [rad].
            target: pose of the TCP in the world, shape (4, 4), [m].
            posture_gain: share of the way to the home posture taken in the null space.

        Returns:
            The next joint positions, and the position [m] and rotation [rad] errors *before* the step.
        """
        jacobian = self.jacobian(q)
        placement = pin.updateFramePlacement(self._model, self._data, self._tool)
        error = np.empty(6)
        error[:3] = target[:3, 3] - placement.translation
        error[3:] = pin.log3(target[:3, :3] @ placement.rotation.T)
        squared_m = float(error[:3] @ error[:3])
        squared_rad = float(error[3:] @ error[3:])
        bias = posture_gain * (self.home - q)
        damping = self._damping * (1.0 + 1e4 * (squared_m + 0.1 * squared_rad))
        step = _damped_step(jacobian, error, bias, damping)
        largest = max(float(step.max()), -float(step.min()))
        if largest > _MAX_STEP_RAD:
            step *= _MAX_STEP_RAD / largest
        moved: FloatArray = q + step
        if (moved < self.q_min).any() or (moved > self.q_max).any():
            moved = self._step_at_limits(q, jacobian, error, bias, damping, moved)
        return moved, math.sqrt(squared_m), math.sqrt(squared_rad)

    def solve(self, target: FloatArray, seed: FloatArray, *, iterations: int = 60) -> FloatArray | None:
        """Joint positions that reach `target` within the shrunk limits, or None; deterministic.

        Args:
            target: pose of the TCP in the world, shape (4, 4), [m].
            seed: where the first attempt starts, shape (n,), [rad]; others start from home and spread seeds.
            iterations: steps per attempt.
        """
        for start in self._starts(target, seed):
            q: FloatArray = start
            for k in range(iterations):
                gain = 0.05 if k < iterations // 2 else 0.0
                moved, error_m, error_rad = self.step_toward(q, target, posture_gain=gain)
                if error_m < _TOLERANCE_M and error_rad < _TOLERANCE_RAD:
                    return q
                q = moved
        return None

    def limit_margin(self, q: FloatArray) -> float:
        """Smallest distance to a shrunk limit as a share of half the range: 1 mid-range, 0 at a limit."""
        half = 0.5 * (self.q_max - self.q_min)
        return float(np.min(np.minimum(q - self.q_min, self.q_max - q) / half))

    def _starts(self, target: FloatArray, seed: FloatArray) -> list[FloatArray]:
        turned = self.home.copy()
        base = self._model.jointPlacements[1]
        offset = base.actInv(np.asarray(target[:3, 3]))
        turned[0] = math.atan2(offset[1], offset[0])
        generator = np.random.default_rng(0)
        spread = [self.home + generator.uniform(-0.6, 0.6, self.dof) for _ in range(_RESTARTS - 3)]
        starts = [np.asarray(seed, dtype=np.float64), turned, self.home, *spread]
        return [np.clip(start, self.q_min, self.q_max) for start in starts]

    def _step_at_limits(
        self,
        q: FloatArray,
        jacobian: FloatArray,
        error: FloatArray,
        bias: FloatArray,
        damping: FloatArray,
        moved: FloatArray,
    ) -> FloatArray:
        """The step again without the joints that would leave their limits; those go to the limit."""
        stuck = (moved < self.q_min) | (moved > self.q_max)
        clipped = np.clip(moved, self.q_min, self.q_max)
        held = np.where(stuck, clipped - q, 0.0)
        free = np.where(stuck, 0.0, jacobian)
        step = _damped_step(free, error - jacobian @ held, np.where(stuck, 0.0, bias), damping)
        largest = float(np.abs(step).max())
        step *= min(1.0, _MAX_STEP_RAD / largest) if largest > 0.0 else 1.0
        return np.clip(q + step + held, self.q_min, self.q_max)


def _damped_step(
    jacobian: FloatArray, error: FloatArray, bias: FloatArray, damping: FloatArray
) -> FloatArray:
    gram = jacobian @ jacobian.T
    gram += damping
    return np.asarray(bias + jacobian.T @ np.linalg.solve(gram, error - jacobian @ bias))


def _reduced_model(robot: RobotSpec) -> pin.Model:
    try:
        full = pin.buildModelFromUrdf(str(robot.urdf))
    except (ValueError, RuntimeError) as error:
        raise RobotModelError(
            "the URDF cannot be read", field="robot.urdf", value=str(robot.urdf), mend=str(error)
        ) from error
    names = list(robot.limits.names)
    for name in names:
        if not full.existJointName(name):
            raise RobotModelError(
                "the URDF has no such joint",
                field="robot.limits.names",
                value=name,
                mend=f"Its joints are: {', '.join(list(full.names)[1:])}.",
            )
    if not full.existFrame(robot.tool_link):
        raise RobotModelError(
            "the URDF has no such link",
            field="robot.tool_link",
            value=robot.tool_link,
            mend="Name a link of it.",
        )
    locked = [i for i in range(1, full.njoints) if full.names[i] not in names]
    model = pin.buildReducedModel(full, locked, pin.neutral(full))
    if list(model.names)[1:] != names or model.nq != len(names):
        raise RobotModelError(
            "arm joints must be simple joints, named in the order of the URDF",
            field="robot.limits.names",
            value=names,
            mend=f"The URDF's order is: {', '.join(list(model.names)[1:])}.",
        )
    base = pin.SE3(np.array(robot.base_in_world))
    for i in range(1, model.njoints):
        if model.parents[i] == 0:
            model.jointPlacements[i] = base * model.jointPlacements[i]
    return model
