"""What the gate was asked comes back from its record bit for bit."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from interlock.guards.intake import GateInput
from interlock.guards.scene_check import scene_fault
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
    Sphere,
)
from interlock.hal.state import GripperState, RobotState
from interlock.traces.encoding import encode, packed
from interlock.traces.questions import QuestionLog, QuestionReader, chunk_from, state_from
from interlock.traces.records import chunk_record
from interlock.traces.topics import topic_named

SHAPES = (
    Box(half_extents_m=[0.1, 0.2, 1.0 / 3.0]),
    Sphere(radius_m=0.1),
    Capsule(radius_m=0.05, length_m=0.3),
    ConvexHull(vertices_m=[[0.0, 0.0, 1.0 / 3.0], [0.1, 0.0, -0.0], [0.0, 5e-324, 0.0], [0.1, 0.1, np.nan]]),
    HalfSpace(normal=[0.0, 0.6, 0.8], offset_m=float("-inf")),
)
QUESTION = Draft202012Validator(topic_named("/question").schema)
PHASE = Phase(
    task_id="t1",
    skill="pick",
    name="grasp",
    allowed=(AllowedContact(link="finger", other="block"),),
    expires_ns=9,
    held=None,
    maybe_held="block",
    max_force_n=20.0,
    gripper_may_open=False,
)
STATE = RobotState(
    stamp_ns=1,
    q=[0.1, -0.0],
    v=[1.0 / 3.0, 5e-324],
    q_commanded=[0.1, 0.2],
    v_commanded=[0.0, 0.0],
    a_commanded=[0.0, 0.0],
    gripper=GripperState(width_m=0.04, force_n=2.0),
    standstill=False,
)


def thing(name: str, stamp_ns: int, x: float = 0.1, **more: Any) -> SceneObject:
    pose = np.eye(4)
    pose[0, 3] = x
    made = SceneObject(
        name=name,
        kind=ObjectKind.MOVABLE,
        parts=PARTS[0],
        object_in_world=pose,
        position_std_m=0.001,
        max_speed_m_s=0.0,
        stamp_ns=stamp_ns,
    )
    return replace(made, **more)


PARTS = tuple((Part(shape=shape, part_in_object=np.eye(4)),) for shape in SHAPES)


def question(
    scene: Scene, *earlier: Scene, phase: Phase = PHASE, chunk: ActionChunk | None = None
) -> GateInput:
    return GateInput(
        seq=3,
        epoch=2,
        now_ns=10,
        lateness_ns=1,
        state=STATE,
        scene=scene,
        chunk=chunk,
        last_seq=-1,
        phase=phase,
        earlier=earlier,
    )


def same(one: Any, other: Any) -> bool:
    """Equal, every float to the last bit."""
    if is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)
        )
    if isinstance(one, np.ndarray):
        return one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and repr(one) == repr(other)


class Wire:
    """Writes questions as a trace does, and reads them back."""

    def __init__(self) -> None:
        self.log, self.reader, self.tick = QuestionLog(), QuestionReader(), -1
        self.record: dict[str, Any] = {}

    def send(self, asked: GateInput) -> GateInput:
        self.tick += 1
        data = encode(self.log.record(asked, self.tick))
        self.record = json.loads(data)
        QUESTION.validate(self.record)
        return self.reader.read(self.record, asked.state, asked.chunk)


def scene(stamp_ns: int, *things: SceneObject) -> Scene:
    return Scene(stamp_ns=stamp_ns, objects=things)


def test_a_thing_that_only_grows_older_costs_its_name_and_stamp() -> None:
    wire = Wire()
    for stamp in (1, 2):
        asked = question(scene(stamp, thing("block", stamp)))
        assert same(wire.send(asked), asked)
    assert wire.record["scene"]["objects"] == [{"name": "block", "stamp_ns": 2}]
    assert wire.record["phase"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"x": 0.2},
        {"kind": ObjectKind.FIXED},
        {"parts": PARTS[1]},
        {"parts": PARTS[2]},
        {"parts": PARTS[3]},
        {"parts": PARTS[4]},
        {"position_std_m": float("nan")},
        {"max_speed_m_s": float("inf")},
        {"position_std_m": -0.0},
    ],
)
def test_a_thing_that_changed_is_written_as_it_is_now(change: dict[str, Any]) -> None:
    wire = Wire()
    wire.send(question(scene(1, thing("block", 1))))
    asked = question(scene(2, thing("block", 2, **change)))
    assert same(wire.send(asked), asked)


def test_what_the_gate_looks_back_at_is_named_by_its_tick() -> None:
    wire = Wire()
    old = scene(1, thing("block", 1), thing("ball", 1))
    wire.send(question(old))
    newer = scene(2, thing("block", 2, x=0.3))  # the ball is gone
    known = scene(2, newer.objects[0], old.objects[1])
    wire.send(question(newer, old))
    asked = question(scene(3, thing("block", 3)), known, old)
    assert same(wire.send(asked), asked)
    assert wire.record["earlier"][0]["objects"] == [{"name": "block", "tick": 1}, {"name": "ball", "tick": 0}]


def test_what_was_never_recorded_is_written_out() -> None:
    """In real time a slow disk may cost ticks: what they held is not to be referred to."""
    wire = Wire()
    lost = scene(1, thing("block", 1), thing("ball", 1, parts=PARTS[1]))
    asked = question(scene(2, thing("block", 2)), lost)
    assert same(wire.send(asked), asked)


def test_long_runs_forget_ticks_but_never_a_last_sighting() -> None:
    wire = Wire()
    first = scene(1, thing("block", 1), thing("ball", 1))
    wire.send(question(first))
    for stamp in range(2, 450):
        wire.send(question(scene(stamp, thing("block", stamp))))
    asked = question(
        scene(450, thing("block", 450)), scene(449, thing("block", 449), first.objects[1]), first
    )
    assert same(wire.send(asked), asked)
    assert {"name": "ball", "tick": 0} in wire.record["earlier"][0]["objects"]


def test_one_name_twice_is_written_whole_and_remembered_not_at_all() -> None:
    wire = Wire()
    twice = scene(1, thing("block", 1), thing("block", 1, x=0.7))
    for asked in (
        question(twice),
        question(scene(2, thing("block", 2, x=0.7)), twice),
        question(twice, twice),
    ):
        assert same(wire.send(asked), asked)


things = st.builds(
    lambda name, x, std, speed, parts, kind: (name, x, std, speed, parts, kind),
    st.sampled_from("abc"),
    st.sampled_from([0.1, 0.2, float("nan"), float("-inf"), -0.0]),
    st.sampled_from([0.0, 0.001]),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from(PARTS),
    st.sampled_from(list(ObjectKind)),
)


@settings(max_examples=60)
@hypothesis_given(st.lists(st.lists(things, max_size=4), min_size=1, max_size=8), st.randoms())
def test_any_run_of_questions_comes_back(run: list[list[Any]], random: Any) -> None:
    wire, seen = Wire(), []
    for stamp, found in enumerate(run):
        now = scene(
            stamp,
            *(
                thing(name, stamp, x, position_std_m=std, max_speed_m_s=speed, parts=parts, kind=kind)
                for name, x, std, speed, parts, kind in found
            ),
        )
        earlier = [random.choice(seen) for _ in range(random.randint(0, 2)) if seen]
        phase = random.choice([PHASE, replace(PHASE, held="block", maybe_held=None)])
        asked = question(now, *earlier, phase=phase)
        assert same(wire.send(asked), asked)
        seen.append(now)


def test_a_reference_to_what_is_not_there_is_told() -> None:
    record = QuestionLog().record(question(scene(1, thing("block", 1))), 0)
    record["scene"]["objects"] = [{"name": "block", "stamp_ns": 2}]
    with pytest.raises(KeyError, match="block"):
        QuestionReader().read(record, STATE, None)
    record["phase"] = None
    with pytest.raises(KeyError, match="phase"):
        QuestionReader().read(record, STATE, None)


class Torus:
    """A shape of somebody else's."""


