"""The cells of the evidence: those that ship, and the Panda's table with another robot at it.

No cell ships with a KUKA iiwa or with two Pandas on one base; `tests/guards/robots.py` describes both.
Blocks, tray, pillar and the swinging ball are those of the Panda's table, work space and home are their own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pinocchio as pin
import root  # noqa: F401  (makes `tests` importable)
import yaml
from cases import CELLS
from tests.guards.robots import rig_of

from interlock.hal.robot import GripperSpec, RobotSpec
from interlock.hal.zone import Zone
from interlock.orchestrator.cell import Cell

__all__ = ["cell_of"]

_JOINTS = "joint_position"


@cache
def cell_of(name: str, space: str = _JOINTS) -> Cell:
    """The cell of one of `cases.ROBOTS`, its policy proposing in `space`."""
    if name in CELLS and space == _JOINTS:
        return Cell.load(name)
    plain = Cell.load(name if name in CELLS else CELLS[0])
    data = yaml.safe_load(plain.text)
    folder = plain.path.parent
    if name not in CELLS:
        rig = rig_of(name)
        folder = rig.robot.urdf.parent
        data |= {"name": name, "description": "", "robot": _robot(rig.robot), "skills": ["reach", "home"]}
        places = [zone for zone in data["scene"]["zones"] if zone["kind"] == "place"]
        data["scene"]["zones"] = [_zone(zone) for zone in rig.config.zones] + places
        data["policy"] |= {"options": {}, "others": {}}
        data["cameras"] = [camera for camera in data["cameras"] if "link" not in camera]
    data["policy"]["action_space"] = space
    return Cell.read(yaml.safe_dump(data, sort_keys=False).encode(), Path(folder) / f"{name}_{space}.yaml")


def _robot(robot: RobotSpec) -> dict[str, Any]:
    """The section of a cell file that describes this robot; its limits are derated already."""
    limits = robot.limits
    rows = zip(limits.q_min, limits.q_max, limits.v_max, limits.a_max, limits.j_max, strict=True)
    section = {
        "name": robot.name,
        "embodiment": robot.name,
        "urdf": robot.urdf.name,
        "base": _pose(robot.base_in_world),
        "limits": {
            "source": "tests/guards/robots.py",
            "joints": {
                name: {
                    "q_rad": [float(low), float(high)],
                    "v_rad_s": float(v),
                    "a_rad_s2": float(a),
                    "j_rad_s3": float(j),
                }
                for name, (low, high, v, a, j) in zip(limits.names, rows, strict=True)
            },
        },
        "tool": {"link": robot.tool_link} | _pose(robot.tool_in_link),
        "home_rad": robot.home.tolist(),
        "tracking_tube": {
            "position_rad": robot.tube.position_rad,
            "velocity_rad_s": robot.tube.velocity_rad_s,
        },
        "max_tool_speed_m_s": robot.max_tool_speed_m_s,
        "touching_pairs": [list(pair) for pair in robot.touching_pairs],
    }
    return section if robot.gripper is None else section | {"gripper": _gripper(robot.gripper)}


def _gripper(hand: GripperSpec) -> dict[str, Any]:
    return {
        "widths_m": hand.widths_m.tolist(),
        "joint_table": {name: row.tolist() for name, row in zip(hand.joints, hand.joint_table, strict=True)},
        "max_speed_m_s": hand.max_speed_m_s,
        "max_force_n": hand.max_force_n,
        "finger_links": list(hand.finger_links),
    }


def _pose(pose: Any) -> dict[str, list[float]]:
    return {"position_m": pose[:3, 3].tolist(), "rpy_rad": pin.rpy.matrixToRpy(pose[:3, :3]).tolist()}


def _zone(zone: Zone) -> dict[str, Any]:
    return {
        "name": zone.name,
        "kind": str(zone.kind),
        "lower_m": zone.lower.tolist(),
        "upper_m": zone.upper.tolist(),
    }
