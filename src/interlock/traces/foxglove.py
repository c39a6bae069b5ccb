"""Foxglove's public message schemas, as far as a trace uses them, in JSON Schema.

Source: https://docs.foxglove.dev/docs/visualization/message-schemas/introduction
"""

from __future__ import annotations

from typing import Any

__all__ = ["COMPRESSED_IMAGE", "LOG", "SCENE_UPDATE", "seconds"]

Schema = dict[str, Any]


def seconds(stamp_ns: int) -> dict[str, int]:
    """A stamp as Foxglove writes it."""
    sec, nsec = divmod(max(stamp_ns, 0), 1_000_000_000)
    return {"nsec": nsec, "sec": sec}


def _object(title: str, **properties: Schema) -> Schema:
    return {"title": title, "type": "object", "properties": properties}


def _many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_NSEC: Schema = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
_TIME = _object("time", sec={"type": "integer", "minimum": 0}, nsec=_NSEC)
_DURATION = _object("duration", sec={"type": "integer"}, nsec=_NSEC)
_VECTOR = _object("foxglove.Vector3", x=_NUMBER, y=_NUMBER, z=_NUMBER)
_QUATERNION = _object("foxglove.Quaternion", x=_NUMBER, y=_NUMBER, z=_NUMBER, w=_NUMBER)
_POSE = _object("foxglove.Pose", position=_VECTOR, orientation=_QUATERNION)
_COLOR = _object("foxglove.Color", r=_NUMBER, g=_NUMBER, b=_NUMBER, a=_NUMBER)
_CUBE = _object("foxglove.CubePrimitive", pose=_POSE, size=_VECTOR, color=_COLOR)
_SPHERE = _object("foxglove.SpherePrimitive", pose=_POSE, size=_VECTOR, color=_COLOR)
_CYLINDER = _object(
    "foxglove.CylinderPrimitive",
    pose=_POSE,
    size=_VECTOR,
    bottom_scale=_NUMBER,
    top_scale=_NUMBER,
    color=_COLOR,
)
_TRIANGLES = _object(
    "foxglove.TriangleListPrimitive",
    pose=_POSE,
    points=_many(_object("foxglove.Point3", x=_NUMBER, y=_NUMBER, z=_NUMBER)),
    color=_COLOR,
    colors=_many(_COLOR),
    indices=_many({"type": "integer", "minimum": 0}),
)
_KEY_VALUE = _object("foxglove.KeyValuePair", key=_TEXT, value=_TEXT)
_NOTHING = _many({"type": "object"})  # primitives a trace never draws

LOG = _object(
    "foxglove.Log",
    timestamp=_TIME,
    level={"type": "integer", "enum": [0, 1, 2, 3, 4, 5]},
    message=_TEXT,
    name=_TEXT,
    file=_TEXT,
    line={"type": "integer", "minimum": 0},
)
"""A line of a log; levels are unknown, debug, info, warning, error, fatal."""

COMPRESSED_IMAGE = _object(
    "foxglove.CompressedImage",
    timestamp=_TIME,
    frame_id=_TEXT,
    data={"type": "string", "contentEncoding": "base64"},
    format=_TEXT,
)
"""A picture; `format` is "jpeg"."""

SCENE_UPDATE = _object(
    "foxglove.SceneUpdate",
    deletions=_many(_object("foxglove.SceneEntityDeletion", timestamp=_TIME, type=_NUMBER, id=_TEXT)),
    entities=_many(
        _object(
            "foxglove.SceneEntity",
            timestamp=_TIME,
            frame_id=_TEXT,
            id=_TEXT,
            lifetime=_DURATION,
            frame_locked={"type": "boolean"},
            metadata=_many(_KEY_VALUE),
            arrows=_NOTHING,
            cubes=_many(_CUBE),
            spheres=_many(_SPHERE),
            cylinders=_many(_CYLINDER),
            lines=_NOTHING,
            triangles=_many(_TRIANGLES),
            texts=_NOTHING,
            models=_NOTHING,
        )
    ),
)
"""Shapes in a 3D panel."""