class RoundedBox(Box):
    """Not the box that it is derived from."""


@pytest.mark.parametrize("shape", [Torus(), RoundedBox(half_extents_m=[0.1, 0.1, 0.1])])
def test_a_shape_that_is_not_known_comes_back_as_one_that_is_not_known(shape: Any) -> None:
    wire = Wire()
    strange = thing("block", 1, parts=(Part(shape=shape, part_in_object=np.diag([1.0, -1.0, -1.0, 1.0])),))
    back = wire.send(question(scene(1, strange)))
    (record,) = wire.record["scene"]["objects"][0]["parts"]
    assert (record["shape"], record["class"]) == ("unknown", type(shape).__name__)
    (part,) = back.scene.objects[0].parts
    assert same(part.part_in_object, strange.parts[0].part_in_object)
    faults = [scene_fault(asked.scene, PHASE, 1, 1.0) for asked in (question(scene(1, strange)), back)]
    assert faults[0] == faults[1]
    assert f"not known here: {type(shape).__name__}" in str(faults[0])


@pytest.mark.parametrize("change", [{"shape": "torus"}, {"shape": "unknown", "class": "a\0b"}])
def test_a_shape_that_no_record_has_is_told(change: dict[str, str]) -> None:
    record = QuestionLog().record(question(scene(1, thing("block", 1))), 0)
    record["scene"]["objects"][0]["parts"][0] |= change
    with pytest.raises(ValueError, match=r"torus|null"):
        QuestionReader().read(record, STATE, None)


