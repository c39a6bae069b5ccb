"""Robots, scenes and a kinematic playback that the policy tests share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interlock.hal.chunk import ActionChunk
from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.hal.robot import GripperSpec, JointLimits, RobotSpec, TrackingTube
from interlock.hal.scene import Box, ObjectKind, Part, Scene, SceneObject, Sphere
from interlock.hal.state import GripperState, RobotState
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.observation import Observation, TaskView
from interlock.policy.policy import Policy, PolicyContext

pybullet_data = pytest.importorskip("pybullet_data", reason="the robots' URDF files come with PyBullet")
DATA = Path(pybullet_data.getDataPath())
REPLAN_NS = 160_000_000


def transform(x: float, y: float, z: float, yaw: float = 0.0) -> np.ndarray:
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1.0]])


def _panda() -> RobotSpec:
    return RobotSpec(
        name="panda",
        urdf=DATA / "franka_panda" / "panda.urdf",
        package_dirs=(DATA / "franka_panda",),
        base_in_world=np.eye(4),
        limits=JointLimits(
            names=tuple(f"panda_joint{i}" for i in range(1, 8)),
            q_min=[-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973],
            q_max=[2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973],
            v_max=[2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61],
            a_max=[9.0, 4.5, 6.0, 7.5, 9.0, 12.0, 12.0],
            j_max=[750.0, 375.0, 500.0, 625.0, 750.0, 1000.0, 1000.0],
        ),
        tool_link="panda_hand",
        tool_in_link=transform(0.0, 0.0, 0.1034),
        home=[0.0, -0.785398, 0.0, -2.356194, 0.0, 1.570796, 0.785398],
        tube=TrackingTube(position_rad=0.0005, velocity_rad_s=0.05),
        max_tool_speed_m_s=0.8,
        gripper=GripperSpec(
            joints=("panda_finger_joint1", "panda_finger_joint2"),
            widths_m=[0.0, 0.0778],
            joint_table=[[0.0011, 0.04], [0.0011, 0.04]],
            max_speed_m_s=0.1,
            max_force_n=40.0,
            finger_links=("panda_leftfinger", "panda_rightfinger"),
        ),
    )


def _xarm6() -> RobotSpec:
    return RobotSpec(
        name="xarm6",
        urdf=DATA / "xarm" / "xarm6_with_gripper.urdf",
        package_dirs=(DATA / "xarm",),
        base_in_world=np.eye(4),
        limits=JointLimits(
            names=tuple(f"joint{i}" for i in range(1, 7)),
            q_min=[-3.1415, -2.059, -3.9269, -3.1415, -1.6929, -3.1415],
            q_max=[3.1415, 2.0943, 0.1919, 3.1415, 3.1415, 3.1415],
            v_max=[2.5] * 6,
            a_max=[10.0] * 6,
            j_max=[500.0] * 6,
        ),
        tool_link="xarm_gripper_base_link",
        tool_in_link=transform(0.0, 0.0, 0.155),
        home=[0.0, -0.6302, -0.8425, 0.0, 1.4727, 0.0],
        tube=TrackingTube(position_rad=0.0005, velocity_rad_s=0.05),
        max_tool_speed_m_s=0.8,
        gripper=GripperSpec(
            joints=("drive_joint",),
            widths_m=[0.0, 0.08693],
            joint_table=[[0.8467, 0.0]],
            max_speed_m_s=0.1,
            max_force_n=30.0,
            finger_links=("left_finger", "right_finger"),
        ),
    )


def _embodiment(robot: RobotSpec) -> Embodiment:
    limits, gripper = robot.limits, robot.gripper
    rows = [
        (name, ChannelKind.JOINT_POSITION, "rad", float(limits.q_min[i]), float(limits.q_max[i]))
        for i, name in enumerate(limits.names)
    ]
    if gripper is not None:
        rows.append(("width", ChannelKind.GRIPPER_WIDTH, "m", gripper.min_width_m, gripper.max_width_m))
    channels = tuple(
        Channel(name=n, kind=k, unit=u, frame="own", reference=Reference.ABSOLUTE, lower=low, upper=high)
        for n, k, u, low, high in rows
    )
    return Embodiment(tag=robot.name, channels=channels, rate_hz=25.0, horizon=16)


def _boxes(
    name: str, kind: ObjectKind, pose: np.ndarray, boxes: list[tuple[list[float], list[float]]]
) -> SceneObject:
    parts = tuple(
        Part(shape=Box(half_extents_m=half), part_in_object=transform(*centre)) for centre, half in boxes
    )
    return SceneObject(
        name=name,
        kind=kind,
        parts=parts,
        object_in_world=pose,
        position_std_m=0.001 if kind is ObjectKind.MOVABLE else 0.0,
        max_speed_m_s=0.0,
        stamp_ns=0,
    )


def _cell(robot: RobotSpec) -> list[SceneObject]:
    """Table, tray, pillar and blocks, scaled to the robot's reach."""
    far, height = (1.0, 0.03) if robot.name == "panda" else (0.84, 0.04)
    tray = [
        ([0.0, 0.0, 0.015], [0.14, 0.11, 0.015]),
        *[([side * 0.145, 0.0, 0.03], [0.005, 0.12, 0.03]) for side in (-1.0, 1.0)],
        *[([0.0, side * 0.115, 0.03], [0.14, 0.005, 0.03]) for side in (-1.0, 1.0)],
    ]
    pillar = transform(0.55 * far, 0.11 * far, 0.15)
    origin = [0.0, 0.0, 0.0]
    objects = [
        _boxes("table", ObjectKind.FIXED, transform(0.3, 0.0, -0.026), [(origin, [0.6, 0.7, 0.024])]),
        _boxes("tray", ObjectKind.FIXED, transform(0.42 * far, 0.40 * far, -0.002), tray),
        _boxes("pillar", ObjectKind.FIXED, pillar, [(origin, [0.03, 0.03, 0.15])]),
    ]
    for name, x, y, yaw in (("red_block", 0.54, -0.16, 0.3), ("green_block", 0.45, -0.33, -0.5)):
        pose = transform(x * far, y * far, height - 0.002, yaw)
        objects.append(_boxes(name, ObjectKind.MOVABLE, pose, [(origin, [0.02, 0.02, height])]))
    return objects


