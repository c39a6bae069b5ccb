"""A gate in a closed loop without physics: the arm is where it was commanded to be.

A robot goes by the name of its cell, or by one of the two that `robots.py` adds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tests.guards.robots import CELLS as CELLS
from tests.guards.robots import rig_of

from interlock.guards.body import BodyModel
from interlock.guards.config import GateConfig
from interlock.guards.constraint import Constraint
from interlock.guards.gate import Gate, GateOutput
from interlock.guards.intake import GateInput
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.embodiment import Embodiment
from interlock.hal.phase import Phase
from interlock.hal.scene import (
    Box,
    Capsule,
    ConvexHull,
    HalfSpace,
    ObjectKind,
    Part,
    Scene,
    SceneObject,
    Shape,
    Sphere,
)
from interlock.hal.state import GripperState, RobotState
from interlock.orchestrator.cell import Cell

Array = NDArray[np.float64]

TICK_NS = 10_000_000
NOW_NS = 1_000_000_000
PROVENANCE = Provenance(policy="test", version="1", config_sha256="", seed=0)
IDLE = Phase(
    task_id="", skill="", name="move", allowed=(), expires_ns=0, held=None, maybe_held=None, max_force_n=10.0
)


@cache
def cell_of(name: str) -> Cell:
    return Cell.load(name)


@cache
def body_of(name: str) -> BodyModel:
    return BodyModel.build(rig_of(name).robot)


@cache
def gate_of(name: str) -> Gate:
    return Gate(body_of(name), embodiment_of(name), rig_of(name).config)


def gate_with(name: str, constraints: tuple[Constraint, ...] = (), **config: object) -> Gate:
    """A gate of that robot with other numbers in its `GateConfig`."""
    told: GateConfig = replace(rig_of(name).config, **config)  # type: ignore[arg-type]
    return Gate(body_of(name), embodiment_of(name), told, constraints)


def embodiment_of(name: str) -> Embodiment:
    return rig_of(name).embodiment


def thing(
    name: str,
    shape: Shape,
    at: ArrayLike,
    *,
    kind: ObjectKind = ObjectKind.FIXED,
    std_m: float = 0.0,
    speed_m_s: float = 0.0,
    stamp_ns: int = NOW_NS,
    rotation: ArrayLike | None = None,
) -> SceneObject:
    """An object of one part."""
    pose = np.eye(4)
    pose[:3, 3] = at
    if rotation is not None:
        pose[:3, :3] = rotation
    return SceneObject(
        name=name,
        kind=kind,
        parts=(Part(shape=shape, part_in_object=np.eye(4)),),
        object_in_world=pose,
        position_std_m=std_m,
        max_speed_m_s=speed_m_s,
        stamp_ns=stamp_ns,
    )


def box(name: str, at: ArrayLike, half: ArrayLike, **more: object) -> SceneObject:
    return thing(name, Box(half_extents_m=half), at, **more)  # type: ignore[arg-type]


def ball(name: str, at: ArrayLike, radius_m: float, **more: object) -> SceneObject:
    return thing(name, Sphere(radius_m=radius_m), at, **more)  # type: ignore[arg-type]


def rod(name: str, at: ArrayLike, radius_m: float, length_m: float, **more: object) -> SceneObject:
    return thing(name, Capsule(radius_m=radius_m, length_m=length_m), at, **more)  # type: ignore[arg-type]


WEDGE = [
    [0.1, 0.1, -0.05],
    [0.1, -0.1, -0.05],
    [-0.1, 0.1, -0.05],
    [-0.1, -0.1, -0.05],
    [0.0, 0.1, 0.1],
    [0.0, -0.1, 0.1],
]
"""Corners of a roof: five faces, two of them triangles."""


def hull(name: str, at: ArrayLike, vertices_m: ArrayLike, **more: object) -> SceneObject:
    return thing(name, ConvexHull(vertices_m=vertices_m), at, **more)  # type: ignore[arg-type]


def plane(name: str, at: ArrayLike, normal: ArrayLike, offset_m: float, **more: object) -> SceneObject:
    return thing(name, HalfSpace(normal=normal, offset_m=offset_m), at, **more)  # type: ignore[arg-type]


def seen_at(objects: Iterable[SceneObject], stamp_ns: int, age_ns: int = 0) -> Scene:
    """A snapshot whose objects were seen `age_ns` before it."""
    return Scene(stamp_ns=stamp_ns, objects=tuple(replace(o, stamp_ns=stamp_ns - age_ns) for o in objects))


def cell_scene(name: str, stamp_ns: int = NOW_NS, seed: int = 0) -> Scene:
    return seen_at(cell_of(name).scene_objects(seed), stamp_ns)


def node_at_rest(q: ArrayLike) -> Array:
    node = np.zeros((3, len(np.asarray(q))))
    node[0] = q
    return node


def state_of(
    node: Array, stamp_ns: int = NOW_NS, *, width_m: float | None = 0.06, force_n: float = 0.0
) -> RobotState:
    """The state at a node, shape (3, n); `width_m` is None for a robot without a gripper."""
    return RobotState(
        stamp_ns=stamp_ns,
        q=node[0],
        v=node[1],
        q_commanded=node[0],
        v_commanded=node[1],
        a_commanded=node[2],
        gripper=None if width_m is None else GripperState(width_m=width_m, force_n=force_n),
        standstill=not node[1:].any(),
    )


def chunk_of(
    name: str,
    joints: Array,
    *,
    t0_ns: int = NOW_NS,
    seq: int = 0,
    width_m: float | Array = 0.06,
    dt_s: float = 0.04,
) -> ActionChunk:
    """A chunk through `joints`, shape (T, n), and a gripper's width if there is one."""
    body = embodiment_of(name)
    widths = np.broadcast_to(np.asarray(width_m, dtype=np.float64), (len(joints),))
    return ActionChunk(
        seq=seq,
        embodiment=body.fingerprint,
        samples=(np.hstack([joints, widths[:, None]]) if body.has_gripper else joints)[None],
        t_obs_ns=t0_ns,
        t_ready_ns=t0_ns,
        t0_ns=t0_ns,
        dt_s=dt_s,
        provenance=PROVENANCE,
    )


