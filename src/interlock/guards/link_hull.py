"""The solid of every link as convex pieces, the gripper's links swept over the whole opening range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import coal
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, QhullError

from interlock.errors import RobotModelError
from interlock.guards.robot_model import RobotModel
from interlock.hal.arrays import FloatArray

__all__ = ["LinkHull", "convex_pieces", "link_hulls"]

_SIDES = 32  # sides of the prism around a cylinder: 0.5 % wider than the cylinder
_CONVEX = 0.98  # share of its hull that a part of a mesh fills if it counts as convex
_MOST_PIECES = 16  # a mesh of more bodies is a drawing of screws, not a convex decomposition
_BULGE_M = 1e-5  # how far a swept link may bulge out between two sample widths


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkHull:
    """One link's solid, in the frame of the arm joint that carries it.

    Attributes:
        link: name of the link in the URDF.
        joint: arm joint that carries it, -1 for the world.
        swept: whether it moves with the gripper, and `pieces` hold it at every width.
        pieces: vertices of each convex piece, each shape (k, 3), [m].
        bulge_m: how far the swept solid may reach outside the pieces, [m].
    """

    link: str
    joint: int
    swept: bool
    pieces: tuple[FloatArray, ...]
    bulge_m: float


def link_hulls(model: RobotModel, width_m: float | None = None) -> list[LinkHull]:
    """The solid of every link that has one.

    Args:
        model: the robot.
        width_m: width of the gripper, [m]; None sweeps its links over all widths.
    """
    found: dict[str, LinkHull] = {}
    for item in model.geometry.geometryObjects:
        link = model.full.frames[item.parentFrame].name
        pieces = [_moved(item.placement, piece) for piece in convex_pieces(item.geometry, link)]
        swept = bool(model.gripper_chain(item.parentJoint))
        bulge = 0.0
        if swept and width_m is None:
            swept_pieces = [_swept(model, item.parentJoint, piece) for piece in pieces]
            pieces = [piece for piece, _ in swept_pieces]
            bulge = max(bound for _, bound in swept_pieces)
        else:
            placement = model.placement(item.parentJoint, width_m or 0.0)
            pieces = [_moved(placement, piece) for piece in pieces]
        before = found.get(link)
        found[link] = LinkHull(
            link=link,
            joint=model.hanger(item.parentJoint),
            swept=swept,
            pieces=(*(before.pieces if before else ()), *pieces),
            bulge_m=max(bulge, before.bulge_m if before else 0.0),
        )
    return list(found.values())


def convex_pieces(geometry: Any, link: str) -> list[FloatArray]:
    """Vertices of convex solids that hold a collision geometry, each shape (k, 3), [m].

    A mesh that is a set of separate convex bodies gives one piece a body; any other mesh gives its hull.

    Raises:
        RobotModelError: if the geometry is of a kind that cannot be covered, or not finite.
    """
    if isinstance(geometry, coal.BVHModelBase):
        pieces = _mesh_pieces(geometry)
    elif isinstance(geometry, coal.Sphere):
        pieces = [_ball(geometry.radius, geometry.radius, geometry.radius)]
    elif isinstance(geometry, coal.Ellipsoid):
        pieces = [_ball(*geometry.radii)]
    elif isinstance(geometry, coal.Box):
        pieces = [
            np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * geometry.halfSide
        ]
    elif isinstance(geometry, coal.Cylinder):
        pieces = [
            np.vstack(
                [_ring(geometry.radius, -geometry.halfLength), _ring(geometry.radius, geometry.halfLength)]
            )
        ]
    elif isinstance(geometry, coal.Capsule):
        ball, half = (
            _ball(geometry.radius, geometry.radius, geometry.radius),
            np.array([0, 0, geometry.halfLength]),
        )
        pieces = [np.vstack([ball - half, ball + half])]
    else:
        raise RobotModelError(
            f"cannot cover a collision geometry of kind {type(geometry).__name__}",
            field="robot.urdf",
            value=link,
            mend="Use meshes, boxes, cylinders or spheres.",
        )
    if not all(len(piece) and np.isfinite(piece).all() for piece in pieces):
        raise RobotModelError(
            "a collision geometry is empty or not finite",
            field="robot.urdf",
            value=link,
            mend="Mend the mesh.",
        )
    return pieces


def _mesh_pieces(mesh: Any) -> list[FloatArray]:
    vertices = np.array(mesh.vertices(), dtype=np.float64)
    whole = [_corners(vertices)]
    if not np.isfinite(vertices).all() or len(whole[0]) < 4:
        return whole
    triangles = np.array([[mesh.tri_indices(i)[k] for k in range(3)] for i in range(mesh.num_tris)])
    # an STL repeats a vertex for every triangle: join equal ones before asking what hangs together
    unique, index = np.unique(np.round(vertices, 9), axis=0, return_inverse=True)
    joined = index.ravel()[triangles]
    ends = np.vstack([joined[:, :2], joined[:, 1:]])
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(unique), len(unique)))
    bodies, body_of = connected_components(graph, directed=False)
    if bodies == 1 or bodies > _MOST_PIECES:
        return whole
    pieces = []
    for body in range(bodies):
        faces = triangles[body_of[joined[:, 0]] == body]
        corners = vertices[np.unique(faces)]
        if len(faces) == 0:
            continue
        a, b, c = (vertices[faces[:, k]] - corners.mean(axis=0) for k in range(3))
        volume = abs(float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum())) / 6.0
        try:
            hull = ConvexHull(corners)
        except (QhullError, ValueError):
            return whole
        if volume < _CONVEX * hull.volume:
            return whole
        pieces.append(np.ascontiguousarray(corners[hull.vertices]))
    return pieces


def _swept(model: RobotModel, joint: int, piece: FloatArray) -> tuple[FloatArray, float]:
    """Corners of the hull of all sampled widths, and a bound on the bulge between the samples, [m].

    A point on a path p(s), s in [0, 1], is off the hull of both ends by at most max|p''| / 8. With joints
    that move by d_i, p'' is a sum of d_i d_j times at most the distance of the point from the farther joint's
    axis, or 1 if one of the two slides, or 0 if both do.
    """
    gripper = model.robot.gripper
    if gripper is None:
        raise RobotModelError("no gripper", field="robot.gripper", value=None, mend="Describe the gripper.")
    chain = model.gripper_chain(joint)
    rows = np.array([gripper.joint_table[gripper.joints.index(model.full.names[j])] for j in chain])
    slides = np.array(
        [bool(np.any(np.asarray(model.full.joints[j].createData().S).ravel()[:3])) for j in chain]
    )
    arms = [float(np.linalg.norm(piece, axis=1).max())]
    for k in range(len(chain) - 1, 0, -1):
        offset = float(np.linalg.norm(model.full.jointPlacements[chain[k]].translation))
        arms.insert(0, arms[0] + offset + (float(np.abs(rows[k]).max()) if slides[k] else 0.0))
    curvature = np.array(
        [
            [0.0 if a and b else 1.0 if a or b else arms[max(i, k)] for k, b in enumerate(slides)]
            for i, a in enumerate(slides)
        ]
    )
    points, bulge = [_moved(model.placement(joint, gripper.min_width_m), piece)], 0.0
    for low, high, step in zip(
        gripper.widths_m[:-1], gripper.widths_m[1:], np.diff(rows, axis=1).T, strict=True
    ):
        whole = float(np.abs(step) @ curvature @ np.abs(step)) / 8.0
        parts = max(1, math.ceil(math.sqrt(whole / _BULGE_M)))
        bulge = max(bulge, whole / parts**2)
        widths = np.linspace(low, high, parts + 1)
        points += [_moved(model.placement(joint, float(width)), piece) for width in widths]
    return _corners(np.vstack(points)), bulge


def _moved(placement: Any, points: FloatArray) -> FloatArray:
    moved: FloatArray = points @ np.array(placement.rotation).T + np.array(placement.translation)
    return moved


def _corners(points: FloatArray) -> FloatArray:
    try:
        return np.ascontiguousarray(points[ConvexHull(points).vertices])
    except (QhullError, ValueError):
        return points


def _ring(radius: float, z: float) -> FloatArray:
    angle = np.arange(_SIDES) * 2.0 * math.pi / _SIDES
    wide = radius / math.cos(math.pi / _SIDES)
    return np.stack([wide * np.cos(angle), wide * np.sin(angle), np.full(_SIDES, z)], axis=1)


def _ball(x: float, y: float, z: float) -> FloatArray:
    """Corners of a polyhedron around an ellipsoid: points over a sphere, pushed out until all faces clear."""
    index = np.arange(200) + 0.5
    height, turn = 1.0 - 2.0 * index / 200, math.pi * (1.0 + math.sqrt(5.0)) * index
    across = np.sqrt(1.0 - height**2)
    points = np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=1)
    inner = float(-ConvexHull(points).equations[:, 3].max())
    around: FloatArray = points / inner * np.array([x, y, z])
    return around