class Playback:
    """A world without physics: the arm follows chunks exactly, and closed fingers carry what they hold.

    Attributes:
        chunks: every chunk in order.
        trail: (time [s], phase, joint positions, width) at every played step.
        waits: how often the policy proposed nothing.
    """

    def __init__(self, robot: RobotSpec, policy: Policy, objects: list[SceneObject], seed: int = 0) -> None:
        self.robot = robot
        self.policy = policy
        self.kinematics = ToolKinematics(robot)
        self.objects = {item.name: item for item in objects}
        self.movers: list[tuple[SceneObject, Callable[[float], np.ndarray]]] = []
        self.now_ns = 0
        self.q, self.v, self.a = robot.home.copy(), np.zeros(robot.dof), np.zeros(robot.dof)
        self.width = robot.gripper.max_width_m if robot.gripper is not None else 0.0
        self.held: str | None = None
        self.blunt = False
        self.chunks: list[ActionChunk] = []
        self.trail: list[tuple[float, str, np.ndarray, float]] = []
        self.waits = 0
        self._noise = np.random.default_rng(seed)

    def observe(self, task: TaskView) -> Observation:
        seen = []
        for item in self.objects.values():
            pose = item.object_in_world.copy()
            pose[:3, 3] += self._noise.normal(0.0, 1.0, 3) * item.position_std_m
            seen.append(replace(item, object_in_world=pose, stamp_ns=self.now_ns))
        for item, path in self.movers:
            pose = transform(*path(self.now_ns * 1e-9))
            seen.append(replace(item, object_in_world=pose, stamp_ns=self.now_ns))
        state = RobotState(
            stamp_ns=self.now_ns,
            q=self.q,
            v=self.v,
            q_commanded=self.q,
            v_commanded=self.v,
            a_commanded=self.a,
            gripper=GripperState(width_m=self.width, force_n=20.0 if self.held else 0.0),
            standstill=not self.v.any(),
        )
        scene = Scene(stamp_ns=self.now_ns, objects=tuple(seen))
        return Observation(stamp_ns=self.now_ns, state=state, scene=scene, frames=(), task=task)

    def step(self, task: TaskView) -> ActionChunk | None:
        """Ask once, play 0.16 s of the answer; the arm stands still where there is none."""
        chunk = self.policy.propose(self.observe(task))
        self.now_ns += REPLAN_NS
        if chunk is None:
            self.waits += 1
            self.v, self.a = np.zeros_like(self.q), np.zeros_like(self.q)
            return None
        self.chunks.append(chunk)
        dof, dt = self.robot.dof, chunk.dt_s
        count = round(REPLAN_NS * 1e-9 / dt)
        rows, widths = chunk.samples[0][:, :dof], chunk.samples[0][:, dof]
        began_s = self.now_ns * 1e-9 - count * dt
        self.trail += [(began_s + k * dt, task.phase, rows[k], float(widths[k])) for k in range(count)]
        before = self.tool()
        self.q = rows[count].copy()
        self.v = (rows[count + 1] - rows[count - 1]) / (2.0 * dt)
        self.a = (rows[count + 1] - 2.0 * rows[count] + rows[count - 1]) / dt**2
        self._hold(before, float(widths[count]))
        return chunk

    def _hold(self, before: np.ndarray, width: float) -> None:
        if self.held is not None:
            item = self.objects[self.held]
            moved = self.tool() @ np.linalg.inv(before) @ item.object_in_world
            self.objects[self.held] = replace(item, object_in_world=moved)
            across = 2.0 * float(item.parts[0].shape.half_extents_m[0])
            self.width = max(width, across)
            if width > across + 0.002:
                self.held = None
            return
        self.width = width
        for item in self.objects.values():
            if item.kind is ObjectKind.MOVABLE and not self.blunt:
                across = 2.0 * float(item.parts[0].shape.half_extents_m[0])
                gap = np.linalg.norm(self.tool()[:3, 3] - item.object_in_world[:3, 3])
                if width < across and gap < 0.04:
                    self.held, self.width = item.name, across

    def tool(self) -> np.ndarray:
        return self.kinematics.tool_in_world(self.q)

    def tool_speed(self) -> float:
        return float(np.linalg.norm(self.kinematics.jacobian(self.q)[:3] @ self.v))

    def place_of(self, name: str) -> np.ndarray:
        return self.objects[name].object_in_world[:3, 3]

    def run(self, task: TaskView, until: Callable[[], bool], limit_s: float = 25.0) -> None:
        """Step until the condition holds; a phase that does not end fails the test."""
        steps = round(limit_s * 1e9 / REPLAN_NS)
        for _ in range(steps):
            self.step(task)
            if until():
                return
        pytest.fail(f"{task.skill}.{task.phase} did not end: tool {self.tool()[:3, 3]}, waits {self.waits}")

    def pick(self, name: str) -> None:
        """The three phases of a pick, each until its end condition is measured."""
        height = float(self.place_of(name)[2])

        def above() -> bool:
            offset = self.tool()[:3, 3] - self.place_of(name)
            return bool(
                math.hypot(*offset[:2]) < 0.03 and 0.0 <= offset[2] < 0.12 and self.tool_speed() < 0.09
            )

        at_rest = lambda: self.held == name and self.tool_speed() < 2e-3  # noqa: E731
        self.run(view("pick", "approach", object=name), above)
        self.run(view("pick", "grasp", object=name), at_rest, 8.0)
        self.run(view("pick", "lift", object=name), lambda: self.place_of(name)[2] - height >= 0.08, 8.0)

    def place(self, name: str, target: str, goal: tuple[float, float, float]) -> None:
        """The four phases of a place."""

        def task(phase: str) -> TaskView:
            return view("place", phase, goal, object=name, target=target)

        def near() -> bool:
            offset = self.place_of(name) - np.array(goal)
            return bool(math.hypot(*offset[:2]) < 0.03 and offset[2] < 0.15 and self.tool_speed() < 0.09)

        low = lambda: self.place_of(name)[2] - goal[2] < 0.012 and self.tool_speed() < 2e-3  # noqa: E731
        self.run(task("carry"), near)
        self.run(task("lower"), low, 8.0)
        self.run(task("release"), lambda: self.held is None and self.width > 0.05, 5.0)
        height = float(self.tool()[2, 3])
        self.run(task("retreat"), lambda: self.tool()[2, 3] - height >= 0.08, 8.0)


