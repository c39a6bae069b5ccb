"""What the gate was asked at each tick, bit for bit: enough to ask it again.

State and chunk are records of their own (`/state` of the same tick, `/chunk` of the named digest). A thing of
the scene is written in full once; while nothing but its stamp changes, only name and stamp are. An earlier
scene names each of its things by the tick whose question last held it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from interlock.guards.intake import GateInput
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.phase import AllowedContact, Phase
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
from interlock.traces.encoding import encode, number, packed, unpacked

__all__ = [
    "QuestionLog",
    "QuestionReader",
    "chunk_from",
    "part_record",
    "phase_fields",
    "same_scene",
    "state_from",
]

Record = dict[str, Any]

_NAMES = {
    Box: "box",
    Sphere: "sphere",
    Capsule: "capsule",
    ConvexHull: "convex_hull",
    HalfSpace: "half_space",
}
_UNKNOWN = "unknown"

_MEMORY = 200
"""How many questions back an earlier scene may name a thing by its tick."""


class _Memory:
    """The things of the last `_MEMORY` questions, and the last sighting of each name, whenever that was."""

    def __init__(self) -> None:
        self._by_tick: dict[int, dict[str, SceneObject]] = {}
        self._last: dict[str, tuple[int, SceneObject]] = {}

    def add(self, tick: int, things: Iterable[SceneObject]) -> None:
        seen = {thing.name: thing for thing in things}
        self._by_tick[tick] = seen
        self._last |= {name: (tick, thing) for name, thing in seen.items()}
        if len(self._by_tick) > _MEMORY:
            del self._by_tick[next(iter(self._by_tick))]

    def last(self, name: str) -> SceneObject | None:
        return self._last[name][1] if name in self._last else None

    def tick_of(self, thing: SceneObject) -> int | None:
        """The tick whose question held this very thing."""
        tick, last = self._last.get(thing.name, (-1, None))
        if last is thing:
            return tick
        return next((t for t, seen in self._by_tick.items() if seen.get(thing.name) is thing), None)

    def at(self, tick: int, name: str) -> SceneObject:
        last = self._last.get(name)
        return last[1] if last is not None and last[0] == tick else self._by_tick[tick][name]


class QuestionLog:
    """Writes questions; it remembers what was written, so that a question costs little after the first."""

    def __init__(self) -> None:
        self._memory = _Memory()
        self._phase: Phase | None = None

    def record(self, given: GateInput, tick: int) -> Record:
        """The question of `tick`, but for state and chunk, which have records of their own."""
        phase = None if given.phase == self._phase else phase_fields(given.phase)
        self._phase = given.phase
        # all is written before anything is remembered: within a question nothing refers to itself
        scene = {
            "stamp_ns": given.scene.stamp_ns,
            "objects": [self._thing(thing) for thing in given.scene.objects],
        }
        earlier = [
            {"stamp_ns": s.stamp_ns, "objects": [self._reference(thing) for thing in s.objects]}
            for s in given.earlier
        ]
        if len({thing.name for thing in given.scene.objects}) == len(given.scene.objects):
            self._memory.add(tick, given.scene.objects)
        return {
            "tick": tick,
            "seq": given.seq,
            "epoch": given.epoch,
            "now_ns": given.now_ns,
            "lateness_ns": given.lateness_ns,
            "last_seq": given.last_seq,
            "chunk": None if given.chunk is None else given.chunk.digest,
            "reshaped": given.reshaped,
            "phase": phase,
            "scene": scene,
            "earlier": earlier,
        }

    def _thing(self, thing: SceneObject) -> Record:
        known = self._memory.last(thing.name)
        if known is not None and _same_but_for_its_stamp(known, thing):
            return {"name": thing.name, "stamp_ns": thing.stamp_ns}
        return _thing_record(thing, with_parts=known is None or known.parts is not thing.parts)

    def _reference(self, thing: SceneObject) -> Record:
        tick = self._memory.tick_of(thing)
        return _thing_record(thing) if tick is None else {"name": thing.name, "tick": tick}


class QuestionReader:
    """Reads back what `QuestionLog` wrote, in the order it was written."""

    def __init__(self) -> None:
        self._memory = _Memory()
        self._phase: Phase | None = None

    def read(self, record: Mapping[str, Any], state: RobotState, chunk: ActionChunk | None) -> GateInput:
        """The question, with its tick's state and the chunk it names.

        Raises:
            KeyError: if it refers to something that was not recorded before.
        """
        if record["phase"] is not None:
            self._phase = _phase_from(record["phase"])
        if self._phase is None:
            raise KeyError("phase")
        scene = Scene(
            stamp_ns=record["scene"]["stamp_ns"],
            objects=tuple(self._thing(thing) for thing in record["scene"]["objects"]),
        )
        earlier = tuple(
            Scene(stamp_ns=s["stamp_ns"], objects=tuple(self._referred(thing) for thing in s["objects"]))
            for s in record["earlier"]
        )
        if len({thing.name for thing in scene.objects}) == len(scene.objects):
            self._memory.add(record["tick"], scene.objects)
        return GateInput(
            seq=record["seq"],
            epoch=record["epoch"],
            now_ns=record["now_ns"],
            lateness_ns=record["lateness_ns"],
            state=state,
            scene=scene,
            chunk=chunk,
            last_seq=record["last_seq"],
            phase=self._phase,
            reshaped=None if record["reshaped"] is None else tuple(record["reshaped"]),
            earlier=earlier,
        )

    def _thing(self, record: Mapping[str, Any]) -> SceneObject:
        known = self._memory.last(record["name"])
        if "pose" not in record:
            if known is None:
                raise KeyError(record["name"])
            return _restamped(known, record["stamp_ns"])
        return _thing_from(record, known)

    def _referred(self, record: Mapping[str, Any]) -> SceneObject:
        if "tick" in record:
            return self._memory.at(record["tick"], record["name"])
        return _thing_from(record, None)


def part_record(part: Part) -> Record:
    """One shape of an object, with its pose in it; of an unknown shape, its class's name alone."""
    shape, pose = part.shape, packed(part.part_in_object)
    if type(shape) not in _NAMES:  # a class derived from a known one may mean anything by its fields
        return {"shape": _UNKNOWN, "class": type(shape).__name__, "pose": pose}
    record: Record = {"shape": _NAMES[type(shape)], "pose": pose}
    if isinstance(shape, ConvexHull):
        return record | {"vertices_m": packed(shape.vertices_m)}
    if isinstance(shape, HalfSpace):
        return record | {"normal": packed(shape.normal), "offset_m": shape.offset_m}
    if isinstance(shape, Box):
        return record | {"half_extents_m": shape.half_extents_m.tolist()}
    if isinstance(shape, Sphere):
        return record | {"radius_m": shape.radius_m}
    return record | {"radius_m": shape.radius_m, "length_m": shape.length_m}


