"""Whoever takes away, repeats or replaces records of a trace is found out, though its chain is whole."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pybullet")

from tests.orchestrator.forged_trace import (
    Entry,
    Forgery,
    Record,
    changed,
    entries_of,
    twice,
    without,
    written,
)
from tests.orchestrator.session_runner import Runner, gate_of
from typer.testing import CliRunner

from interlock.cli import app
from interlock.orchestrator.replay import ReplayResult, replay
from interlock.traces.chain import ChainState
from interlock.traces.container import TraceFile
from interlock.traces.encoding import encode, packed, unpacked
from interlock.traces.read import DamagedTraceError, TraceReader

CELL = "panda_tabletop"
NEW, RELEASED = 32, 37
"""A tick that judged a chunk and changed it, and a later one that released motion of it."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runner = Runner(tmp_path_factory.mktemp("forged"))
    runner.run(cell=CELL, policy="reckless", seed=5, sim_time_s=0.6)
    return runner.out


@pytest.fixture
def entries(recorded: Path) -> list[Entry]:
    return entries_of(recorded)


def asked(run: Path, *, exact: bool = True) -> ReplayResult:
    return replay(run, exact=exact, make_gate=lambda cell: gate_of(CELL))


def at(entries: list[Entry], topic: str, tick: int) -> Record:
    return next(e.record for e in entries if e.topic == topic and e.record.get("tick") == tick)


def taken_out(entries: list[Entry], tick: int) -> list[Entry]:
    """Without one whole tick."""
    begin = next(i for i, e in enumerate(entries) if e.topic == "/state" and e.record["tick"] == tick)
    end = next(i for i, e in enumerate(entries) if e.topic == "/timing" and e.record.get("tick") == tick)
    return entries[:begin] + entries[end + 1 :]


def renumbered(entries: list[Entry]) -> list[Entry]:
    kept = taken_out(entries, RELEASED)
    for entry in kept:
        if entry.record.get("tick", -1) > RELEASED:
            entry.record["tick"] -= 1
    return kept


def last_released_unasked(entries: list[Entry]) -> list[Entry]:
    tick = max(e.record["tick"] for e in entries if e.topic == "/command")
    return [e for e in without("/question", tick=tick)(entries) if e.record.get("tick", 0) <= tick]


def excused(entries: list[Entry]) -> list[Entry]:
    """A tick taken out, and a gap that a lockstep run cannot have."""
    at_gap = next(i for i, e in enumerate(entries) if e.topic == "/state" and e.record["tick"] == RELEASED)
    gap = Entry("/gap", entries[at_gap].stamp_ns, {"dropped": {"tick": 1}})
    kept = taken_out(entries, RELEASED)
    return [*kept[:at_gap], gap, *kept[at_gap:]]


def without_run(entries: list[Entry]) -> list[Entry]:
    return [e for e in entries if e.topic != "/run"]


def two_runs(entries: list[Entry]) -> list[Entry]:
    return [entries[0], *entries]


def without_proposals(entries: list[Entry]) -> list[Entry]:
    """Only what the whole chunks were changed to is left."""
    return [
        e
        for i, e in enumerate(entries)
        if e.topic != "/chunk" or (i + 1 < len(entries) and entries[i + 1].topic == "/preview")
    ]


def other_numbers(entries: list[Entry]) -> list[Entry]:
    chunk = next(e.record for e in entries if e.topic == "/chunk")
    chunk["samples"] = packed(unpacked(chunk["samples"]) + 1e-3)
    return entries


def an_earlier_proposal(entries: list[Entry]) -> list[Entry]:
    first = next(e.record["proposed"] for e in entries if e.topic == "/preview")
    at(entries, "/preview", NEW)["proposed"] = first
    return entries


def set_to(**values: Any) -> Any:
    return lambda record: record.update(values)


def second(record: Record) -> None:
    record["tick"] += 1