def view(
    skill: str, phase: str, at: tuple[float, float, float] | None = None, /, **arguments: str
) -> TaskView:
    return TaskView(
        task_id=f"{skill} {arguments}",
        skill=skill,
        arguments=arguments,
        phase=phase,
        instruction="",
        target_in_world=at,
    )


@pytest.fixture(params=["panda", "xarm6"])
def robot(request: pytest.FixtureRequest) -> RobotSpec:
    return {"panda": _panda, "xarm6": _xarm6}[request.param]()


@pytest.fixture
def panda() -> RobotSpec:
    return _panda()


@pytest.fixture
def context_of() -> Callable[..., PolicyContext]:
    def make(robot: RobotSpec, seed: int = 0, **options: Any) -> PolicyContext:
        return PolicyContext(robot=robot, embodiment=_embodiment(robot), seed=seed, options=options)

    return make


@pytest.fixture
def cell_of() -> Callable[[RobotSpec], list[SceneObject]]:
    return _cell


@pytest.fixture
def task_view() -> Callable[..., TaskView]:
    return view


@pytest.fixture
def playback() -> type[Playback]:
    return Playback


@pytest.fixture
def ball() -> SceneObject:
    """A ball that moves by itself."""
    return SceneObject(
        name="ball",
        kind=ObjectKind.MOVING,
        parts=(Part(shape=Sphere(radius_m=0.05), part_in_object=np.eye(4)),),
        object_in_world=np.eye(4),
        position_std_m=0.0,
        max_speed_m_s=0.25,
        stamp_ns=0,
    )
