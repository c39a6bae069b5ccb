"""The moving solid for one phase: the body's capsules, and those of a held object behind them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interlock.guards.body import BodyModel
from interlock.hal.arrays import FloatArray
from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, SceneObject, Sphere

__all__ = ["HeldObject", "MovingSolid", "attach", "held_from_scene"]

_BULGE = 1.25  # of the quarter's own reach


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldObject:
    """An object that moves with the tool, as capsules in the frame of the tool's joint.

    Attributes:
        name: name of the object.
        a: first ends in the tool joint's frame, shape (k, 3), [m].
        b: second ends, shape (k, 3), [m].
        radius_m: radii, uncertainty included, shape (k,), [m].
        certain: True once it is measured to be held; until then it is only possible that it is.
    """

    name: str
    a: FloatArray
    b: FloatArray
    radius_m: FloatArray
    certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingSolid:
    """Arrays of everything that moves with the robot; see `BodyModel` for the meaning of each.

    `tube_m` and `pair_tube_m` are what the tracking tube can add to each capsule and pair, [m].
    `held_from` is the index of the first capsule of a held object.
    """

    cap_joint: NDArray[np.int64]
    cap_a: FloatArray
    cap_b: FloatArray
    cap_radius: FloatArray
    cap_link: tuple[str, ...]
    lever: FloatArray
    tube_m: FloatArray
    self_pairs: NDArray[np.int64]
    pair_lever: FloatArray
    pair_tube_m: FloatArray
    held_from: int

    @property
    def held_digest(self) -> str:
        """SHA-256 over the capsules of the held object, in the frame of the tool's joint."""
        sha = hashlib.sha256("|".join(self.cap_link[self.held_from :]).encode())
        for array in (self.cap_a, self.cap_b, self.cap_radius):
            sha.update(array[self.held_from :].tobytes())
        return sha.hexdigest()


def held_from_scene(thing: SceneObject, tool_joint_in_world: FloatArray, sigmas: float) -> HeldObject:
    """The capsules that hold `thing` at its present pose, fixed to the tool's joint.

    Args:
        thing: the object as last seen.
        tool_joint_in_world: pose of the tool's joint when it was seen, shape (4, 4), [m].
        sigmas: how many standard deviations of its position are added.
    """
    rows: list[tuple[FloatArray, FloatArray, float]] = []
    world_in_joint = np.linalg.inv(tool_joint_in_world)
    for part in thing.parts:
        pose = world_in_joint @ thing.object_in_world @ part.part_in_object
        match part.shape:
            case Box() as box:
                rows += _columns(pose, box)
            case ConvexHull() as hull:
                rows += _columns(*_boxed(pose, hull))
            case Capsule(radius_m=ball, length_m=length):
                reach = length / 2.0
                rows.append((pose[:3, 3] - reach * pose[:3, 2], pose[:3, 3] + reach * pose[:3, 2], ball))
            case Sphere(radius_m=ball):
                rows.append((pose[:3, 3], pose[:3, 3], ball))
            case HalfSpace():
                raise ValueError(f"{thing.name} has no end, which the scene's check did not refuse")
            case _:
                raise ValueError(f"{thing.name} has a shape that the scene's check did not refuse")
    extra = sigmas * thing.position_std_m
    return HeldObject(
        name=thing.name,
        a=np.array([r[0] for r in rows]),
        b=np.array([r[1] for r in rows]),
        radius_m=np.array([r[2] + extra for r in rows]),
        certain=False,
    )


def _boxed(pose: FloatArray, hull: ConvexHull) -> tuple[FloatArray, Box]:
    """The box around a hull along the axes of its part, and that box's pose."""
    lower, upper = hull.vertices_m.min(axis=0), hull.vertices_m.max(axis=0)
    centred = pose.copy()
    centred[:3, 3] += pose[:3, :3] @ ((lower + upper) / 2.0)
    return centred, Box(half_extents_m=(upper - lower) / 2.0)


def _columns(pose: FloatArray, box: Box) -> list[tuple[FloatArray, FloatArray, float]]:
    """Four capsules that hold a box: one for each quarter of its cross-section, along its longest edge.

    A quarter reaches rho from its own axis. A ball of radius r > rho at the end of a segment that stops short
    of the face by sqrt(r^2 - rho^2) still holds the corner, and bulges less over the face than r = rho would.
    """
    half = box.half_extents_m
    along = int(np.argmax(half))
    one, two = (axis for axis in range(3) if axis != along)
    rho = float(np.hypot(half[one], half[two])) / 2.0
    radius = _BULGE * rho
    reach = max(0.0, float(half[along]) - float(np.sqrt(radius * radius - rho * rho)))
    if reach == 0.0:
        radius = float(np.hypot(rho, half[along]))
    rows = []
    for sign_one in (-0.5, 0.5):
        for sign_two in (-0.5, 0.5):
            offset = sign_one * half[one] * pose[:3, one] + sign_two * half[two] * pose[:3, two]
            centre = pose[:3, 3] + offset
            rows.append((centre - reach * pose[:3, along], centre + reach * pose[:3, along], radius))
    return rows


def attach(body: BodyModel, held: HeldObject | None) -> MovingSolid:
    """The body's capsules, with those of `held` behind them.

    A held object is judged against every link but the ones rigidly on the tool's joint.
    """
    tube = body.robot.tube.position_rad
    joint, a, b, radius = body.cap_joint, body.cap_a, body.cap_b, body.cap_radius
    links, lever = body.cap_link, body.lever
    pairs, pair_lever = body.self_pairs, body.pair_lever
    count = len(links)
    if held is not None:
        more = len(held.radius_m)
        ends = np.maximum(
            np.linalg.norm(held.a - body.tool_pos, axis=1), np.linalg.norm(held.b - body.tool_pos, axis=1)
        )
        reach = (ends + held.radius_m)[:, None]
        own = np.where(body.tool_lever > 0.0, body.tool_lever + reach, 0.0)
        joint = np.append(joint, np.full(more, body.tool_joint, dtype=np.int64))
        a, b = np.vstack([a, held.a]), np.vstack([b, held.b])
        radius = np.append(radius, held.radius_m)
        links = (*links, *[held.name] * more)
        lever = np.vstack([lever, own])
        others = [
            (c, count + k) for c in range(count) if body.cap_joint[c] != body.tool_joint for k in range(more)
        ]
        pairs = np.vstack([pairs, np.array(others, dtype=np.int64).reshape(-1, 2)])
        # a joint that carries both does not change their distance
        relative = [
            np.where((lever[c] > 0.0) == (lever[h] > 0.0), 0.0, lever[c] + lever[h]) for c, h in others
        ]
        pair_lever = np.vstack([pair_lever, np.array(relative).reshape(-1, body.n)])
    return MovingSolid(
        cap_joint=np.ascontiguousarray(joint),
        cap_a=np.ascontiguousarray(a),
        cap_b=np.ascontiguousarray(b),
        cap_radius=np.ascontiguousarray(radius),
        cap_link=links,
        lever=np.ascontiguousarray(lever),
        tube_m=lever.sum(axis=1) * tube,
        self_pairs=np.ascontiguousarray(pairs),
        pair_lever=np.ascontiguousarray(pair_lever),
        pair_tube_m=pair_lever.sum(axis=1) * tube,
        held_from=count,
    )
