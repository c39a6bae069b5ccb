"""A second physics client that stands like the first and is only looked at; main of the camera process."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import pybullet

from interlock.hal.camera_spec import CameraSpec
from interlock.hal.look import Look
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import SceneObject
from interlock.hal.simulator.camera import SimulatedCamera
from interlock.hal.simulator.dress import dress
from interlock.hal.simulator.posture import Posture, stand
from interlock.hal.simulator.quiet import quiet_stdout
from interlock.hal.simulator.robot_body import RobotBody
from interlock.hal.simulator.solid import build_solid

__all__ = ["Mirror", "MirrorPlan", "serve"]

_GREY = (0.6, 0.6, 0.6, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorPlan:
    """What a mirror is built from: the robot, the objects, their colours, the cameras, the look."""

    robot: RobotSpec
    objects: tuple[SceneObject, ...]
    colors: Mapping[str, tuple[float, float, float, float]]
    cameras: tuple[CameraSpec, ...]
    look: Look


class Mirror:
    """Implements `interlock.hal.simulator.camera.Stage`; nothing in it ever moves by itself.

    Attributes:
        client: its physics client.
        body: the robot in it.
        now_ns: time of what it shows, [ns].
    """

    def __init__(self, plan: MirrorPlan) -> None:
        with quiet_stdout():
            self.client: int = pybullet.connect(pybullet.DIRECT)
        self.body = RobotBody(self.client, plan.robot)
        self._bodies = {
            item.name: build_solid(
                self.client, item, color=plan.colors.get(item.name, _GREY), friction=0.5, mass_kg=None
            )
            for item in plan.objects
        }
        dress(self.client, self._bodies, plan.look)
        self.now_ns = 0

    def show(self, posture: Posture) -> None:
        """Stand like this."""
        stand(self.body, self._bodies, posture)
        self.now_ns = posture.stamp_ns


def serve(connection: Connection, plan: MirrorPlan) -> None:
    """Answer each posture with its pictures, until whoever asks is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that owns the robot
    mirror = Mirror(plan)
    cameras = [SimulatedCamera(mirror, spec, plan.look) for spec in plan.cameras]
    with suppress(EOFError, OSError):
        while True:
            mirror.show(connection.recv())
            connection.send(tuple(camera.capture() for camera in cameras))
