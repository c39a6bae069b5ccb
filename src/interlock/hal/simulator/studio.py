"""Pictures of a robot and of things wherever they are put; nothing in it ever moves by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pybullet

from interlock.hal.arrays import FloatArray
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.frame import Frame
from interlock.hal.look import Look
from interlock.hal.simulator.camera import SimulatedCamera
from interlock.hal.simulator.mirror import Mirror, MirrorPlan
from interlock.hal.simulator.pose import pose_from_matrix
from interlock.hal.simulator.posture import Posture

__all__ = ["Studio"]


class Studio:
    """One physics client that is only looked at.

    Args:
        plan: robot, objects, colours and textures; its cameras and its light are not used.

    Raises:
        RobotModelError: if the robot cannot be loaded.
    """

    def __init__(self, plan: MirrorPlan) -> None:
        self._plan = plan
        self._mirror = Mirror(plan)

    def pictures(
        self,
        q: FloatArray,
        width_m: float,
        places: Mapping[str, FloatArray],
        cameras: Sequence[CameraSpec],
        look: Look,
    ) -> tuple[Frame, ...]:
        """One picture of each camera.

        Args:
            q: joint positions of the arm, shape (n,), [rad].
            width_m: width of the gripper, [m]; of no effect without one.
            places: poses of objects in the world, each shape (4, 4), [m]; one that is left out stands where
                the plan has it.
            cameras: where they stand.
            look: light and background.
        """
        body, grip = self._mirror.body, self._plan.robot.gripper
        joints = dict.fromkeys(body.moving, 0.0) | dict(zip(body.arm, q.tolist(), strict=True))
        if grip is not None:
            joints |= dict(zip(body.fingers, grip.joints_at(width_m).tolist(), strict=True))
        stood = [places.get(thing.name, thing.object_in_world) for thing in self._plan.objects]
        self._mirror.show(
            Posture(
                stamp_ns=0,
                joints=tuple(joints[joint] for joint in body.moving),
                objects=tuple(pose_from_matrix(pose) for pose in stood),
            )
        )
        return tuple(SimulatedCamera(self._mirror, spec, look).capture() for spec in cameras)

    def close(self) -> None:
        """Disconnect from the physics client."""
        pybullet.disconnect(physicsClientId=self._mirror.client)
