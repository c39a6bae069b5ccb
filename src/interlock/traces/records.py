"""Each typed thing of a run as one plain record, ready to be encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.guards.certificate import Certificate
from interlock.guards.preview import Preview
from interlock.guards.verdict import Verdict
from interlock.hal.chunk import ActionChunk
from interlock.hal.phase import Phase
from interlock.hal.robot import RobotSpec
from interlock.planners.plan import Plan
from interlock.traces.encoding import packed
from interlock.traces.foxglove import seconds
from interlock.traces.questions import phase_fields
from interlock.traces.run_info import RunInfo
from interlock.traces.tick import CommandLike, TickLike

__all__ = [
    "certificate_record",
    "chunk_record",
    "command_record",
    "event_record",
    "overruled_record",
    "phase_record",
    "plan_record",
    "preview_record",
    "robot_record",
    "run_record",
    "state_record",
    "stop_record",
    "verdict_record",
]

Record = dict[str, Any]

_LEVELS = {"debug": 1, "info": 2, "warning": 3, "error": 4, "fatal": 5}
_CERTIFICATE_FIELDS = tuple(name for name in Certificate.__slots__ if name != "margins")


def run_record(run: RunInfo) -> Record:
    """The run, its robot and limits; file names only, so that two machines write the same bytes."""
    return {
        "goal": run.goal,
        "cell": run.cell,
        "cell_text": run.cell_text,
        "policy": run.policy,
        "seed": run.seed,
        "period_s": run.period_s,
        "real_time": run.real_time,
        "start_ns": run.start_ns,
        "robot": robot_record(run.robot),
        "gate": run.gate,
        "versions": dict(run.versions),
    }


def robot_record(robot: RobotSpec) -> Record:
    """A robot and its limits."""
    limits = robot.limits
    return {
        "name": robot.name,
        "urdf": robot.urdf.name,
        "joints": limits.names,
        "q_min": limits.q_min,
        "q_max": limits.q_max,
        "v_max": limits.v_max,
        "a_max": limits.a_max,
        "j_max": limits.j_max,
        "home": robot.home,
        "base_in_world": robot.base_in_world,
        "tool_in_link": robot.tool_in_link,
        "tool_link": robot.tool_link,
        "max_tool_speed_m_s": robot.max_tool_speed_m_s,
        "tube": robot.tube,
    }


def plan_record(plan: Plan) -> Record:
    """The plan with its tasks in order."""
    tasks = [
        {
            "id": task.id,
            "skill": task.skill,
            "arguments": dict(task.arguments),
            "after": task.after,
            "target_in_world": task.target_in_world,
        }
        for task in plan.tasks
    ]
    return {"goal": plan.goal, "goal_atoms": plan.goal_atoms, "tasks": tasks}


def chunk_record(chunk: ActionChunk) -> Record:
    """A proposal, its numbers bit for bit; what it does not say is left out."""
    record: Record = {
        "seq": chunk.seq,
        "digest": chunk.digest,
        "embodiment": chunk.embodiment,
        "samples": packed(chunk.samples),
        "t_obs_ns": chunk.t_obs_ns,
        "t_ready_ns": chunk.t_ready_ns,
        "t0_ns": chunk.t0_ns,
        "dt_s": chunk.dt_s,
        "provenance": chunk.provenance.to_json(),
        "anchor": None if chunk.anchor is None else packed(chunk.anchor),
    }
    return record if chunk.spread is None else record | {"spread": packed(chunk.spread)}


def phase_record(phase: Phase, stamp_ns: int) -> Record:
    """The phase granted at `stamp_ns`."""
    return phase_fields(phase) | {"stamp_ns": stamp_ns}


def state_record(report: TickLike) -> Record:
    """What was measured and commanded, and how far everything was from its limit."""
    state = report.state
    gripper = state.gripper
    return {
        "tick": report.tick,
        "stamp_ns": report.stamp_ns,
        "observed_ns": state.stamp_ns,
        "mode": report.mode,
        "phase": report.phase,
        "latch": report.latch,
        "q": state.q.tolist(),
        "v": state.v.tolist(),
        "q_commanded": state.q_commanded.tolist(),
        "v_commanded": state.v_commanded.tolist(),
        "a_commanded": state.a_commanded.tolist(),
        "gripper": None if gripper is None else {"width_m": gripper.width_m, "force_n": gripper.force_n},
        "standstill": state.standstill,
        "tool_in_world": report.tool_in_world,
        "tool_speed_m_s": report.tool_speed_m_s,
        "margins_m": report.margins_m,
    }


def preview_record(proposed: ActionChunk, result: Preview, tick: int) -> Record:
    """What the gate made of a new chunk; both chunks are records of their own."""
    return {
        "tick": tick,
        "proposed": proposed.digest,
        "chunk": result.chunk.digest,
        "rung": result.rung,
        "sample": result.sample,
        "clear_s": result.clear_s,
        "guard": result.guard,
        "reason": result.reason,
        "change_rad": result.change_rad,
        "again": result.again,
    }


def verdict_record(verdict: Verdict, tick: int, stamp_ns: int, chunk_seq: int) -> Record:
    """A verdict; every refusal on the way down the ladder is in it."""
    return {
        "tick": tick,
        "stamp_ns": stamp_ns,
        "chunk_seq": chunk_seq,
        "decision": verdict.decision,
        "rung": verdict.rung,
        "guard": verdict.guard,
        "reason": verdict.reason,
        "refusals": verdict.refusals,
        "before": None if verdict.before is None else verdict.before.tolist(),
        "after": verdict.after.tolist(),
    }


def certificate_record(certificate: Certificate, tick: int) -> Record:
    """The evidence; its digest can be computed again from these fields."""
    record: Record = {name: getattr(certificate, name) for name in _CERTIFICATE_FIELDS}
    record["tick"] = tick
    record["margins"] = [
        {"family": m.family, "value": m.value, "unit": m.unit, "where": m.where} for m in certificate.margins
    ]
    return record


def command_record(command: CommandLike, tick: int) -> Record:
    """The command as sent, its stop tail bit for bit."""
    gripper = command.gripper
    return {
        "tick": tick,
        "seq": command.seq,
        "epoch": command.epoch,
        "stamp_ns": command.stamp_ns,
        "period_s": command.period_s,
        "start": command.start.tolist(),
        "end": command.end.tolist(),
        "tail": packed(command.tail),
        "gripper": None if gripper is None else {"width_m": gripper.width_m, "force_n": gripper.force_n},
        "certificate": command.certificate,
    }


def overruled_record(
    verdict: Verdict,
    certificate: Certificate | None,
    command: CommandLike | None,
    *,
    tick: int,
    stamp_ns: int,
    chunk_seq: int,
) -> Record:
    """What the gate had released where the driver did not take it; the verdict of the tick is the drive's."""
    return {
        "tick": tick,
        "verdict": verdict_record(verdict, tick, stamp_ns, chunk_seq),
        "certificate": None if certificate is None else certificate_record(certificate, tick),
        "command": None if command is None else command_record(command, tick),
    }


def stop_record(stamp_ns: int, category: int, causes: Sequence[str]) -> Record:
    """A stop that was ordered."""
    return {"stamp_ns": stamp_ns, "category": int(category), "causes": list(causes)}


def event_record(stamp_ns: int, kind: str, text: str, level: str) -> Mapping[str, Any]:
    """A line for people, as `foxglove.Log`."""
    return {
        "timestamp": seconds(stamp_ns),
        "level": _LEVELS.get(level, 0),
        "message": text,
        "name": kind,
        "file": "",
        "line": 0,
    }
