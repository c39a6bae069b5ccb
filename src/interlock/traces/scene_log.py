"""Scenes as records: poses every time, solids only when they are new."""

from __future__ import annotations

from typing import Any

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.half_space import plane_of
from interlock.hal.polytope import polytope_of
from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, Part, Scene, SceneObject, Sphere
from interlock.traces.encoding import packed
from interlock.traces.foxglove import seconds
from interlock.traces.questions import part_record

__all__ = ["SceneLog"]

_MARKER_PERIOD_NS = 100_000_000
_COLORS = {
    "fixed": {"r": 0.55, "g": 0.58, "b": 0.62, "a": 0.9},
    "movable": {"r": 0.05, "g": 0.50, "b": 0.62, "a": 1.0},
    "moving": {"r": 0.85, "g": 0.28, "b": 0.10, "a": 1.0},
    "tool": {"r": 0.10, "g": 0.10, "b": 0.12, "a": 1.0},
}
_BOARD_M = (4.0, 4.0, 0.005)  # what is drawn of a half-space


class SceneLog:
    """Remembers what was already said, so that a scene costs little after the first.

    `parts` is null in a record when the object's solid is the one last recorded under that name.
    """

    def __init__(self) -> None:
        self._parts: dict[str, tuple[Part, ...]] = {}
        self._next_markers_ns = -1
        self._tool: tuple[float, float, float] | None = None

    def record(self, scene: Scene) -> dict[str, Any]:
        """The snapshot, poses bit for bit."""
        return {"stamp_ns": scene.stamp_ns, "objects": [self._object(o) for o in scene.objects]}

    def move_tool(self, tool_in_world: tuple[float, float, float]) -> None:
        """Where the next markers draw the tool centre point, (x, y, z) [m]."""
        self._tool = tool_in_world

    def markers(self, scene: Scene) -> dict[str, Any] | None:
        """The same scene for a 3D panel (`foxglove.SceneUpdate`), ten times a second at most."""
        if scene.stamp_ns < self._next_markers_ns:
            return None
        self._next_markers_ns = scene.stamp_ns + _MARKER_PERIOD_NS
        entities = [_entity(o, scene.stamp_ns) for o in scene.objects]
        if self._tool is not None:
            ball = _primitive(_at(self._tool), (0.02, 0.02, 0.02), "tool")
            entities.append(_empty_entity("tool", scene.stamp_ns) | {"spheres": [ball]})
        return {"deletions": [], "entities": entities}

    def _object(self, thing: SceneObject) -> dict[str, Any]:
        known = self._parts.get(thing.name)
        parts = None if known is thing.parts else [part_record(p) for p in thing.parts]
        if known is not None and parts is not None and parts == [part_record(p) for p in known]:
            parts = None
        self._parts[thing.name] = thing.parts
        return {
            "name": thing.name,
            "kind": thing.kind,
            "position": thing.object_in_world[:3, 3].tolist(),
            "pose": packed(thing.object_in_world),
            "position_std_m": thing.position_std_m,
            "max_speed_m_s": thing.max_speed_m_s,
            "stamp_ns": thing.stamp_ns,
            "parts": parts,
        }


def _empty_entity(name: str, stamp_ns: int) -> dict[str, Any]:
    return {
        "timestamp": seconds(stamp_ns),
        "frame_id": "world",
        "id": name,
        "lifetime": {"sec": 0, "nsec": 0},
        "frame_locked": False,
        "metadata": [],
        "arrows": [],
        "cubes": [],
        "spheres": [],
        "cylinders": [],
        "lines": [],
        "triangles": [],
        "texts": [],
        "models": [],
    }


def _entity(thing: SceneObject, stamp_ns: int) -> dict[str, Any]:
    entity = _empty_entity(thing.name, stamp_ns)
    for part in thing.parts:
        pose = thing.object_in_world @ part.part_in_object
        shape = part.shape
        if isinstance(shape, Box):
            size = (2.0 * shape.half_extents_m).tolist()
            entity["cubes"].append(_primitive(pose, size, thing.kind))
        elif isinstance(shape, ConvexHull):
            entity["triangles"].append(_hull(pose, shape, thing.kind))
        elif isinstance(shape, HalfSpace):
            entity["cubes"].append(_plane(pose, shape, thing.kind))
        elif isinstance(shape, Sphere):
            entity["spheres"].append(_primitive(pose, [2.0 * shape.radius_m] * 3, thing.kind))
        elif isinstance(shape, Capsule):
            across = 2.0 * shape.radius_m
            tube = _primitive(pose, (across, across, shape.length_m), thing.kind)
            entity["cylinders"].append(tube | {"bottom_scale": 1.0, "top_scale": 1.0})
            for side in (-0.5, 0.5):
                end = pose.copy()
                end[:3, 3] += side * shape.length_m * pose[:3, 2]
                entity["spheres"].append(_primitive(end, [across] * 3, thing.kind))
    return entity


def _primitive(pose: FloatArray, size: Any, color: str) -> dict[str, Any]:
    x, y, z = pose[:3, 3].tolist()
    qx, qy, qz, qw = _quaternion(pose[:3, :3])
    return {
        "pose": {
            "position": {"x": x, "y": y, "z": z},
            "orientation": {"x": qx, "y": qy, "z": qz, "w": qw},
        },
        "size": {"x": size[0], "y": size[1], "z": size[2]},
        "color": _COLORS[color],
    }


def _hull(pose: FloatArray, shape: ConvexHull, color: str) -> dict[str, Any]:
    """A list of triangles (`foxglove.TriangleListPrimitive`)."""
    hull = polytope_of(shape.vertices_m)
    corners = np.empty((0, 3)) if hull is None else hull.corners + hull.centre
    origin = _primitive(pose, (0.0, 0.0, 0.0), color)
    return {
        "pose": origin["pose"],
        "points": [{"x": x, "y": y, "z": z} for x, y, z in corners.tolist()],
        "color": origin["color"],
        "colors": [],
        "indices": [] if hull is None else hull.triangles.ravel().tolist(),
    }


def _plane(pose: FloatArray, shape: HalfSpace, color: str) -> dict[str, Any]:
    """A thin board below the plane."""
    board = plane_of(shape, pose)
    board[:3, 3] -= 0.5 * _BOARD_M[2] * board[:3, 2]
    return _primitive(board, _BOARD_M, color)


def _at(position: tuple[float, float, float]) -> FloatArray:
    pose = np.eye(4)
    pose[:3, 3] = position
    return pose


def _quaternion(rotation: FloatArray) -> tuple[float, float, float, float]:
    """Unit quaternion (x, y, z, w) of a rotation matrix: eigenvector of Bar-Itzhack's matrix (2000)."""
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    matrix = np.array(
        [
            [a - e - i, b + d, c + g, h - f],
            [b + d, e - a - i, f + h, c - g],
            [c + g, f + h, i - a - e, d - b],
            [h - f, c - g, d - b, a + e + i],
        ]
    )
    _, vectors = np.linalg.eigh(matrix)
    x, y, z, w = (vectors[:, 3] * (1.0 if vectors[3, 3] >= 0.0 else -1.0)).tolist()
    return x, y, z, w
