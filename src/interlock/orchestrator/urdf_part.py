"""One URDF as a part of a greater one: its elements under prefixed names, some joints fixed."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence

import numpy as np

from interlock.errors import CellError, RobotModelError
from interlock.hal.arrays import FloatArray
from interlock.orchestrator.cell_schema import MountSection
from interlock.orchestrator.nearest import nearest
from interlock.orchestrator.solid import pose_matrix
from interlock.orchestrator.urdf_outline import UrdfJoint, UrdfOutline

__all__ = ["UrdfPart"]

_KEPT = ("link", "joint", "material")
_OF_A_FIXED_JOINT = ("origin", "parent", "child")
_REFERENCES = (("parent", "link"), ("child", "link"), ("mimic", "joint"))


class UrdfPart:
    """The elements that one part brings to a composition; those of its file are not changed."""

    def __init__(self, outline: UrdfOutline, mount: MountSection, field: str) -> None:
        """Check what the cell asks of this part.

        Args:
            outline: names and limits of the part's URDF.
            mount: prefix, pose and fixed joints.
            field: where the part stands in the cell file.

        Raises:
            CellError: if a fixed joint is unknown or outside its limits, or there is not one root link.
        """
        self._path, self._mount = outline.path, mount
        self._root_link = self._one_root(outline, field)
        for name, position in mount.fixed_joints.items():
            _check_fixed(f"{field}.fixed_joints.{name}", name, position, outline)
        self._field = field

    def mount_joint(self, root_link: str) -> ElementTree.Element:
        """The fixed joint between `root_link` and this part's root."""
        prefix, mount = self._mount.prefix, self._mount
        joint = ElementTree.Element("joint", name=f"{prefix}mount", type="fixed")
        ElementTree.SubElement(joint, "origin", xyz=_text(mount.position_m), rpy=_text(mount.rpy_rad))
        ElementTree.SubElement(joint, "parent", link=root_link)
        ElementTree.SubElement(joint, "child", link=f"{prefix}{self._root_link}")
        return joint

    def elements(self) -> Iterator[ElementTree.Element]:
        """Links, joints and materials of the part under their new names.

        Raises:
            CellError: if a joint that stays movable follows one that is fixed.
        """
        for element in ElementTree.fromstring(self._path.read_bytes()):
            if element.tag not in _KEPT:
                continue
            if element.get("name") in self._mount.fixed_joints and element.tag == "joint":
                _fix(element, self._mount.fixed_joints[element.get("name", "")])
            elif element.tag == "joint":
                self._check_mimic(element)
            self._rename(element)
            yield element

    def _rename(self, element: ElementTree.Element) -> None:
        prefix = self._mount.prefix
        element.set("name", f"{prefix}{element.get('name')}")
        for tag, key in _REFERENCES:
            for reference in element.findall(tag):
                reference.set(key, f"{prefix}{reference.get(key)}")
        for material in element.iter("material"):
            if material is not element and material.get("name"):
                material.set("name", f"{prefix}{material.get('name')}")

    def _check_mimic(self, joint: ElementTree.Element) -> None:
        mimic = joint.find("mimic")
        leader = mimic.get("joint") if mimic is not None else None
        if leader in self._mount.fixed_joints:
            raise CellError(
                f"joint {joint.get('name')!r} follows a joint that is fixed",
                field=f"{self._field}.fixed_joints",
                value=leader,
                mend=f"Fix {joint.get('name')} too.",
            )

    @staticmethod
    def _one_root(outline: UrdfOutline, field: str) -> str:
        roots = sorted(outline.links - set(outline.parent_of))
        if len(roots) != 1:
            raise CellError(
                "this part has not one root link",
                field=f"{field}.urdf",
                value=roots,
                mend="Describe each part as one tree of links.",
            )
        return roots[0]


def _check_fixed(field: str, name: str, position: float, outline: UrdfOutline) -> None:
    if name not in outline.joints:
        raise CellError(
            "this part has no such joint that can move",
            field=field,
            value=name,
            mend=nearest(name, outline.joints),
        )
    joint: UrdfJoint = outline.joints[name]
    if not joint.lower <= position <= joint.upper:
        raise CellError(
            "a joint cannot be fixed outside the URDF's limits",
            field=field,
            value=position,
            mend=f"Give a position within [{joint.lower}, {joint.upper}].",
        )


def _fix(joint: ElementTree.Element, position: float) -> None:
    """Make a movable joint a fixed one that stands at `position`, [rad or m]."""
    if position != 0.0:
        origin = joint.find("origin")
        origin = ElementTree.SubElement(joint, "origin") if origin is None else origin
        try:
            pose = _pose_of(origin) @ _moved(joint, position)
        except ValueError as error:
            raise RobotModelError(
                f"joint {joint.get('name')!r} has no usable origin or axis",
                field="robot.urdf",
                value=str(error),
                mend="Give three numbers each, and an axis of some length, in the URDF.",
            ) from error
        origin.set("xyz", _text(pose[:3, 3]))
        origin.set("rpy", _text(_rpy(pose)))
    joint.set("type", "fixed")
    for child in list(joint):
        if child.tag not in _OF_A_FIXED_JOINT:
            joint.remove(child)


def _moved(joint: ElementTree.Element, position: float) -> FloatArray:
    """The motion of a joint from 0 to `position`, shape (4, 4)."""
    told = joint.find("axis")
    axis = np.array(_numbers(told.get("xyz") if told is not None else None, (1.0, 0.0, 0.0)))
    length = float(np.linalg.norm(axis))
    if not 0.0 < length < math.inf:
        raise ValueError(f"axis {axis.tolist()}")
    axis /= length
    pose = np.eye(4)
    if joint.get("type") == "prismatic":
        pose[:3, 3] = position * axis
        return pose
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    pose[:3, :3] += math.sin(position) * cross + (1.0 - math.cos(position)) * (cross @ cross)  # Rodrigues
    return pose


def _pose_of(origin: ElementTree.Element) -> FloatArray:
    nowhere = (0.0, 0.0, 0.0)
    return pose_matrix(_numbers(origin.get("xyz"), nowhere), _numbers(origin.get("rpy"), nowhere))


def _rpy(pose: FloatArray) -> tuple[float, float, float]:
    """Roll, pitch and yaw about fixed axes, [rad]; at a pitch of a quarter turn the roll is 0."""
    level = math.hypot(pose[0, 0], pose[1, 0])
    pitch = math.atan2(-pose[2, 0], level)
    if level < 1e-9:
        return 0.0, pitch, math.atan2(-pose[0, 1], pose[1, 1])
    return math.atan2(pose[2, 1], pose[2, 2]), pitch, math.atan2(pose[1, 0], pose[0, 0])


def _numbers(text: str | None, absent: tuple[float, float, float]) -> tuple[float, float, float]:
    if text is None:
        return absent
    x, y, z = (float(word) for word in text.split())
    return x, y, z


def _text(values: Sequence[float] | FloatArray) -> str:
    return " ".join(repr(float(value)) for value in values)
