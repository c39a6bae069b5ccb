"""What must hold between a cell's robot section and the robot's URDF."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from interlock.errors import CellError
from interlock.orchestrator.cell_schema import RobotSection
from interlock.orchestrator.nearest import nearest
from interlock.orchestrator.urdf_outline import UrdfJoint, UrdfOutline

__all__ = ["check_robot"]

_ROUNDING = 1e-6


def check_robot(robot: RobotSection, outline: UrdfOutline) -> None:
    """Return if every rule holds.

    Raises:
        CellError: at the first rule that does not hold, with the field, the value and the mend.
    """
    _arm(robot, outline)
    _home(robot)
    _gripper(robot, outline)
    for index, pair in enumerate(robot.touching_pairs):
        _pair(f"robot.touching_pairs[{index}]", pair, outline)


def _arm(robot: RobotSection, outline: UrdfOutline) -> None:
    if robot.tool.link not in outline.links:
        raise CellError(
            "the URDF has no such link",
            field="robot.tool.link",
            value=robot.tool.link,
            mend=nearest(robot.tool.link, outline.links),
        )
    names = tuple(robot.limits.joints)
    for name in names:
        if name not in outline.joints:
            raise CellError(
                "the URDF has no such joint that can move",
                field=f"robot.limits.joints.{name}",
                value=name,
                mend=nearest(name, outline.joints),
            )
    chain = outline.joints_to(robot.tool.link)
    beside = tuple(name for name in names if name not in chain)
    if tuple(name for name in names if name in chain) != chain or not _branches(
        names, beside, chain, outline
    ):
        raise CellError(
            "these are not the joints from the base to the tool, in order",
            field="robot.limits.joints",
            value=list(names),
            mend=f"List exactly: {', '.join(chain)}; the joints of a second arm may follow, base first.",
        )
    for name, row in robot.limits.joints.items():
        _joint(name, row.q_rad, row.v_rad_s * robot.limits.derate.velocity, outline.joints[name])


def _branches(
    names: tuple[str, ...], beside: tuple[str, ...], chain: tuple[str, ...], outline: UrdfOutline
) -> bool:
    """Whether each joint beside the tool's chain hangs on joints listed before it, and none on the tool."""
    for name in beside:
        carriers = set(outline.joints_to(outline.joints[name].parent))
        if carriers >= set(chain) or not carriers <= set(names[: names.index(name)]):
            return False
    return True


def _joint(name: str, q_rad: tuple[float, float], v_rad_s: float, urdf: UrdfJoint) -> None:
    field = f"robot.limits.joints.{name}"
    if q_rad[0] >= q_rad[1]:
        raise CellError(
            "the lowest position is not below the highest",
            field=f"{field}.q_rad",
            value=q_rad,
            mend="Give [lowest, highest] in radians.",
        )
    if urdf.kind == "prismatic":
        raise CellError(
            "an arm joint turns, and this one slides",
            field=field,
            value=urdf.kind,
            mend="Choose a robot whose arm has revolute joints.",
        )
    if q_rad[0] < urdf.lower - _ROUNDING or q_rad[1] > urdf.upper + _ROUNDING:
        raise CellError(
            "these limits are wider than the URDF's",
            field=f"{field}.q_rad",
            value=q_rad,
            mend=f"Stay within [{urdf.lower}, {urdf.upper}].",
        )
    if v_rad_s > urdf.velocity + _ROUNDING:
        raise CellError(
            "this speed is above the URDF's limit",
            field=f"{field}.v_rad_s",
            value=v_rad_s,
            mend=f"Give at most {urdf.velocity}.",
        )


def _home(robot: RobotSection) -> None:
    joints = robot.limits.joints
    if len(robot.home_rad) != len(joints):
        raise CellError(
            "home has the wrong number of joints",
            field="robot.home_rad",
            value=list(robot.home_rad),
            mend=f"Give {len(joints)} positions, in the order of robot.limits.joints.",
        )
    for index, (name, row) in enumerate(joints.items()):
        if not row.q_rad[0] < robot.home_rad[index] < row.q_rad[1]:
            raise CellError(
                f"home is outside the limits of {name}",
                field=f"robot.home_rad[{index}]",
                value=robot.home_rad[index],
                mend=f"Give a position between {row.q_rad[0]} and {row.q_rad[1]}.",
            )


def _gripper(robot: RobotSection, outline: UrdfOutline) -> None:
    gripper, arm = robot.gripper, set(robot.limits.joints)
    table = {} if gripper is None else gripper.joint_table
    if gripper is not None:
        widths = gripper.widths_m
        if any(b <= a for a, b in itertools.pairwise(widths)):
            raise CellError(
                "the widths do not ascend",
                field="robot.gripper.widths_m",
                value=list(widths),
                mend="Sort them, closed first.",
            )
        for name, row in table.items():
            _finger(name, row, len(widths), arm, outline)
        _links("robot.gripper.finger_links", gripper.finger_links, outline)
    loose = sorted(set(outline.joints) - arm - set(table))
    if loose:
        raise CellError(
            "a joint of the URDF can move and belongs neither to the arm nor to the gripper",
            field="robot.gripper.joint_table",
            value=loose[0],
            mend=f"Give rows for {', '.join(loose)}, or fix them in the URDF.",
        )


def _finger(name: str, row: Sequence[float], count: int, arm: set[str], outline: UrdfOutline) -> None:
    field = f"robot.gripper.joint_table.{name}"
    fingers = set(outline.joints) - arm
    if name not in fingers:
        raise CellError(
            "the URDF has no such joint beside the arm's",
            field=field,
            value=name,
            mend=nearest(name, fingers),
        )
    if len(row) != count:
        raise CellError(
            "this row does not fit the widths",
            field=field,
            value=list(row),
            mend=f"Give {count} positions, one for each of widths_m.",
        )
    urdf = outline.joints[name]
    if min(row) < urdf.lower - _ROUNDING or max(row) > urdf.upper + _ROUNDING:
        raise CellError(
            "a position is outside the URDF's limits",
            field=field,
            value=list(row),
            mend=f"Stay within [{urdf.lower}, {urdf.upper}].",
        )


def _pair(field: str, pair: tuple[str, str], outline: UrdfOutline) -> None:
    _links(field, pair, outline)
    if pair[0] == pair[1]:
        raise CellError(
            "a link is never checked against itself",
            field=field,
            value=list(pair),
            mend="Name two links whose hulls overlap by design, or take the pair away.",
        )


def _links(field: str, links: Iterable[str], outline: UrdfOutline) -> None:
    for link in links:
        if link not in outline.links:
            raise CellError(
                "the URDF has no such link", field=field, value=link, mend=nearest(link, outline.links)
            )