def phase_fields(phase: Phase) -> Record:
    """A phase as it was granted."""
    return {
        "task_id": phase.task_id,
        "skill": phase.skill,
        "name": phase.name,
        "allowed": [(pair.link, pair.other) for pair in phase.allowed],
        "expires_ns": phase.expires_ns,
        "held": phase.held,
        "maybe_held": phase.maybe_held,
        "max_force_n": phase.max_force_n,
        "gripper_may_open": phase.gripper_may_open,
    }


def same_scene(one: Scene, other: Scene) -> bool:
    """Whether two scenes hold the same things in the same order, bit for bit."""
    return (
        one.stamp_ns == other.stamp_ns
        and len(one.objects) == len(other.objects)
        and all(
            a is b or encode(_thing_record(a)) == encode(_thing_record(b))
            for a, b in zip(one.objects, other.objects, strict=True)
        )
    )


def state_from(record: Mapping[str, Any]) -> RobotState:
    """The state of a `/state` record."""
    hand = record["gripper"]
    arrays = {
        name: [number(value) for value in record[name]]
        for name in ("q", "v", "q_commanded", "v_commanded", "a_commanded")
    }
    return RobotState(
        stamp_ns=record["observed_ns"],
        gripper=None
        if hand is None
        else GripperState(width_m=number(hand["width_m"]), force_n=number(hand["force_n"])),
        standstill=record["standstill"],
        **arrays,  # type: ignore[arg-type]
    )


