"""The simulated work cell: one physics client with a robot, its objects and its clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

import pybullet

from interlock.errors import CellError
from interlock.hal.arrays import FloatArray
from interlock.hal.look import Look
from interlock.hal.motion import ShuttleMotion
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import ObjectKind, SceneObject
from interlock.hal.simulator.dress import dress
from interlock.hal.simulator.driver import PyBulletDriver
from interlock.hal.simulator.pose import Quaternion, matrix_from_pose, pose_from_matrix
from interlock.hal.simulator.posture import Posture, read_posture
from interlock.hal.simulator.quiet import quiet_stdout
from interlock.hal.simulator.robot_body import RobotBody
from interlock.hal.simulator.solid import build_solid

__all__ = ["World"]

_GRAVITY_M_S2 = 9.81
_GREY = (0.6, 0.6, 0.6, 1.0)
# Below 1, or one finger of the xArm gripper jams a block on the table instead of pushing it: closing fingers
# also press down. Bullet multiplies the two bodies' coefficients; a finger's is 1.
_FRICTION = {ObjectKind.FIXED: 0.5, ObjectKind.MOVABLE: 0.8, ObjectKind.MOVING: 0.5}


class World:
    """A robot among objects, at rest at home with an open gripper until somebody commands it.

    Deterministic: the same arguments and the same commands give bit-identical states.

    Args:
        robot: the robot.
        objects: what stands around it; poses are true ones.
        colors: red, green, blue, alpha (0 to 1) by object name; grey where nothing is said.
        motions: how each MOVING object moves, by object name.
        frictions: lateral friction coefficients by object name; else 0.5, and 0.8 for a movable object.
        masses: masses of movable objects by name, [kg]; 0.1 kg where nothing is said.
        period_s: control period, [s].
        substeps: physics steps in one period.
        seed: seed that sources of noise in this world start from.
        gui: whether to open PyBullet's window.
        look: how things look in cameras; None: in their colours.

    Attributes:
        driver: the robot's driver.
        body: the robot inside the physics client.
        bodies: body ids of the objects by name.

    Raises:
        CellError: if a MOVING object has no motion, or a table names an unknown object.
        RobotModelError: if the robot cannot be loaded.
    """

    def __init__(
        self,
        robot: RobotSpec,
        objects: tuple[SceneObject, ...],
        colors: Mapping[str, tuple[float, float, float, float]] = MappingProxyType({}),
        motions: Mapping[str, ShuttleMotion] = MappingProxyType({}),
        *,
        frictions: Mapping[str, float] = MappingProxyType({}),
        masses: Mapping[str, float] = MappingProxyType({}),
        period_s: float = 0.01,
        substeps: int = 10,
        seed: int = 0,
        gui: bool = False,
        look: Look | None = None,
    ) -> None:
        self.robot = robot
        self.objects = objects
        self.period_s = period_s
        self.substeps = substeps
        self.seed = seed
        self._check_names(colors=colors, motions=motions, frictions=frictions, masses=masses)
        self._step_s = period_s / substeps
        self._period_ns = round(period_s * 1e9)
        self._now_ns = 0
        self._hooks: list[Callable[[int], None]] = []
        with quiet_stdout():
            self.client: int = pybullet.connect(pybullet.GUI if gui else pybullet.DIRECT)
        pybullet.setGravity(0.0, 0.0, -_GRAVITY_M_S2, physicsClientId=self.client)
        pybullet.setTimeStep(self._step_s, physicsClientId=self.client)
        pybullet.setPhysicsEngineParameter(deterministicOverlappingPairs=1, physicsClientId=self.client)
        try:
            self.body = RobotBody(self.client, robot)
            self.bodies: Mapping[str, int] = MappingProxyType(
                {
                    item.name: build_solid(
                        self.client,
                        item,
                        color=colors.get(item.name, _GREY),
                        friction=frictions.get(item.name, _FRICTION[item.kind]),
                        mass_kg=masses.get(item.name) if item.kind is ObjectKind.MOVABLE else None,
                    )
                    for item in objects
                }
            )
            if look is not None:
                dress(self.client, self.bodies, look)
            self._motions = self._bind(motions)
            self._carry_obstacles(0.0)
            self.driver = PyBulletDriver(self.body, period_s, substeps, lambda: self._now_ns)
        except BaseException:
            self.close()
            raise

    def _check_names(self, **tables: Mapping[str, object]) -> None:
        names = {item.name for item in self.objects}
        for table, entries in tables.items():
            for name in entries:
                if name not in names:
                    raise CellError(
                        "no such object",
                        field=table,
                        value=name,
                        mend=f"Use one of {', '.join(sorted(names))}.",
                    )
        for item in self.objects:
            if item.kind is ObjectKind.MOVING and item.name not in tables["motions"]:
                raise CellError(
                    "a moving object needs a motion", field=f"motions.{item.name}", mend="Add one."
                )

    def _bind(self, motions: Mapping[str, ShuttleMotion]) -> list[tuple[int, Quaternion, ShuttleMotion]]:
        return [
            (self.bodies[item.name], pose_from_matrix(item.object_in_world)[1], motions[item.name])
            for item in self.objects
            if item.kind is ObjectKind.MOVING
        ]

    @property
    def now_ns(self) -> int:
        """Simulated monotonic time, [ns]."""
        return self._now_ns

    def on_substep(self, hook: Callable[[int], None]) -> None:
        """Call `hook(substep)` after each physics step, with its number within the period, from 0."""
        self._hooks.append(hook)

    def advance(self) -> None:
        """Play one control period."""
        start_s = self._now_ns * 1e-9
        self.driver.begin_period()
        for substep in range(self.substeps):
            self.driver.play(substep)
            self._carry_obstacles(start_s + substep * self._step_s)
            pybullet.stepSimulation(physicsClientId=self.client)
            for hook in self._hooks:
                hook(substep)
        self._now_ns += self._period_ns
        self.driver.end_period()
        self._carry_obstacles(self._now_ns * 1e-9)

    def _carry_obstacles(self, t_s: float) -> None:
        """Put each moving obstacle where it is at `t_s`, with its mean velocity over the next step."""
        for body, quaternion, motion in self._motions:
            here = motion.position(t_s)
            velocity = (motion.position(t_s + self._step_s) - here) / self._step_s
            velocity[2] += _GRAVITY_M_S2 * self._step_s
            pybullet.resetBasePositionAndOrientation(
                body, here.tolist(), quaternion, physicsClientId=self.client
            )
            pybullet.resetBaseVelocity(body, velocity.tolist(), [0.0, 0.0, 0.0], physicsClientId=self.client)

    def object_in_world(self, name: str) -> FloatArray:
        """True pose of an object now, shape (4, 4), [m].

        Raises:
            KeyError: if there is no such object.
        """
        position, quaternion = pybullet.getBasePositionAndOrientation(
            self.bodies[name], physicsClientId=self.client
        )
        return matrix_from_pose(position, quaternion)

    def posture(self) -> Posture:
        """Where everything is now, for a mirror of this world."""
        return read_posture(self.body, self.bodies, self._now_ns)

    def close(self) -> None:
        """Disconnect from the physics client; a second call does nothing."""
        if self.client >= 0:
            with suppress(pybullet.error):  # its window was closed already
                pybullet.disconnect(physicsClientId=self.client)
            self.client = -1