@pytest.mark.parametrize("value", [0.1, float("nan"), float("inf"), -float("inf"), -0.0, 5e-324])
def test_a_state_comes_back_from_its_record(value: float) -> None:
    state = replace(STATE, q=[value, 0.0], gripper=GripperState(width_m=value, force_n=0.0))
    record = {
        name: getattr(state, name).tolist()
        for name in ("q", "v", "q_commanded", "v_commanded", "a_commanded")
    } | {"observed_ns": 1, "standstill": False, "gripper": {"width_m": value, "force_n": 0.0}}
    assert same(state_from(json.loads(encode(record))), state)


def test_a_chunk_comes_back_from_its_record() -> None:
    chunk = ActionChunk(
        seq=1,
        embodiment="e",
        samples=[[[0.1, float("nan")], [1.0 / 3.0, -0.0]]],
        t_obs_ns=1,
        t_ready_ns=2,
        t0_ns=3,
        dt_s=0.04,
        provenance=Provenance(policy="p", version="1", config_sha256="c", seed=4),
    )
    back = chunk_from(json.loads(encode(chunk_record(chunk))))
    assert same(back, chunk)
    assert back.digest == chunk.digest
    assert replace(chunk, t_ready_ns=3).digest != chunk.digest
    assert replace(chunk, provenance=replace(chunk.provenance, seed=5)).digest != chunk.digest


SPOKEN = ActionChunk(
    seq=1,
    embodiment="e",
    samples=[[[0.1, float("nan")], [1.0 / 3.0, -0.0]]],
    t_obs_ns=1,
    t_ready_ns=2,
    t0_ns=3,
    dt_s=0.04,
    provenance=Provenance(
        policy="p",
        version="1",
        config_sha256="c",
        seed=4,
        files={"b": "2", "a": "1"},  # type: ignore[arg-type]
        prompt_sha256="w",
        steps=10,
        question_seed=0,
        code="interlock 9",
        transport="inline",
    ),
    spread=[[0.0, float("nan")], [0.25, 1.0]],
)


def test_all_that_a_chunk_says_of_itself_comes_back_from_its_record() -> None:
    record = json.loads(encode(chunk_record(SPOKEN)))
    assert record["provenance"]["files"] == {"a": "1", "b": "2"}
    back = chunk_from(record)
    assert same(back, SPOKEN)
    assert back.digest == SPOKEN.digest
    Draft202012Validator(topic_named("/chunk").schema).validate(record)


@pytest.mark.parametrize(
    "change",
    [
        {"files": (("a", "1"), ("b", "3"))},
        {"prompt_sha256": "v"},
        {"steps": 11},
        {"question_seed": 1},
        {"code": "interlock 10"},
        {"transport": "openpi"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_digest_covers_where_a_chunk_comes_from(change: dict[str, Any]) -> None:
    other = replace(SPOKEN, provenance=replace(SPOKEN.provenance, **change))
    assert other.digest != SPOKEN.digest


def test_the_digest_covers_the_spread() -> None:
    assert SPOKEN.spread is not None
    assert replace(SPOKEN, spread=None).digest != SPOKEN.digest
    assert replace(SPOKEN, spread=SPOKEN.spread * 2.0).digest != SPOKEN.digest


def test_a_chunk_of_an_older_trace_keeps_its_digest_and_its_record() -> None:
    """Both as they were written before a chunk could say more than four things of its origin."""
    record = {
        "seq": 1,
        "digest": "58feafe1c38b3b6c94e762e7140770a022e0c00f74bf7cc2bf6efe7b18290d66",
        "embodiment": "e",
        "samples": packed([[[0.1, 0.2], [0.3, 0.4]]]),
        "t_obs_ns": 1,
        "t_ready_ns": 2,
        "t0_ns": 3,
        "dt_s": 0.04,
        "provenance": {"policy": "p", "version": "1", "config_sha256": "c", "seed": 4},
        "anchor": None,
    }
    chunk = chunk_from(record)
    assert chunk.digest == record["digest"]
    assert encode(chunk_record(chunk)) == encode(record)
