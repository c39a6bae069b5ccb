"""A maker's data sheet, checked against the URDF it belongs to."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import numpy as np

from interlock.errors import RobotModelError
from interlock.hal.arrays import FloatArray
from interlock.hal.robot import GripperSpec, RobotSpec

__all__ = ["check_gripper", "check_limits"]

_WIDER = 1e-9  # rounding allowed when a data sheet repeats a limit of the URDF, [rad or m]


def check_limits(robot: RobotSpec, tree: ElementTree.Element) -> None:
    """Refuse limits that are not finite, wider than the URDF's, or of joints it does not have.

    Args:
        robot: the robot as described.
        tree: root element of its URDF.

    Raises:
        RobotModelError: naming the joint, the value and the mend.
    """
    limits = robot.limits
    joints = {joint.get("name", ""): joint for joint in tree.findall("joint")}
    moving = [name for name, joint in joints.items() if joint.get("type") != "fixed"]
    gripper = robot.gripper.joints if robot.gripper else ()
    for field, names in (("robot.limits.names", limits.names), ("robot.gripper.joints", gripper)):
        for name in names:
            if name not in moving:
                raise RobotModelError(
                    "the URDF has no such moving joint",
                    field=field,
                    value=name,
                    mend=f"Name one of {', '.join(moving)}.",
                )
    if not limits.names or len({*limits.names, *gripper}) != len(limits.names) + len(gripper):
        raise RobotModelError(
            "each joint is named once, and the arm has at least one",
            field="robot.limits.names",
            value=limits.names,
            mend="List every joint of the arm once, from the base to the tool.",
        )
    for field in ("v_max", "a_max", "j_max"):
        _require_positive(limits.names, field, getattr(limits, field))
    for i, name in enumerate(limits.names):
        lower, upper = _urdf_range(joints[name])
        low, high = float(limits.q_min[i]), float(limits.q_max[i])
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise RobotModelError(
                "q_min must lie below q_max, both finite",
                field=f"robot.limits.q_min[{name}]",
                value=(low, high),
                mend="Take both from the maker's data sheet.",
            )
        for field, value, wider in (
            ("q_min", low, low < lower - _WIDER),
            ("q_max", high, high > upper + _WIDER),
        ):
            if wider:
                raise RobotModelError(
                    f"wider than the URDF, which allows {lower:g} to {upper:g}",
                    field=f"robot.limits.{field}[{name}]",
                    value=value,
                    mend="Give the narrower of the data sheet and the URDF.",
                )
        if not low <= robot.home[i] <= high:
            raise RobotModelError(
                f"outside the limits {low:g} to {high:g}",
                field=f"robot.home[{name}]",
                value=float(robot.home[i]),
                mend="Choose a home configuration inside the limits.",
            )


def _require_positive(names: tuple[str, ...], field: str, values: FloatArray) -> None:
    for name, value in zip(names, values, strict=True):
        if not (math.isfinite(value) and value > 0.0):
            raise RobotModelError(
                "must be a positive number",
                field=f"robot.limits.{field}[{name}]",
                value=float(value),
                mend="Take it from the maker's data sheet.",
            )


def _urdf_range(joint: ElementTree.Element) -> tuple[float, float]:
    name, limit = joint.get("name"), joint.find("limit")
    if joint.get("type") not in ("revolute", "prismatic") or limit is None:
        raise RobotModelError(
            f"the URDF states no position limits for this {joint.get('type')} joint",
            field="robot.urdf",
            value=name,
            mend="Give the joint type revolute or prismatic and a <limit> with lower and upper.",
        )
    try:
        lower, upper = float(limit.get("lower", "0")), float(limit.get("upper", "0"))
    except ValueError:
        lower, upper = math.nan, math.nan
    if not lower < upper:
        raise RobotModelError(
            "the URDF's position limits are empty or not finite",
            field="robot.urdf",
            value=f"{name}: {limit.get('lower')} to {limit.get('upper')}",
            mend="Give lower < upper in the joint's <limit>.",
        )
    return lower, upper


def check_gripper(gripper: GripperSpec) -> None:
    """Refuse a table of widths and finger joints that cannot be interpolated.

    Raises:
        RobotModelError: naming the field, the value and the mend.
    """
    widths = gripper.widths_m
    if not (
        len(widths) >= 2 and np.isfinite(widths).all() and widths[0] >= 0.0 and (np.diff(widths) > 0.0).all()
    ):
        raise RobotModelError(
            "needs at least two widths, ascending from 0 or more",
            field="robot.gripper.widths_m",
            value=widths.tolist(),
            mend="List the width at each row of the joint table.",
        )
    if not np.isfinite(gripper.joint_table).all():
        raise RobotModelError(
            "must be finite",
            field="robot.gripper.joint_table",
            value=gripper.joint_table.tolist(),
            mend="Give the position of each finger joint at each width.",
        )
