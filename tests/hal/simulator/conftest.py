"""Robots, minted commands and simple trajectories for the simulator's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

pybullet = pytest.importorskip(
    "pybullet", reason="the simulator needs PyBullet, which has a wheel for Python 3.11"
)
pybullet_data = pytest.importorskip("pybullet_data")

from interlock.hal import command as command_module  # noqa: E402
from interlock.hal.command import GripperCommand, GuardedCommand  # noqa: E402
from interlock.hal.robot import GripperSpec, JointLimits, RobotSpec, TrackingTube  # noqa: E402
from interlock.hal.scene import Box, ObjectKind, Part, SceneObject, Sphere  # noqa: E402
from interlock.hal.simulator.world import World  # noqa: E402

Array = NDArray[np.float64]
DATA = Path(pybullet_data.getDataPath())
TUBE = TrackingTube(position_rad=0.001, velocity_rad_s=0.05)


def offset(z: float) -> Array:
    pose = np.eye(4)
    pose[2, 3] = z
    return pose


def panda() -> RobotSpec:
    limits = JointLimits(
        names=tuple(f"panda_joint{k}" for k in range(1, 8)),
        q_min=np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973]),
        q_max=np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973]),
        v_max=np.array([2.175] * 4 + [2.61] * 3),
        a_max=np.array([15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0]),
        j_max=np.array([7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0]),
    )
    gripper = GripperSpec(
        joints=("panda_finger_joint1", "panda_finger_joint2"),
        widths_m=np.array([0.0, 0.0778]),
        joint_table=np.array([[0.0011, 0.04], [0.0011, 0.04]]),
        max_speed_m_s=0.1,
        max_force_n=40.0,
        finger_links=("panda_leftfinger", "panda_rightfinger"),
    )
    return RobotSpec(
        name="panda",
        urdf=DATA / "franka_panda" / "panda.urdf",
        package_dirs=(DATA / "franka_panda",),
        base_in_world=np.eye(4),
        limits=limits,
        tool_link="panda_hand",
        tool_in_link=offset(0.1034),
        home=np.array([0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785]),
        tube=TUBE,
        max_tool_speed_m_s=1.7,
        gripper=gripper,
        touching_pairs=(("panda_link7", "panda_hand"), ("panda_leftfinger", "panda_rightfinger")),
    )


XARM_WIDTHS_MM = (
    *(0.0, 5.44, 10.91, 16.38, 21.86, 27.32, 32.75, 38.14, 43.48),
    *(48.76, 53.94, 59.04, 64.02, 68.89, 73.63, 78.22, 82.66, 86.93),
)


def xarm() -> RobotSpec:
    turn = 2.0 * np.pi
    limits = JointLimits(
        names=tuple(f"joint{k}" for k in range(1, 7)),
        q_min=np.array([-turn, -2.059, -3.927, -turn, -1.69297, -turn]),
        q_max=np.array([turn, 2.0944, 0.19198, turn, np.pi, turn]),
        v_max=np.full(6, np.pi),
        a_max=np.full(6, 20.0),
        j_max=np.full(6, 500.0),
    )
    sides = ("left", "right")
    gripper = GripperSpec(
        joints=(
            "drive_joint",
            "left_finger_joint",
            "left_inner_knuckle_joint",
            "right_outer_knuckle_joint",
            "right_finger_joint",
            "right_inner_knuckle_joint",
        ),
        widths_m=np.array(XARM_WIDTHS_MM) / 1000.0,
        joint_table=np.tile(np.linspace(0.8467, 0.0, len(XARM_WIDTHS_MM)), (6, 1)),
        max_speed_m_s=0.1,
        max_force_n=15.0,
        finger_links=tuple(f"{s}_{part}" for part in ("finger", "inner_knuckle") for s in sides),
    )
    return RobotSpec(
        name="xarm6",
        urdf=DATA / "xarm" / "xarm6_with_gripper.urdf",
        package_dirs=(DATA / "xarm",),
        base_in_world=np.eye(4),
        limits=limits,
        tool_link="xarm_gripper_base_link",
        tool_in_link=offset(0.155),
        home=np.array([0.0, -0.6, -0.9, 0.0, 1.5, 0.0]),
        tube=TUBE,
        max_tool_speed_m_s=1.0,
        gripper=gripper,
    )


ROBOTS: dict[str, Callable[[], RobotSpec]] = {"panda": panda, "xarm": xarm}


def thing(name: str, kind: ObjectKind, shape: Any, position: ArrayLike, std: float = 0.0) -> SceneObject:
    pose = np.eye(4)
    pose[:3, 3] = position
    return SceneObject(
        name=name,
        kind=kind,
        parts=(Part(shape=shape, part_in_object=np.eye(4)),),
        object_in_world=pose,
        position_std_m=std,
        max_speed_m_s=0.3 if kind is ObjectKind.MOVING else 0.0,
        stamp_ns=0,
    )


def block(
    name: str, position: ArrayLike, half: tuple[float, float, float] = (0.02, 0.02, 0.03)
) -> SceneObject:
    return thing(name, ObjectKind.MOVABLE, Box(half_extents_m=np.array(half)), position, 0.001)


def pillar(position: ArrayLike) -> SceneObject:
    return thing(
        "pillar", ObjectKind.FIXED, Box(half_extents_m=np.array([0.03, 0.03, 0.15])), position, 0.001
    )


def wall(position: ArrayLike) -> SceneObject:
    return thing("wall", ObjectKind.FIXED, Box(half_extents_m=np.array([0.03, 0.1, 0.045])), position, 0.001)


def table() -> SceneObject:
    return thing(
        "table", ObjectKind.FIXED, Box(half_extents_m=np.array([0.8, 0.7, 0.025])), [0.4, 0.0, -0.025]
    )


def ball(position: ArrayLike) -> SceneObject:
    return thing("ball", ObjectKind.MOVING, Sphere(radius_m=0.05), position, 0.002)


def stop_tail(node: Array, period: float, steps: int = 30) -> Array:
    """Nodes that bring `node` to rest: its acceleration fades, a bump of deceleration takes the rest."""
    k = np.arange(1, steps + 1)
    fade = np.clip(1.0 - k / 5.0, 0.0, None)[:, None] * node[2]
    bump = np.clip(np.minimum(k, steps - k), 0.0, None)[:, None].astype(float)
    gained = node[1] + period * (node[2] / 2.0 + fade[:-1].sum(axis=0))
    a = fade - bump * gained / (period * bump.sum())
    nodes = np.empty((steps, 3, node.shape[1]))
    q, v, before = node
    for i, after in enumerate(a):
        q = q + period * v + period**2 * (before / 3.0 + after / 6.0)
        v = v + period * (before + after) / 2.0
        nodes[i] = q, v, after
        before = after
    nodes[-1, 1:] = 0.0
    return nodes


@dataclass
class Arm:
    """Drives a world by minted commands, one acceleration node a tick."""

    world: World
    seq: int = 0
    errors: list[tuple[float, float]] = field(default_factory=list)

    def mint(self, end: Array, gripper: GripperCommand | None = None, **changes: Any) -> GuardedCommand:
        period = self.world.period_s
        rest = not np.any(end[1:])
        values: dict[str, Any] = {
            "seq": self.seq,
            "epoch": 0,
            "stamp_ns": self.world.now_ns,
            "period_s": period,
            "start": self.world.driver.commanded,
            "end": end,
            "tail": np.empty((0, *end.shape)) if rest else stop_tail(end, period),
            "gripper": gripper,
            "certificate": "test",
            "mint": command_module._MINT,
        }
        self.seq += 1
        return GuardedCommand(**(values | changes))

    def node_after(self, a: Array) -> Array:
        """The node one period on if the acceleration goes linearly to `a`, shape (n,)."""
        period = self.world.period_s
        q, v, a0 = self.world.driver.commanded
        return np.stack([q + period * v + period**2 * (a0 / 3 + a / 6), v + period * (a0 + a) / 2, a])

    def write(self, a: Array, gripper: GripperCommand | None = None) -> None:
        self.world.driver.write(self.mint(self.node_after(a), gripper))

    def step(self, a: Array, gripper: GripperCommand | None = None) -> None:
        self.write(a, gripper)
        self.world.advance()
        state = self.world.driver.observe()
        self.errors.append(
            (
                float(np.abs(state.q - state.q_commanded).max()),
                float(np.abs(state.v - state.v_commanded).max()),
            )
        )

    def wait(self, ticks: int, gripper: GripperCommand | None = None) -> None:
        """Let time pass; with `gripper`, a standing arm is commanded to hold while its fingers move."""
        for _ in range(ticks):
            if gripper is not None:
                node = self.world.driver.commanded
                assert not np.any(node[1:])
                self.world.driver.write(self.mint(node, gripper))
            self.world.advance()

    def move(self, goal: ArrayLike, duration_s: float) -> None:
        """Go to `goal` along a quintic, let the stop finish it, and rest there."""
        way = np.asarray(goal) - self.world.driver.commanded[0]
        ticks = round(duration_s / self.world.period_s)
        for k in range(1, ticks + 1):
            s = k / ticks
            self.step(way * (60 * s - 180 * s**2 + 120 * s**3) / duration_s**2)
        while np.any(self.world.driver.commanded[1:]):
            self.world.advance()

    def solve(self, position: ArrayLike, yaw: float = 0.0) -> Array:
        """Arm positions that put the TCP at `position` with the tool pointing down, shape (n,), [rad]."""
        body, client = self.world.body, self.world.client
        here = [s[0] for s in pybullet.getJointStates(body.body, body.arm, physicsClientId=client)]
        down = pybullet.getQuaternionFromEuler([np.pi, 0.0, yaw])
        link = np.asarray(position, float) + body.robot.tool_in_link[:3, 3]
        n = len(body.arm)
        ghost = pybullet.connect(pybullet.DIRECT)
        try:
            twin = pybullet.loadURDF(str(body.robot.urdf), useFixedBase=True, physicsClientId=ghost)
            q = np.array(here)
            for _ in range(60):
                for joint, value in zip(body.arm, q, strict=True):
                    pybullet.resetJointState(twin, joint, value, physicsClientId=ghost)
                found = pybullet.calculateInverseKinematics(
                    twin, body.tool, link, down, maxNumIterations=20, physicsClientId=ghost
                )
                q = np.array(found[:n])
        finally:
            pybullet.disconnect(physicsClientId=ghost)
        return q


class Scene:
    """The objects above, for tests that ask for the fixture `scene`."""

    table = staticmethod(table)
    pillar = staticmethod(pillar)
    wall = staticmethod(wall)
    block = staticmethod(block)
    ball = staticmethod(ball)


@pytest.fixture
def scene() -> type[Scene]:
    return Scene


@pytest.fixture(name="panda")
def panda_fixture() -> RobotSpec:
    return panda()


@pytest.fixture(name="xarm")
def xarm_fixture() -> RobotSpec:
    return xarm()


@pytest.fixture(params=sorted(ROBOTS))
def robot(request: pytest.FixtureRequest) -> RobotSpec:
    return ROBOTS[request.param]()


@pytest.fixture
def build() -> Iterator[Callable[..., Arm]]:
    """Builds a world and the hand that drives it; closes it afterwards."""
    worlds: list[World] = []

    def make(robot: RobotSpec, *objects: SceneObject, **options: Any) -> Arm:
        worlds.append(World(robot, objects, **options))
        return Arm(worlds[-1])

    yield make
    for world in worlds:
        world.close()
