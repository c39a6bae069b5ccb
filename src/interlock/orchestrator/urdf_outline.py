"""What a cell needs to know of a URDF before any robot library reads it: links, joints, limits."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from interlock.errors import RobotModelError

__all__ = ["UrdfJoint", "UrdfOutline"]

_MOVABLE = {"revolute", "prismatic", "continuous"}
_FIELD = "robot.urdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrdfJoint:
    """One joint that can move: its child link, and its limits where the file states them.

    Attributes:
        name: name of the joint.
        kind: "revolute", "prismatic" or "continuous".
        parent: link nearer to the root.
        child: link farther from the root.
        lower: lowest position, [rad or m]; -inf for a continuous joint.
        upper: highest position, [rad or m]; inf for a continuous joint.
        velocity: speed limit, [rad/s or m/s].
    """

    name: str
    kind: str
    parent: str
    child: str
    lower: float
    upper: float
    velocity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UrdfOutline:
    """Names and limits of one URDF.

    Attributes:
        path: the file.
        links: every link.
        joints: every joint that can move, by name.
        parent_of: for each link but the root, its parent link and the joint between them.
    """

    path: Path
    links: frozenset[str]
    joints: dict[str, UrdfJoint]
    parent_of: dict[str, tuple[str, str]]

    @classmethod
    def read(cls, path: Path) -> UrdfOutline:
        """Read a URDF.

        Raises:
            RobotModelError: if it is not a URDF, or a joint that can move states no limits.
        """
        root = _root(path)
        links = frozenset(_attribute(path, link, "name") for link in root.findall("link"))
        if not links:
            raise RobotModelError(
                "the robot model has no links", field=_FIELD, value=str(path), mend="Name a URDF file."
            )
        joints: dict[str, UrdfJoint] = {}
        parent_of: dict[str, tuple[str, str]] = {}
        for element in root.findall("joint"):
            name, kind = _attribute(path, element, "name"), _attribute(path, element, "type")
            parent, child = _end(path, element, "parent"), _end(path, element, "child")
            parent_of[child] = (parent, name)
            if kind in _MOVABLE:
                joints[name] = _joint(path, element, name, kind, parent, child)
            elif kind != "fixed":
                raise RobotModelError(
                    f"joint {name!r} is of a kind Interlock does not guard",
                    field=_FIELD,
                    value=kind,
                    mend="Use fixed, revolute, continuous and prismatic joints only.",
                )
        return cls(path=path, links=links, joints=joints, parent_of=parent_of)

    def joints_to(self, link: str) -> tuple[str, ...]:
        """Names of the joints that can move between the root and `link`, root first."""
        found: list[str] = []
        for _ in range(len(self.links)):
            if link not in self.parent_of:
                return tuple(reversed(found))
            link, joint = self.parent_of[link]
            if joint in self.joints:
                found.append(joint)
        raise RobotModelError(
            "the links form a loop", field=_FIELD, value=str(self.path), mend="Describe the robot as a tree."
        )


def _root(path: Path) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except (OSError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise RobotModelError(
            f"the robot model cannot be read ({error})",
            field=_FIELD,
            value=str(path),
            mend="Name a readable URDF file.",
        ) from error
    if root.tag != "robot":
        raise RobotModelError(
            f"the robot model is not a URDF (its first element is <{root.tag}>)",
            field=_FIELD,
            value=str(path),
            mend="Name a URDF file; other formats (MJCF, SDF) must be converted first.",
        )
    return root


def _attribute(path: Path, element: ElementTree.Element, key: str) -> str:
    value = element.get(key)
    if not value:
        raise RobotModelError(
            f"a <{element.tag}> of the robot model has no {key}",
            field=_FIELD,
            value=str(path),
            mend=f"Give every <{element.tag}> a {key}.",
        )
    return value


def _end(path: Path, joint: ElementTree.Element, tag: str) -> str:
    end = joint.find(tag)
    if end is None:
        raise RobotModelError(
            f"joint {joint.get('name')!r} has no <{tag}>",
            field=_FIELD,
            value=str(path),
            mend="Give every joint a parent and a child.",
        )
    return _attribute(path, end, "link")


def _joint(
    path: Path, element: ElementTree.Element, name: str, kind: str, parent: str, child: str
) -> UrdfJoint:
    limit = element.find("limit")
    if limit is None:
        raise RobotModelError(
            f"joint {name!r} states no limits",
            field=_FIELD,
            value=str(path),
            mend=f'Add <limit lower="…" upper="…" velocity="…" effort="…"/> to joint {name!r} of the URDF.',
        )
    endless = kind == "continuous"
    return UrdfJoint(
        name=name,
        kind=kind,
        parent=parent,
        child=child,
        lower=-math.inf if endless else _number(path, limit, name, "lower", 0.0),
        upper=math.inf if endless else _number(path, limit, name, "upper", 0.0),
        velocity=_number(path, limit, name, "velocity", None),
    )


def _number(path: Path, limit: ElementTree.Element, name: str, key: str, absent: float | None) -> float:
    """A limit; the URDF standard lets `lower` and `upper` be absent and mean 0."""
    text = limit.get(key)
    try:
        value = float(text) if text is not None else absent
    except ValueError:
        value = None
    if value is None or not math.isfinite(value) or (key == "velocity" and value <= 0.0):
        raise RobotModelError(
            f"joint {name!r} has no usable {key} limit",
            field=_FIELD,
            value=text if text is not None else str(path),
            mend=f"State a finite {key} limit for joint {name!r} in the URDF.",
        )
    return value
