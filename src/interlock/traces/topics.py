"""The channels of a trace: topic, schema name, JSON Schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interlock.traces import foxglove

__all__ = ["CAMERA_PREFIX", "CHAIN", "TIMING", "Topic", "topic_named"]

TIMING = "/timing"
"""Wall-clock facts: the only channel that may differ between two runs of the same record."""
CHAIN = "/chain"
"""Checkpoints of the hash chain."""
CAMERA_PREFIX = "/camera/"

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One channel: its name, the name of its schema and the JSON Schema itself."""

    name: str
    schema_name: str
    schema: Schema


_TEXT: Schema = {"type": "string"}
_INT: Schema = {"type": "integer"}
_FLAG: Schema = {"type": "boolean"}
_NUMBER: Schema = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_ANY: Schema = {}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _record(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _with(schema: Schema, **optional: Schema) -> Schema:
    """The record with keys that may be left out."""
    return schema | {"properties": schema["properties"] | optional}


_NUMBERS = _list(_NUMBER)
_NODE = _list(_NUMBERS)
_PACKED = _record(f64={"type": "string", "contentEncoding": "base64"}, shape=_list(_INT))
_PAIR = {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}
_WIDTH_FORCE = _maybe(_record(width_m=_NUMBER, force_n=_NUMBER))

_PHASE: dict[str, Schema] = {
    "task_id": _TEXT,
    "skill": _TEXT,
    "name": _TEXT,
    "allowed": _list(_PAIR),
    "expires_ns": _INT,
    "held": _maybe(_TEXT),
    "maybe_held": _maybe(_TEXT),
    "max_force_n": _NUMBER,
    "gripper_may_open": _FLAG,
}
_THING: dict[str, Schema] = {
    "name": _TEXT,
    "kind": _TEXT,
    "pose": _PACKED,
    "position_std_m": _NUMBER,
    "max_speed_m_s": _NUMBER,
    "stamp_ns": _INT,
}
_NEW_THING = _record(**_THING, parts=_list(_ANY))
_SEEN_THING = _record(**_THING)
_SAME_THING = _record(name=_TEXT, stamp_ns=_INT)
_THING_OF_TICK = _record(name=_TEXT, tick=_INT)

_VERDICT = _record(
    tick=_INT,
    stamp_ns=_INT,
    chunk_seq=_INT,
    decision=_TEXT,
    rung=_TEXT,
    guard=_TEXT,
    reason=_TEXT,
    refusals=_list(_PAIR),
    before=_maybe(_NODE),
    after=_NODE,
)
_CERTIFICATE = _record(
    tick=_INT,
    seq=_INT,
    epoch=_INT,
    stamp_ns=_INT,
    model=_TEXT,
    constraints=_TEXT,
    scene=_TEXT,
    phase=_TEXT,
    state=_TEXT,
    chunk=_TEXT,
    proposal=_TEXT,
    motion=_TEXT,
    tail=_TEXT,
    rung=_TEXT,
    margins=_list(_record(family=_TEXT, value=_NUMBER, unit=_TEXT, where=_TEXT)),
    interval_bound_m=_maybe(_NUMBER),
    intervals=_INT,
    stop_time_s=_NUMBER,
    stop_distance_rad=_NUMBER,
    solver_status=_TEXT,
    slack_m_s=_NUMBER,
    residual_m_s=_NUMBER,
    dual=_NUMBER,
    lateness_ns=_INT,
    numeric_path=_TEXT,
)
_COMMAND = _record(
    tick=_INT,
    seq=_INT,
    epoch=_INT,
    stamp_ns=_INT,
    period_s=_NUMBER,
    start=_NODE,
    end=_NODE,
    tail=_PACKED,
    gripper=_WIDTH_FORCE,
    certificate=_TEXT,
)

_OURS: dict[str, Schema] = {
    "/run": _record(
        goal=_TEXT,
        cell=_TEXT,
        cell_text=_TEXT,
        policy=_TEXT,
        seed=_INT,
        period_s=_NUMBER,
        real_time=_FLAG,
        start_ns=_INT,
        robot=_ANY,
        gate=_ANY,
        versions=_map(_TEXT),
    ),
    "/plan": _record(
        goal=_TEXT,
        goal_atoms=_list(_TEXTS),
        tasks=_list(
            _record(
                id=_TEXT, skill=_TEXT, arguments=_map(_TEXT), after=_TEXTS, target_in_world=_maybe(_NUMBERS)
            )
        ),
    ),
    "/chunk": _with(
        _record(
            seq=_INT,
            digest=_TEXT,
            embodiment=_TEXT,
            samples=_PACKED,
            t_obs_ns=_INT,
            t_ready_ns=_INT,
            t0_ns=_INT,
            dt_s=_NUMBER,
            provenance=_with(
                _record(policy=_TEXT, version=_TEXT, config_sha256=_TEXT, seed=_INT),
                files=_map(_TEXT),
                prompt_sha256=_TEXT,
                steps=_INT,
                question_seed=_INT,
                code=_TEXT,
                transport=_TEXT,
            ),
            anchor=_maybe(_PACKED),
        ),
        spread=_PACKED,
    ),
    "/phase": _record(stamp_ns=_INT, **_PHASE),
    "/state": _record(
        tick=_INT,
        stamp_ns=_INT,
        observed_ns=_INT,
        mode=_TEXT,
        phase=_TEXT,
        latch=_TEXTS,
        q=_NUMBERS,
        v=_NUMBERS,
        q_commanded=_NUMBERS,
        v_commanded=_NUMBERS,
        a_commanded=_NUMBERS,
        gripper=_WIDTH_FORCE,
        standstill=_FLAG,
        tool_in_world=_NUMBERS,
        tool_speed_m_s=_NUMBER,
        margins_m=_map(_NUMBER),
    ),
    "/question": _record(
        tick=_INT,
        seq=_INT,
        epoch=_INT,
        now_ns=_INT,
        lateness_ns=_INT,
        last_seq=_INT,
        chunk=_maybe(_TEXT),
        reshaped=_maybe(_PAIR),
        phase=_maybe(_record(**_PHASE)),
        scene=_record(stamp_ns=_INT, objects=_list({"anyOf": [_NEW_THING, _SEEN_THING, _SAME_THING]})),
        earlier=_list(_record(stamp_ns=_INT, objects=_list({"anyOf": [_NEW_THING, _THING_OF_TICK]}))),
    ),
    "/preview": _record(
        tick=_INT,
        proposed=_TEXT,
        chunk=_TEXT,
        rung=_TEXT,
        sample=_INT,
        clear_s=_NUMBER,
        guard=_TEXT,
        reason=_TEXT,
        change_rad=_NUMBER,
        again=_FLAG,
    ),
    "/verdict": _VERDICT,
    "/certificate": _CERTIFICATE,
    "/command": _COMMAND,
    "/overruled": _record(
        tick=_INT, verdict=_VERDICT, certificate=_maybe(_CERTIFICATE), command=_maybe(_COMMAND)
    ),
    "/gap": _record(dropped=_map(_INT)),
    "/scene": _record(
        stamp_ns=_INT,
        objects=_list(
            _record(
                name=_TEXT,
                kind=_TEXT,
                position=_NUMBERS,
                pose=_PACKED,
                position_std_m=_NUMBER,
                max_speed_m_s=_NUMBER,
                stamp_ns=_INT,
                parts=_maybe(_list(_ANY)),
            )
        ),
    ),
    "/stop": _record(stamp_ns=_INT, category=_INT, causes=_TEXTS),
    "/outcome": {"type": "object"},
    TIMING: {"type": "object"},
    CHAIN: _record(head=_TEXT, messages=_INT, final=_FLAG),
}

_FIXED = {
    name: Topic(name=name, schema_name=f"interlock.{name[1:].title()}", schema=schema)
    for name, schema in _OURS.items()
} | {
    "/event": Topic(name="/event", schema_name="foxglove.Log", schema=foxglove.LOG),
    "/markers": Topic(name="/markers", schema_name="foxglove.SceneUpdate", schema=foxglove.SCENE_UPDATE),
}


def topic_named(name: str) -> Topic:
    """The channel of that name.

    Raises:
        KeyError: if a trace has no such channel.
    """
    if name.startswith(CAMERA_PREFIX):
        return Topic(name=name, schema_name="foxglove.CompressedImage", schema=foxglove.COMPRESSED_IMAGE)
    return _FIXED[name]
