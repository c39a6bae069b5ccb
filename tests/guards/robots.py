"""Two robots that no cell ships with: a KUKA iiwa without a hand, and two Pandas on one base.

Both are described by hand from the URDF files that come with PyBullet. The two-armed one is composed from the
Panda's file into a temporary one when it is first asked for.
"""

from __future__ import annotations

import atexit
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pybullet_data

from interlock.guards.config import GateConfig
from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.hal.robot import GripperSpec, JointLimits, RobotSpec, TrackingTube
from interlock.hal.scene import SceneObject
from interlock.hal.zone import Zone, ZoneKind
from interlock.orchestrator.cell import Cell

__all__ = ["CELLS", "ROBOTS", "Rig", "rig_of", "two_arms_urdf"]

CELLS = ("panda_tabletop", "xarm6_tabletop")
ROBOTS = (*CELLS, "iiwa", "two_pandas")
DATA = Path(pybullet_data.getDataPath())
APART_M = 0.3
"""The two Pandas stand this far left and right of the middle."""


@dataclass(frozen=True, kw_only=True)
class Rig:
    """A robot with all that a gate of it needs.

    Attributes:
        robot: the robot.
        embodiment: as a policy sees it.
        config: margins, deadlines, zones.
        objects: what stands around it.
    """

    robot: RobotSpec
    embodiment: Embodiment
    config: GateConfig
    objects: tuple[SceneObject, ...]


@cache
def rig_of(name: str) -> Rig:
    """The robot of a shipped cell, or one of the two of this module, at the Panda's table."""
    if name in CELLS:
        cell = Cell.load(name)
        return Rig(
            robot=cell.robot_spec(),
            embodiment=cell.embodiment(),
            config=cell.gate_config(),
            objects=cell.scene_objects(0),
        )
    make: dict[str, Callable[[], tuple[RobotSpec, Zone]]] = {"iiwa": _iiwa, "two_pandas": _two_pandas}
    robot, room = make[name]()
    table = Cell.load(CELLS[0])
    zones = (room, *(zone for zone in table.zones() if zone.kind is ZoneKind.KEEP_OUT))
    return Rig(
        robot=robot,
        embodiment=_embodiment(robot),
        config=GateConfig(period_s=0.01, zones=zones),
        objects=table.scene_objects(0),
    )


def _embodiment(robot: RobotSpec) -> Embodiment:
    limits = robot.limits
    channels = [
        _channel(name, ChannelKind.JOINT_POSITION, "rad", lower, upper)
        for name, lower, upper in zip(limits.names, limits.q_min, limits.q_max, strict=True)
    ]
    if robot.gripper is not None:
        width = (robot.gripper.min_width_m, robot.gripper.max_width_m)
        channels.append(_channel("gripper_width", ChannelKind.GRIPPER_WIDTH, "m", *width))
    return Embodiment(tag=robot.name, channels=tuple(channels), rate_hz=25.0, horizon=16)


def _channel(name: str, kind: ChannelKind, unit: str, lower: float, upper: float) -> Channel:
    return Channel(
        name=name,
        kind=kind,
        unit=unit,
        frame="joint" if unit == "rad" else "gripper",
        reference=Reference.ABSOLUTE,
        lower=float(lower),
        upper=float(upper),
    )


def _pose(x: float, y: float, z: float) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, 3] = x, y, z
    return pose


def _iiwa() -> tuple[RobotSpec, Zone]:
    """LBR iiwa 14 R820: ranges and speeds of KUKA's data sheet; acceleration and jerk are ours.

    KUKA states no acceleration and no jerk; its URDF states 10 rad/s for every joint, which no iiwa reaches.
    """
    folder = DATA / "kuka_iiwa"
    reach = np.deg2rad([170, 120, 170, 120, 170, 120, 175]) - 1e-6  # the URDF rounds some of them down
    robot = RobotSpec(
        name="iiwa",
        urdf=folder / "model.urdf",
        package_dirs=(folder,),
        base_in_world=np.eye(4),
        limits=JointLimits(
            names=tuple(f"lbr_iiwa_joint_{k}" for k in range(1, 8)),
            q_min=-reach,
            q_max=reach,
            v_max=np.deg2rad([85, 85, 100, 75, 130, 135, 135]),
            a_max=np.full(7, 7.5),
            j_max=np.full(7, 750.0),
        ),
        tool_link="lbr_iiwa_link_7",
        tool_in_link=_pose(0.0, 0.0, 0.05),  # a little in front of the flange
        home=[0.0, 0.5, 0.0, -1.5, 0.0, 1.1, 0.0],
        tube=TrackingTube(position_rad=0.0005, velocity_rad_s=0.05),
        max_tool_speed_m_s=0.8,
        gripper=None,
    )
    return robot, Zone(
        name="work_space", kind=ZoneKind.KEEP_IN, lower=[0.15, -0.62, 0.05], upper=[0.78, 0.62, 0.95]
    )