def chunk_from(record: Mapping[str, Any]) -> ActionChunk:
    """The chunk of a `/chunk` record."""
    return ActionChunk(
        seq=record["seq"],
        embodiment=record["embodiment"],
        samples=unpacked(record["samples"]),
        t_obs_ns=record["t_obs_ns"],
        t_ready_ns=record["t_ready_ns"],
        t0_ns=record["t0_ns"],
        dt_s=number(record["dt_s"]),
        provenance=Provenance(**record["provenance"]),
        anchor=None if record["anchor"] is None else unpacked(record["anchor"]),
        spread=unpacked(record["spread"]) if "spread" in record else None,
    )


def _phase_from(record: Mapping[str, Any]) -> Phase:
    return Phase(
        task_id=record["task_id"],
        skill=record["skill"],
        name=record["name"],
        allowed=tuple(AllowedContact(link=link, other=other) for link, other in record["allowed"]),
        expires_ns=record["expires_ns"],
        held=record["held"],
        maybe_held=record["maybe_held"],
        max_force_n=number(record["max_force_n"]),
        gripper_may_open=record["gripper_may_open"],
    )


def _thing_record(thing: SceneObject, *, with_parts: bool = True) -> Record:
    record: Record = {
        "name": thing.name,
        "kind": thing.kind,
        "pose": packed(thing.object_in_world),
        "position_std_m": thing.position_std_m,
        "max_speed_m_s": thing.max_speed_m_s,
        "stamp_ns": thing.stamp_ns,
    }
    return record | {"parts": [part_record(part) for part in thing.parts]} if with_parts else record


def _thing_from(record: Mapping[str, Any], known: SceneObject | None) -> SceneObject:
    if "parts" in record:
        parts = tuple(_part_from(part) for part in record["parts"])
    elif known is not None:
        parts = known.parts
    else:
        raise KeyError(record["name"])
    return SceneObject(
        name=record["name"],
        kind=ObjectKind(record["kind"]),
        parts=parts,
        object_in_world=unpacked(record["pose"]),
        position_std_m=number(record["position_std_m"]),
        max_speed_m_s=number(record["max_speed_m_s"]),
        stamp_ns=record["stamp_ns"],
    )


def _part_from(record: Mapping[str, Any]) -> Part:
    shape: Shape
    if record["shape"] == "box":
        shape = Box(half_extents_m=[number(value) for value in record["half_extents_m"]])  # type: ignore[arg-type]
    elif record["shape"] == "sphere":
        shape = Sphere(radius_m=number(record["radius_m"]))
    elif record["shape"] == "convex_hull":
        shape = ConvexHull(vertices_m=unpacked(record["vertices_m"]))
    elif record["shape"] == "half_space":
        shape = HalfSpace(normal=unpacked(record["normal"]), offset_m=number(record["offset_m"]))
    elif record["shape"] == "capsule":
        shape = Capsule(radius_m=number(record["radius_m"]), length_m=number(record["length_m"]))
    elif (
        record["shape"] == _UNKNOWN
    ):  # the gate says of it now what it said then: that it knows no such class
        shape = type(record["class"], (), {})()
    else:
        raise ValueError(f"shape {record['shape']!r}")
    return Part(shape=shape, part_in_object=unpacked(record["pose"]))


def _restamped(thing: SceneObject, stamp_ns: int) -> SceneObject:
    return SceneObject(
        name=thing.name,
        kind=thing.kind,
        parts=thing.parts,
        object_in_world=thing.object_in_world,
        position_std_m=thing.position_std_m,
        max_speed_m_s=thing.max_speed_m_s,
        stamp_ns=stamp_ns,
    )


def _same_but_for_its_stamp(known: SceneObject, thing: SceneObject) -> bool:
    return (
        known.parts is thing.parts
        and known.kind is thing.kind
        and _bits(known.object_in_world) == _bits(thing.object_in_world)
        and repr((known.position_std_m, known.max_speed_m_s))
        == repr((thing.position_std_m, thing.max_speed_m_s))
    )


def _bits(array: FloatArray) -> bytes:
    return array.tobytes()