def later(entries: list[Entry]) -> list[Entry]:
    next(e for e in entries if e.topic == "/verdict" and e.record["tick"] == RELEASED).stamp_ns += 1
    return entries


DAMAGED: dict[str, tuple[Forgery, str]] = {
    "no verdict": (without("/verdict", tick=RELEASED), "tick 37 has no verdict"),
    "no state": (without("/state", tick=RELEASED), "belongs to no tick"),
    "no first state": (without("/state", tick=0), "belongs to no tick"),
    "the last verdict": (
        lambda entries: without("/verdict", tick=max(e.record.get("tick", 0) for e in entries))(entries),
        "has no verdict",
    ),
    **{
        f"{topic} twice": (twice(topic, NEW), f"two {topic}|no verdict")
        for topic in ("/state", "/question", "/preview", "/verdict", "/certificate", "/command")
    },
    **{
        f"{topic} of another tick": (changed(topic, RELEASED, second), "is of another|is missing")
        for topic in ("/state", "/question", "/verdict", "/certificate", "/command")
    },
    "a verdict at another time": (later, "is of another"),
    "a tick taken out": (lambda entries: taken_out(entries, RELEASED), "tick 37 is missing"),
    "the first tick taken out": (lambda entries: taken_out(entries, 0), "tick 0 is missing"),
    "a tick taken out, the rest renumbered": (renumbered, "cannot be read"),
    "a question that later ones refer to": (without("/question", tick=RELEASED), "cannot be read"),
    "a gap in lockstep": (excused, "leaves out none"),
    "no run": (without_run, "does not begin with its run"),
    "two runs": (two_runs, "two runs"),
    "no proposals": (without_proposals, "is not in the trace"),
    "an earlier proposal was judged": (an_earlier_proposal, "is not in the trace"),
    "a chunk with other numbers": (other_numbers, "digest"),
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("exact", [True, False])
def test_records_that_are_missing_or_come_twice_are_damage(
    entries: list[Entry], tmp_path: Path, name: str, exact: bool
) -> None:
    forge, said = DAMAGED[name]
    with pytest.raises(DamagedTraceError, match=said):
        asked(written(forge(entries), tmp_path / "forged"), exact=exact)


DIFFERENT: dict[str, tuple[Forgery, str]] = {
    "a released tick without its question": (last_released_unasked, "the gate had not been asked"),
    "no questions": (without("/question"), "the gate had not been asked"),
    "no previews": (without("/preview"), "tick 0: preview: there was none, now there is one"),
    "one preview": (without("/preview", tick=NEW), "tick 32: preview: there was none"),
    "another chunk before it": (
        changed("/question", RELEASED, set_to(last_seq=-1)),
        "tick 37: question.last_seq",
    ),
    "commands before it that are not there": (
        changed("/question", RELEASED, lambda question: question.update(seq=question["seq"] + 1)),
        "tick 37: question.seq",
    ),
    "the chunk was never changed": (
        changed("/question", RELEASED, set_to(reshaped=None)),
        "tick 37: question.reshaped",
    ),
    "no chunk in force": (
        changed("/question", RELEASED, set_to(chunk=None, reshaped=None)),
        "tick 37: question.last_seq",
    ),
    "an unknown chunk": (changed("/question", RELEASED, set_to(chunk="0" * 64)), "tick 37: question.chunk"),
    "asked at another time": (
        lambda entries: changed(
            "/question", RELEASED, set_to(now_ns=at(entries, "/state", RELEASED)["stamp_ns"] + 1)
        )(entries),
        "tick 37: question.now_ns",
    ),
    "another margin": (changed("/state", RELEASED, set_to(margins_m={})), "tick 37: state.margins_m"),
    "another mode": (changed("/state", RELEASED, set_to(mode="braking")), "tick 37: state.mode"),
    "another phase": (changed("/state", RELEASED, set_to(phase="lift")), "tick 37: state.phase"),
    "another tool": (
        changed("/state", RELEASED, set_to(tool_in_world=[0.0, 0.0, 0.0])),
        "tick 37: state.tool_in_world",
    ),
    "another tool speed": (
        changed("/state", RELEASED, set_to(tool_speed_m_s=0.0)),
        "tick 37: state.tool_speed_m_s",
    ),
    "a latched stop": (changed("/state", RELEASED, set_to(latch=["the cat"])), "tick 37: state.latch"),
    "another chunk number": (
        changed("/verdict", RELEASED, set_to(chunk_seq=99)),
        "tick 37: verdict.chunk_seq",
    ),
    "another stamp": (changed("/verdict", RELEASED, set_to(stamp_ns=99)), "tick 37: verdict.stamp_ns"),
    "another robot": (
        changed("/run", 0, lambda run: run["robot"].update(name="xarm6")),
        r"^run\.robot\.name",
    ),
    "other limits": (
        changed("/run", 0, lambda run: run["robot"]["v_max"].__setitem__(0, 99.0)),
        r"^run\.robot\.v_max\[0\]",
    ),
    "other margins of the gate": (
        changed("/run", 0, lambda run: run["gate"].update(environment_margin_m=0.5)),
        r"^run\.gate\.environment_margin_m",
    ),
    "another period": (changed("/run", 0, set_to(period_s=1.0)), r"^run\.period_s"),
}


@pytest.mark.parametrize("name", DIFFERENT)
@pytest.mark.parametrize("exact", [True, False])
def test_records_that_were_replaced_differ(
    entries: list[Entry], tmp_path: Path, name: str, exact: bool
) -> None:
    forge, said = DIFFERENT[name]
    result = asked(written(forge(entries), tmp_path / "forged"), exact=exact)
    assert not result.holds
    assert result.chain.ok
    assert re.search(said, result.first_difference), result.first_difference


def bumped(*path: Any, by: Any = 1) -> Any:
    """Adds to the number at the end of `path`."""

    def change(record: Any) -> None:
        for key in path[:-1]:
            record = record[key]
        record[path[-1]] += by

    return change


WHOLE: dict[str, tuple[str, Any]] = {
    "the gripper's command": ("/command", lambda record: record["gripper"].update(width_m=0.01)),
    "no gripper command": ("/command", set_to(gripper=None)),
    "the command's number": ("/command", bumped("seq")),
    "the command's epoch": ("/command", bumped("epoch")),
    "the command's stamp": ("/command", bumped("stamp_ns")),
    "the command's period": ("/command", bumped("period_s", by=1e-5)),
    "the command's tail": (
        "/command",
        lambda record: record.update(tail=packed(unpacked(record["tail"]) + 1e-5)),
    ),
    "a shorter tail": ("/command", lambda record: record.update(tail=packed(unpacked(record["tail"])[:-1]))),
    "the certificate's number": ("/certificate", bumped("seq")),
    "the certificate's state": ("/certificate", set_to(state="0" * 64)),
    "a margin": ("/certificate", bumped("margins", 0, "value", by=1e-5)),
    "the stop's time": ("/certificate", bumped("stop_time_s", by=0.01)),
    "the solver's word": ("/certificate", set_to(solver_status="unknown")),
    "the lateness": ("/certificate", bumped("lateness_ns")),
    "the node after": ("/verdict", bumped("after", 0, 0, by=1e-5)),
    "the node before": ("/verdict", bumped("before", 2, 0, by=1e-5)),
    "a refusal's guard": ("/verdict", lambda record: record["refusals"].append(["zones", "too near"])),
    "the rung": ("/verdict", set_to(rung="slowed")),
    "something more": ("/verdict", set_to(note="all is well")),
}


@pytest.mark.parametrize("name", WHOLE)
def test_without_exact_every_text_and_number_is_compared(
    entries: list[Entry], tmp_path: Path, name: str
) -> None:
    topic, change = WHOLE[name]
    result = asked(written(changed(topic, RELEASED, change)(entries), tmp_path / "forged"), exact=False)
    assert (result.holds, result.same) == (False, result.decisions - 1)
    assert result.first_difference.startswith(f"tick {RELEASED}: {topic[1:]}")


def rounded(entries: list[Entry]) -> list[Entry]:
    """What another processor may write: numbers a little off, hashes and reasons that follow from them."""
    for entry in entries:
        record = entry.record
        if entry.topic == "/command":
            record["end"][0][0] += 1e-9
            record["tail"] = packed(unpacked(record["tail"]) - 1e-9)
            record["certificate"] = "0" * 64
        elif entry.topic == "/certificate":
            record.update(motion="0" * 64, tail="0" * 64, proposal="0" * 64, numeric_path="numpy")
        elif entry.topic == "/verdict":
            record["reason"] += "."
            record["refusals"] = [[guard, reason + "."] for guard, reason in record["refusals"]]
        elif entry.topic == "/state":
            record["tool_in_world"][0] += 1e-9
    return entries


def test_without_exact_rounding_hashes_and_reasons_may_differ(entries: list[Entry], tmp_path: Path) -> None:
    forged = written(rounded(entries), tmp_path / "forged")
    assert asked(forged, exact=False).holds
    assert asked(forged, exact=True).same == 0


def test_a_number_written_in_another_way_is_the_same_only_without_exact(
    recorded: Path, tmp_path: Path
) -> None:
    (tmp_path / "forged").mkdir()
    file = TraceFile(tmp_path / "forged" / "trace.mcap")
    for message in TraceReader(recorded).messages():
        if message.topic != "/chain":
            spaced = json.dumps(message.json()).encode() if message.topic == "/verdict" else message.data
            file.add(message.topic, message.stamp_ns, spaced)
    file.finish(0)
    assert asked(tmp_path / "forged", exact=False).holds
    result = asked(tmp_path / "forged")
    assert (result.same, result.first_difference) == (0, "tick 0: verdict was written in another way")


def test_a_verdict_torn_off_a_trace_that_was_never_closed_is_no_damage(
    entries: list[Entry], tmp_path: Path
) -> None:
    end = next(i for i, e in enumerate(entries) if e.topic == "/verdict" and e.record["tick"] == RELEASED)
    result = asked(written(entries[:end], tmp_path / "torn", finished=False))
    assert (result.holds, result.decisions, result.chain.state) == (True, RELEASED, ChainState.UNFINISHED)
    middle = [e for e in entries[:end] if e.topic != "/verdict" or e.record["tick"] != NEW]
    with pytest.raises(DamagedTraceError, match="tick 32 has no verdict"):
        asked(written(middle, tmp_path / "forged", finished=False))


def test_a_broken_chain_ends_with_3_though_every_answer_is_the_same(recorded: Path, tmp_path: Path) -> None:
    """What no answer depends on was changed, and the old checkpoints kept."""
    (tmp_path / "forged").mkdir()
    file = TraceFile(tmp_path / "forged" / "trace.mcap")
    for message in TraceReader(recorded).messages():
        record = message.json() | ({"goal": "wave"} if message.topic == "/outcome" else {})
        file._write(message.topic, message.stamp_ns, encode(record), message.stamp_ns)
    file._writer.finish()  # type: ignore[no-untyped-call]
    file._stream.close()
    result = asked(tmp_path / "forged")
    assert (result.same, result.first_difference) == (result.decisions, "")
    assert result.chain.state is ChainState.BROKEN
    assert not result.holds
    told = CliRunner().invoke(app, ["trace", "replay", str(tmp_path / "forged"), "--exact"])
    assert told.exit_code == 3
    assert "Chain broken: a message between" in told.output
    told = CliRunner().invoke(app, ["trace", "replay", str(tmp_path / "forged"), "--json"])
    assert (told.exit_code, json.loads(told.output.splitlines()[-1])["chain"]) == (3, "broken")