def _two_pandas() -> tuple[RobotSpec, Zone]:
    """14 joints, the left one's first. The tool is the left one's, the right fingers are fixed."""
    one = rig_of(CELLS[0]).robot
    limits, hand = one.limits, one.gripper
    assert hand is not None
    robot = RobotSpec(
        name="two_pandas",
        urdf=two_arms_urdf(APART_M),
        package_dirs=one.package_dirs,
        base_in_world=np.eye(4),
        limits=JointLimits(
            names=tuple(f"{side}_{name}" for side in ("left", "right") for name in limits.names),
            **{
                field: np.tile(getattr(limits, field), 2)
                for field in ("q_min", "q_max", "v_max", "a_max", "j_max")
            },
        ),
        tool_link=f"left_{one.tool_link}",
        tool_in_link=one.tool_in_link,
        home=np.tile(one.home, 2),
        tube=one.tube,
        max_tool_speed_m_s=one.max_tool_speed_m_s,
        gripper=GripperSpec(
            joints=tuple(f"left_{name}" for name in hand.joints),
            widths_m=hand.widths_m,
            joint_table=hand.joint_table,
            max_speed_m_s=hand.max_speed_m_s,
            max_force_n=hand.max_force_n,
            finger_links=tuple(f"left_{name}" for name in hand.finger_links),
        ),
        touching_pairs=tuple(
            (f"{side}_{first}", f"{side}_{second}")
            for side in ("left", "right")
            for first, second in one.touching_pairs
        ),
    )
    return robot, Zone(
        name="work_space", kind=ZoneKind.KEEP_IN, lower=[0.12, -0.45, 0.0], upper=[0.74, 0.75, 0.80]
    )


@cache
def two_arms_urdf(apart_m: float) -> Path:
    """A temporary URDF of two Pandas, `apart_m` left and right of the root link `base`.

    Every name gets the prefix `left_` or `right_`; the right fingers' joints are fixed where they are closed.
    """
    source = ElementTree.parse(DATA / "franka_panda/panda.urdf").getroot()
    root = ElementTree.Element("robot", name="two_pandas")
    ElementTree.SubElement(root, "link", name="base")
    for side, y in (("left", apart_m), ("right", -apart_m)):
        mount = ElementTree.SubElement(root, "joint", name=f"{side}_mount", type="fixed")
        ElementTree.SubElement(mount, "origin", xyz=f"0 {y} 0", rpy="0 0 0")
        ElementTree.SubElement(mount, "parent", link="base")
        ElementTree.SubElement(mount, "child", link=f"{side}_panda_link0")
        for part in source:
            if part.tag in ("link", "joint"):
                root.append(_prefixed(part, side))
    folder = Path(mkdtemp(prefix="interlock-two-pandas-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "meshes").symlink_to(DATA / "franka_panda/meshes")  # PyBullet looks beside the file
    path = folder / "two_pandas.urdf"
    ElementTree.ElementTree(root).write(path)
    return path


def _prefixed(part: ElementTree.Element, side: str) -> ElementTree.Element:
    own = deepcopy(part)
    own.set("name", f"{side}_{own.get('name')}")
    for tag, name in (("parent", "link"), ("child", "link"), ("mimic", "joint")):
        for named in own.findall(tag):
            named.set(name, f"{side}_{named.get(name)}")
    if side == "right" and own.get("type") == "prismatic":
        own.set("type", "fixed")
        for tag in ("mimic", "limit", "axis"):
            for extra in own.findall(tag):
                own.remove(extra)
    return own