def straight(name: str, q: Array, target: Array, speed_rad_s: float, **more: object) -> ActionChunk:
    """From `q` to `target` in joint space, the fastest joint at `speed_rad_s`, started and ended abruptly."""
    way = target - q
    steps = np.arange(16)[:, None] * 0.04
    share = np.clip(steps * speed_rad_s / max(float(np.abs(way).max()), 1e-9), 0.0, 1.0)
    return chunk_of(name, q + way * share, **more)  # type: ignore[arg-type]


def hold(name: str, q: Array, **more: object) -> ActionChunk:
    return chunk_of(name, np.tile(q, (16, 1)), **more)  # type: ignore[arg-type]


def ask(
    name: str,
    node: Array,
    chunk: ActionChunk | None,
    scene: Scene,
    *,
    phase: Phase = IDLE,
    now_ns: int = NOW_NS,
    seq: int = 0,
    width_m: float = 0.06,
) -> GateInput:
    """Everything fresh and in order; what the phase holds is felt."""
    force_n = 10.0 if phase.held is not None else 0.0
    hand = rig_of(name).robot.gripper is not None
    return GateInput(
        seq=seq,
        epoch=1,
        now_ns=now_ns,
        lateness_ns=0,
        state=state_of(node, now_ns, width_m=width_m if hand else None, force_n=force_n),
        scene=scene,
        chunk=chunk,
        last_seq=-1,
        phase=phase,
    )


@dataclass
class Loop:
    """Plays what the gate releases, and the stop in hand when it refuses.

    Attributes:
        name: the cell.
        gate: the gate.
        objects: the world, which stands still.
        node: where the arm is, shape (3, n).
        tail: the stop in hand.
        now_ns: start of the next tick.
    """

    name: str
    gate: Gate
    objects: tuple[SceneObject, ...]
    node: Array
    tail: list[Array] = field(default_factory=list)
    now_ns: int = NOW_NS
    age_ns: int = 0
    phase: Phase = IDLE
    width_m: float = 0.06

    def given(self, chunk: ActionChunk | None) -> GateInput:
        scene = seen_at(self.objects, self.now_ns, self.age_ns)
        return ask(
            self.name, self.node, chunk, scene, phase=self.phase, now_ns=self.now_ns, width_m=self.width_m
        )

    def tick(self, chunk: ActionChunk | None) -> GateOutput:
        output = self.gate.decide(self.given(chunk))
        if output.command is not None:
            self.node, self.tail = np.array(output.command.end), list(output.command.tail)
        elif self.tail:
            self.node = np.array(self.tail.pop(0))
        self.now_ns += TICK_NS
        return output
