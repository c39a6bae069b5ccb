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
    shrunk by 0.03 rad, so that what it finds stays clear of the gate's position guard. Joints that do not
    move the tool, those of a second arm, stay where they are: inverse kinematics never turns them.

    Attributes:
        q_min: lowest joint positions used, shape (n,), [rad].
        q_max: highest joint positions used, shape (n,), [rad].
        home: posture the null space is drawn to, shape (n,), [rad].
        bases: where the first joint of each arm stands in the world, shape (k, 3), [m].
        chain: the joints that move the tool, base first, as indices into arm arrays.
        dof: number of arm joints, n.
    """

    def __init__(self, robot: RobotSpec, *, whole: bool = False) -> None:
        """Build the reduced model.

        Args:
            robot: the robot.
            whole: let inverse kinematics draw the joints of a second arm to its home posture too.

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
        self.dof = robot.dof
        self.chain: tuple[int, ...] = _chain_to(self._model, link.parentJoint)
        self._beside = np.setdiff1d(np.arange(0 if whole else self.dof), self.chain)
        parents, placements = self._model.parents, self._model.jointPlacements
        self.bases: FloatArray = np.array(
            [placements[i].translation for i in range(1, self.dof + 1) if parents[i] == 0]
        )
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

    def beside(self) -> tuple[tuple[int, FloatArray], ...]:
        """Ends of the links that do not move with the tool: the joint's index, the end in its frame, [m]."""
        model, ends = self._model, []
        for joint in (int(k) + 1 for k in self._beside):
            inner = [f.placement for f in model.frames if f.parentJoint == joint]
            inner += [model.jointPlacements[i] for i in range(1, model.njoints) if model.parents[i] == joint]
            ends += [(joint - 1, np.array(pose.translation)) for pose in inner]
        return tuple(ends)

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
        bias[self._beside] = 0.0
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
        """Smallest distance to a shrunk limit as a share of half the range: 1 mid-range, 0 at a limit.

        Only the joints that move the tool count.
        """
        half = 0.5 * (self.q_max - self.q_min)
        shares = np.minimum(q - self.q_min, self.q_max - q) / half
        return float(np.min(np.delete(shares, self._beside)))

    def _starts(self, target: FloatArray, seed: FloatArray) -> list[FloatArray]:
        turned, first = self.home.copy(), self.chain[0]
        base = self._model.jointPlacements[first + 1]
        offset = base.actInv(np.asarray(target[:3, 3]))
        turned[first] = math.atan2(offset[1], offset[0])
        generator = np.random.default_rng(0)
        spread = [self.home + generator.uniform(-0.6, 0.6, self.dof) for _ in range(_RESTARTS - 3)]
        starts = [np.array(start, dtype=np.float64) for start in (seed, turned, self.home, *spread)]
        for start in starts:
            start[self._beside] = seed[self._beside]
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


def _chain_to(model: pin.Model, joint: int) -> tuple[int, ...]:
    """Indices of the joints from the base to `joint`, which is Pinocchio's number of the last one."""
    chain: list[int] = []
    while joint > 0:
        chain.append(joint - 1)
        joint = model.parents[joint]
    return tuple(reversed(chain))


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
