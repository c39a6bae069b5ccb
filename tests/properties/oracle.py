"""Ground truth for what a gate released: hulls by coal, kinematics by Pinocchio, the curve by definition.

It shares with the guards the robot's description (links, hulls, limits) and no code that judges a motion.
"""

from __future__ import annotations

import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import coal
import numpy as np
import pinocchio
from numpy.typing import NDArray

from interlock.guards.body import BodyModel
from interlock.hal.command import GuardedCommand
from interlock.hal.robot import JointLimits
from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, SceneObject, Shape
from interlock.hal.zone import Zone, ZoneKind

Array = NDArray[np.float64]

PER_TICK = 20
"""Samples of the curve in one period."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A convex solid, its pose in the frame of its joint (-1: the world), and a ball about it."""

    name: str
    joint: int
    solid: Any
    place: Array
    radius: float
    half: Array | None = None


class Pair(NamedTuple):
    """Two solids that may not touch; the second may move `start_m` at once and then at `speed_m_s`."""

    first: Piece
    second: Piece
    start_m: float
    speed_m_s: float


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Least distance of a pair less what the second may have moved, [m], and when, [s]."""

    pair: Pair
    slack: float
    time_s: float

    @property
    def first(self) -> str:
        return self.pair.first.name

    @property
    def second(self) -> str:
        return self.pair.second.name


def sample_curve(nodes: Array, period_s: float, per_tick: int = PER_TICK) -> tuple[Array, Array]:
    """Times (s,) and positions (s, n) on the curve whose acceleration is linear between nodes (m, 3, n)."""
    times, places = [], []
    for k, (left, right) in enumerate(pairwise(nodes)):
        for step in range(per_tick):
            t = period_s * step / per_tick
            ramp = (right[2] - left[2]) / period_s  # q''' is constant, integrate it three times
            times.append(k * period_s + t)
            places.append(left[0] + t * left[1] + t**2 / 2 * left[2] + t**3 / 6 * ramp)
    times.append((len(nodes) - 1) * period_s)
    places.append(nodes[-1][0])
    return np.array(times), np.array(places)


def nodes_of(command: GuardedCommand) -> Array:
    return np.concatenate([command.start[None], command.end[None], command.tail])


def largest_jump(nodes: Array, period_s: float) -> float:
    """How far any node is from where the curve from the one before leads, in position and velocity."""
    left, right = nodes[:-1], nodes[1:]
    ramp = (right[:, 2] - left[:, 2]) / period_s
    q = left[:, 0] + period_s * left[:, 1] + period_s**2 / 2 * left[:, 2] + period_s**3 / 6 * ramp
    v = left[:, 1] + period_s * left[:, 2] + period_s**2 / 2 * ramp
    return float(max(np.abs(q - right[:, 0]).max(), np.abs(v - right[:, 1]).max()))


def convex(vertices: Array) -> object:
    """The hull of points as a solid of coal."""
    points = coal.StdVec_Vec3s()
    for vertex in vertices:
        points.append(np.asarray(vertex))
    return coal.ConvexBase.convexHull(points, True, "Qt")


def _part(name: str, joint: int, shape: Shape, place: Array) -> Piece:
    if isinstance(shape, Box):
        half = np.array(shape.half_extents_m)
        radius = float(np.linalg.norm(half))
        return Piece(
            name=name, joint=joint, solid=coal.Box(*(2.0 * half)), place=place, radius=radius, half=half
        )
    if isinstance(shape, ConvexHull):
        radius = float(np.linalg.norm(shape.vertices_m, axis=1).max())
        return Piece(name=name, joint=joint, solid=convex(shape.vertices_m), place=place, radius=radius)
    if isinstance(shape, HalfSpace):
        endless = coal.Halfspace(np.array(shape.normal), shape.offset_m)
        return Piece(name=name, joint=joint, solid=endless, place=place, radius=np.inf)
    if isinstance(shape, Capsule):
        solid, radius = coal.Capsule(shape.radius_m, shape.length_m), shape.radius_m + shape.length_m / 2.0
    else:
        solid, radius = coal.Sphere(shape.radius_m), shape.radius_m
    return Piece(name=name, joint=joint, solid=solid, place=place, radius=radius)


def _transform(pose: Array) -> object:
    return coal.Transform3s(np.ascontiguousarray(pose[:3, :3]), np.ascontiguousarray(pose[:3, 3]))


class Hangs:
    """Which links are of one piece or meet at a joint by design; read from the URDF.

    Several arms on one base: the base of one is no neighbour of another.
    """

    def __init__(self, body: BodyModel) -> None:
        root = ElementTree.parse(body.robot.urdf).getroot()
        carrier = {joint.get("name"): joint.find("parent").get("link") for joint in root.findall("joint")}
        self.parent = [int(p) for p in body.joint_parent]
        self.mount = [carrier[name] for name in body.robot.limits.names]
        self.arms = self.parent.count(-1)

    def together(self, one: str, joint: int, other: str, other_joint: int) -> bool:
        """Whether two links, each with the arm joint that carries it (-1: the world), are never judged."""
        if joint == other_joint:
            return True
        for name, carries, carried in ((one, joint, other_joint), (other, other_joint, joint)):
            if carried >= 0 and self.parent[carried] == carries:
                return carries >= 0 or self.arms == 1 or self.mount[carried] == name
        return False


class _Path:
    """A piece along a motion: its poses (s, 4, 4) and a bound on the way of any point so far (s,), [m]."""

    def __init__(self, piece: Piece, frames: Array) -> None:
        if piece.joint < 0:
            self.poses = np.broadcast_to(piece.place, (len(frames), 4, 4))
            self.way = np.zeros(len(frames))
            return
        self.poses = np.asarray(frames[:, piece.joint] @ piece.place)
        steps = np.diff(self.poses, axis=0)
        moved = np.linalg.norm(steps[:, :3, 3], axis=1)
        turned = np.linalg.norm(steps[:, :3, :3], axis=(1, 2))
        self.way = np.concatenate([[0.0], np.cumsum(moved + piece.radius * turned)])


class Oracle:
    """Judges motions of one robot.

    Args:
        body: where the robot's description and its hulls come from.
        width_m: width at which the gripper really is, [m].
    """

    def __init__(self, body: BodyModel, width_m: float) -> None:
        self.body = body
        self.robot = body.robot
        self.model = body.pin_model
        self.data = self.model.createData()
        self.ids = [self.model.getJointId(name) for name in self.robot.limits.names]
        self.base = self.robot.base_in_world
        self.links = [self._link(h.link, h.joint, np.asarray(h.vertices)) for h in body.hulls(width_m)]
        self.tool_joint = body.tool_joint
        tool = np.eye(4)
        tool[:3, :3], tool[:3, 3] = body.tool_rot, body.tool_pos
        self.tool_in_joint = tool
        touching = {frozenset(pair) for pair in self.robot.touching_pairs}
        hangs = Hangs(body)
        self.pairs = [
            (a, b)
            for i, a in enumerate(self.links)
            for b in self.links[i + 1 :]
            if not hangs.together(a.name, a.joint, b.name, b.joint)
            and frozenset((a.name, b.name)) not in touching
        ]
        self._request = coal.DistanceRequest()
        self._result = coal.DistanceResult()

    @staticmethod
    def _link(name: str, joint: int, vertices: Array) -> Piece:
        centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2.0
        place = np.eye(4)
        place[:3, 3] = centre
        radius = float(np.linalg.norm(vertices - centre, axis=1).max())
        return Piece(name=name, joint=joint, solid=convex(vertices - centre), place=place, radius=radius)

    def parts_of(self, things: Iterable[SceneObject]) -> list[Piece]:
        """The parts of objects, in the world."""
        return [
            _part(thing.name, -1, part.shape, thing.object_in_world @ part.part_in_object)
            for thing in things
            for part in thing.parts
        ]

    def zone_part(self, zone: Zone) -> Piece:
        """A keep-out zone as a solid."""
        place = np.eye(4)
        place[:3, 3] = (zone.lower + zone.upper) / 2.0
        return _part(zone.name, -1, Box(half_extents_m=(zone.upper - zone.lower) / 2.0), place)

    def carried(self, thing: SceneObject, q: Array) -> list[Piece]:
        """The parts of an object that moves with the tool from where it is at `q`."""
        world_in_joint = np.linalg.inv(self.frames(q)[self.tool_joint])
        return [
            _part(
                thing.name,
                self.tool_joint,
                part.shape,
                world_in_joint @ thing.object_in_world @ part.part_in_object,
            )
            for part in thing.parts
        ]

    def frames(self, q: Array) -> Array:
        """Pose of every joint in the world, shape (n, 4, 4)."""
        return np.asarray(self.all_frames(q[None])[0])

    def all_frames(self, places: Array) -> Array:
        """Pose of every joint in the world at each of (s, n) positions, shape (s, n, 4, 4)."""
        found = np.empty((len(places), len(self.ids), 4, 4))
        for s, q in enumerate(places):
            pinocchio.forwardKinematics(self.model, self.data, np.ascontiguousarray(q))
            for k, i in enumerate(self.ids):
                found[s, k] = self.data.oMi[i].homogeneous
        return np.asarray(self.base @ found)

    def tool(self, q: Array) -> Array:
        """Position of the TCP, (3,)."""
        return np.asarray(self.tools(q[None])[0])

    def tools(self, places: Array) -> Array:
        """Position of the TCP at each of (s, n) positions, shape (s, 3)."""
        joint, found = self.ids[self.tool_joint], np.empty((len(places), 4, 4))
        for s, q in enumerate(places):
            pinocchio.forwardKinematics(self.model, self.data, np.ascontiguousarray(q))
            found[s] = self.data.oMi[joint].homogeneous
        return np.asarray((self.base @ found @ self.tool_in_joint)[:, :3, 3])

    def poses(self, piece: Piece, frames: Array) -> Array:
        """Pose of a piece at every sample, shape (s, 4, 4); frames has shape (s, n, 4, 4)."""
        if piece.joint < 0:
            return np.broadcast_to(piece.place, (len(frames), 4, 4))
        return np.asarray(frames[:, piece.joint] @ piece.place)

    def distance(self, a: Piece, b: Piece, pose_a: Array, pose_b: Array) -> tuple[float, Array, Array]:
        """Signed distance of two solids and their closest points in the world."""
        self._result.clear()
        gap = coal.distance(
            a.solid, _transform(pose_a), b.solid, _transform(pose_b), self._request, self._result
        )
        return gap, np.array(self._result.getNearestPoint1()), np.array(self._result.getNearestPoint2())

    def gaps(self, pairs: list[Pair], times: Array, frames: Array, interest_m: float = 0.02) -> list[Gap]:
        """For each pair the least slack over all samples, (s,) times and (s, n, 4, 4) frames.

        A sample is left out where the way of both since another one shows that it is no nearer than the
        nearest so far, or than `interest_m`; so the least is that of all samples wherever it is below that.
        """
        paths: dict[int, _Path] = {}
        found = []
        for pair in pairs:
            a, b = pair.first, pair.second
            first, second = (
                paths[id(piece)] if id(piece) in paths else paths.setdefault(id(piece), _Path(piece, frames))
                for piece in (a, b)
            )
            moved = pair.start_m + pair.speed_m_s * times
            way = first.way + second.way + pair.speed_m_s * times
            if _ball_gap(a, b, first.poses[0], second.poses[0]) - moved[0] - way[-1] > interest_m:
                continue
            best: Gap | None = None
            s = 0
            while s < len(times):
                slack = self.distance(a, b, first.poses[s], second.poses[s])[0] - float(moved[s])
                if best is None or slack < best.slack:
                    best = Gap(pair=pair, slack=slack, time_s=float(times[s]))
                room = slack - min(best.slack, interest_m) - 1e-9
                s = max(s + 1, int(np.searchsorted(way, way[s] + room)))
            if best is not None:
                found.append(best)
        return found

    def hit_by_adversary(self, pair: Pair, q: Array, moved_m: float, directions: Array) -> float:
        """Least distance at `q` when the second has moved `moved_m`: straight at the first, or anywhere."""
        frames = self.frames(q)[None]
        a, b = pair.first, pair.second
        pose_a, pose_b = np.array(self.poses(a, frames)[0]), np.array(self.poses(b, frames)[0])
        _, ours, theirs = self.distance(a, b, pose_a, pose_b)
        way = (ours - theirs) / np.linalg.norm(ours - theirs)
        least = np.inf
        for direction in [way, *directions]:
            shifted = pose_b.copy()
            shifted[:3, 3] += moved_m * direction
            least = min(least, self.distance(a, b, pose_a, shifted)[0])
        return float(least)

    @staticmethod
    def limit_faults(places: Array, dt_s: float, limits: JointLimits) -> list[str]:
        """Limits broken by positions (s, n) sampled every `dt_s`, by difference quotients."""
        v = np.diff(places, axis=0) / dt_s
        a = np.diff(v, axis=0) / dt_s
        j = np.diff(a, axis=0) / dt_s
        rounding = 8.0 * np.finfo(float).eps * np.abs(places).max(initial=1.0)
        faults = []
        if (places < limits.q_min).any() or (places > limits.q_max).any():
            faults.append("position")
        for what, values, bound, order in (
            ("velocity", v, limits.v_max, 1),
            ("acceleration", a, limits.a_max, 2),
            ("jerk", j, limits.j_max, 3),
        ):
            if (np.abs(values) > bound * (1.0 + 1e-6) + rounding / dt_s**order).any():
                faults.append(what)
        return faults


def _ball_gap(a: Piece, b: Piece, pose_a: Array, pose_b: Array) -> float:
    """What the distance of two solids is at least, by balls about them, or the box that the second is."""
    way = pose_a[:3, 3] - pose_b[:3, 3]
    apart = float(np.linalg.norm(way)) - a.radius - b.radius
    if b.half is None:  # a ball about a table says nothing
        return apart
    outside = np.maximum(np.abs(pose_b[:3, :3].T @ way) - b.half, 0.0)
    return max(apart, float(np.linalg.norm(outside)) - a.radius)


def keep_in(zones: Iterable[Zone]) -> list[Zone]:
    return [z for z in zones if z.kind is ZoneKind.KEEP_IN]


def keep_out(zones: Iterable[Zone]) -> list[Zone]:
    return [z for z in zones if z.kind is ZoneKind.KEEP_OUT]


warnings.filterwarnings("ignore", message="enable_nearest_points", category=DeprecationWarning)
