"""Whoever cuts ticks out of a trace, or says that nobody asked, is found out by time, motion and sight."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pybullet")

from tests.orchestrator.forged_trace import Entry, changed, cut_out, entries_of, unseen_at, written
from tests.orchestrator.session_runner import Runner, gate_of
from typer.testing import CliRunner

from interlock.cli import app
from interlock.guards.surveyor import Surveyor
from interlock.orchestrator import clock
from interlock.orchestrator.replay import ReplayResult, replay
from interlock.traces.read import DamagedTraceError

CELL = "panda_tabletop"
FAST = 97
"""A tick at which the arm is on its way; motion was released at it."""
RELEASED = range(83, 91)
"""Ticks in a row that released motion, none of which judged a chunk."""


def run(folder: Path) -> Path:
    runner = Runner(folder)
    runner.run(cell=CELL, policy="reckless", seed=5, sim_time_s=1.0)
    return runner.out


@pytest.fixture(scope="module")
def lockstep(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    return entries_of(run(tmp_path_factory.mktemp("lockstep")))


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """A run whose ticks begin a little late, as they do in real time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock.LockstepClock, "lateness_ns", lambda self: 60_000)
        return in_real_time(entries_of(run(tmp_path_factory.mktemp("late"))))


@pytest.fixture
def entries(lockstep: list[Entry]) -> list[Entry]:
    return deepcopy(lockstep)


def in_real_time(entries: list[Entry]) -> list[Entry]:
    entries[0].record["real_time"] = True
    return entries


def asked(entries: list[Entry], folder: Path, *, exact: bool = True) -> ReplayResult:
    forged = written(entries, folder / "forged")
    return replay(forged, exact=exact, make_gate=lambda cell: gate_of(CELL))


def ticks_of(entries: list[Entry], topic: str) -> set[int]:
    return {e.record["tick"] for e in entries if e.topic == topic}


def refused(entries: list[Entry]) -> set[int]:
    """Those that a forger can take away: no chunk was judged at them."""
    verdicts = [e.record for e in entries if e.topic == "/verdict"]
    refusals = {verdict["tick"] for verdict in verdicts if verdict["decision"] == "refuse"}
    return refusals - ticks_of(entries, "/preview")


def unseen(entries: list[Entry], ticks: set[int], *, scenes: bool = False) -> list[Entry]:
    """Nobody asked at these ticks; the scenes that were recorded beside them are gone too, or are left."""
    gate = gate_of(CELL)
    forged = unseen_at(entries, ticks, Surveyor(gate.body, gate.config))
    return [e for e in forged if scenes or e.topic not in ("/scene", "/markers")]


def gap_at(entries: list[Entry], ticks: range, count: int | None = None) -> list[Entry]:
    """Ticks cut out, and the recorder's own mark in their place."""
    kept = cut_out(entries, ticks, renumber=False)
    at = next(i for i, e in enumerate(kept) if e.topic == "/state" and e.record["tick"] > ticks[-1])
    mark = Entry("/gap", kept[at].stamp_ns, {"dropped": {"tick": len(ticks) if count is None else count}})
    return [*kept[:at], mark, *kept[at:]]


def all_refusals_cut_out(entries: list[Entry]) -> list[Entry]:
    return cut_out(entries, refused(entries))


def one_refusal_cut_out(entries: list[Entry]) -> list[Entry]:
    return cut_out(entries, {max(t for t in refused(entries) if t + 1 in ticks_of(entries, "/command"))})


def unseen_from_a_release_on(entries: list[Entry]) -> list[Entry]:
    return unseen(entries, {tick for tick in ticks_of(entries, "/state") if tick >= FAST})


def all_refusals_unseen(entries: list[Entry]) -> list[Entry]:
    return unseen(entries, refused(entries))


def last_refusals_unseen(entries: list[Entry]) -> list[Entry]:
    """No question comes after them and the same stop plays, but the trace has a scene seen by then."""
    return unseen(entries, at_the_end(entries), scenes=True)


def at_the_end(entries: list[Entry]) -> set[int]:
    return {tick for tick in refused(entries) if tick > max(ticks_of(entries, "/command"))}


def one_refusal_unseen(entries: list[Entry]) -> list[Entry]:
    return unseen(entries, {min(refused(entries))})


def shifted(entries: list[Entry]) -> list[Entry]:
    entries[0].record["start_ns"] += 1
    return entries


FORGED: dict[str, tuple[Callable[[list[Entry]], list[Entry]], str]] = {
    "all refusals cut out": (all_refusals_cut_out, r"^tick \d+: it is \d+ ms from where its number puts it"),
    "one refusal cut out": (one_refusal_cut_out, r"^tick \d+: it is 10 ms from where its number puts it"),
    "the beginning is another": (shifted, "^tick 0: it is -1e-06 ms from where"),
    "unseen from a release on": (unseen_from_a_release_on, f"^tick {FAST + 1}: moved without a question"),
    "all refusals are unseen": (all_refusals_unseen, r"question\.earlier is not what the questions before"),
    "the last refusals are unseen": (last_refusals_unseen, r"^scene of \d+ ns: the world was seen"),
    "one refusal is unseen": (one_refusal_unseen, r"question\.earlier is not what the questions before"),
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("exact", [True, False])
def test_ticks_cut_out_or_called_unseen_are_found_though_every_answer_is_the_same(
    entries: list[Entry], tmp_path: Path, name: str, exact: bool
) -> None:
    forge, said = FORGED[name]
    result = asked(forge(entries), tmp_path, exact=exact)
    assert result.chain.ok
    assert not result.holds
    assert re.search(said, result.first_difference), result.first_difference


def test_questions_written_anew_are_the_same(entries: list[Entry], tmp_path: Path) -> None:
    """The forger's hand alone changes nothing."""
    result = asked(cut_out(entries, ()), tmp_path)
    assert (result.holds, result.whole, result.first_difference) == (True, True, "")
    assert len(refused(entries)) >= 10


def test_what_is_not_shown_refusals_at_the_end_called_unseen_once_no_scene_is_left(
    entries: list[Entry], tmp_path: Path
) -> None:
    """The guarantee says so: the same stop plays, and nothing in the trace tells."""
    assert asked(unseen(entries, at_the_end(entries)), tmp_path).holds


@pytest.mark.parametrize("name", ["q_commanded", "v_commanded", "a_commanded"])
@pytest.mark.parametrize("exact", [True, False])
def test_a_stop_that_was_played_in_another_way_is_found(
    entries: list[Entry], tmp_path: Path, name: str, exact: bool
) -> None:
    tick = max(ticks_of(entries, "/command")) + 2
    stop = [t for t in ticks_of(entries, "/state") if t >= tick - 1]
    whole = unseen(entries, set(stop))
    for topic in ("/state", "/verdict"):
        node = next(e.record for e in whole if e.topic == topic and e.record["tick"] == tick)
        row = ("q_commanded", "v_commanded", "a_commanded").index(name)
        (node[name] if topic == "/state" else node["after"][row])[-1] += 1e-5  # no tool's speed tells it
    result = asked(whole, tmp_path, exact=exact)
    assert f"tick {tick}: moved without a question: state.{name}[6]" in result.first_difference


def test_a_gap_in_a_run_that_went_in_lockstep_is_found(entries: list[Entry], tmp_path: Path) -> None:
    result = asked(in_real_time(gap_at(entries, RELEASED)), tmp_path)
    assert (result.holds, result.dropped) == (False, len(RELEASED))
    assert result.first_difference == "run.real_time was True, but no tick began late, as in lockstep"


def test_a_run_in_real_time_that_never_was_is_found_without_a_gap_too(
    entries: list[Entry], tmp_path: Path
) -> None:
    assert "run.real_time" in asked(in_real_time(entries), tmp_path).first_difference


def test_a_trace_with_a_gap_is_not_whole_and_says_so_with_a_code_of_its_own(
    late: list[Entry], tmp_path: Path
) -> None:
    whole, cut = written(late, tmp_path / "whole"), written(gap_at(late, RELEASED), tmp_path / "cut")
    told = CliRunner().invoke(app, ["trace", "replay", str(whole), "--exact", "--json"])
    said = json.loads(told.output.splitlines()[-1])
    assert (told.exit_code, said["whole"], said["dropped"], said["first_difference"]) == (0, True, 0, "")
    told = CliRunner().invoke(app, ["trace", "replay", str(cut), "--exact", "--json"])
    said = json.loads(told.output.splitlines()[-1])
    assert (told.exit_code, said["whole"], said["dropped"], said["first_difference"]) == (4, False, 8, "")
    told = CliRunner().invoke(app, ["trace", "replay", str(cut), "--exact"])
    assert told.exit_code == 4
    assert "Not the whole run: the recorder left out 8 ticks" in told.output


def test_a_trace_that_was_never_closed_is_not_whole(late: list[Entry], tmp_path: Path) -> None:
    torn = written(late, tmp_path / "torn", finished=False)
    told = CliRunner().invoke(app, ["trace", "replay", str(torn), "--exact", "--json"])
    assert (told.exit_code, json.loads(told.output.splitlines()[-1])["whole"]) == (4, False)


AFTER = RELEASED[-1] + 1
AFTER_A_GAP: dict[str, tuple[int, Callable[[dict[str, Any]], object], str]] = {
    "more commands than ticks": (AFTER, lambda q: q.update(seq=q["seq"] + 1), "question.seq"),
    "fewer commands than before": (AFTER, lambda q: q.update(seq=q["seq"] - 9), "question.seq"),
    "another chunk before it": (AFTER, lambda q: q.update(last_seq=q["last_seq"] - 1), "question.last_seq"),
    "another one before it, later": (
        AFTER + 2,
        lambda q: q.update(last_seq=q["last_seq"] - 1),
        "question.last_seq",
    ),
    "another seq, later": (AFTER + 2, lambda q: q.update(seq=q["seq"] + 1), "question.seq"),
}


@pytest.mark.parametrize("name", AFTER_A_GAP)
def test_after_a_gap_questions_still_have_to_follow(late: list[Entry], tmp_path: Path, name: str) -> None:
    tick, change, said = AFTER_A_GAP[name]
    result = asked(changed("/question", tick, change)(gap_at(deepcopy(late), RELEASED)), tmp_path)
    assert result.first_difference.startswith(f"tick {tick}: {said}")


def test_after_a_gap_what_is_seen_and_commanded_still_has_to_follow(
    late: list[Entry], tmp_path: Path
) -> None:
    later = {tick for tick in refused(late) if tick > AFTER}
    result = asked(unseen(gap_at(deepcopy(late), RELEASED), {min(later)}), tmp_path)
    assert not result.holds
    assert "question.earlier" in result.first_difference
    (tmp_path / "moving").mkdir()
    moving = {t for t in ticks_of(late, "/state") if t >= FAST}
    result = asked(unseen(gap_at(deepcopy(late), RELEASED), moving), tmp_path / "moving")
    assert result.first_difference.startswith(f"tick {FAST + 1}: moved without a question")


def test_a_gap_is_counted_at_the_end_too_and_counts_no_more_than_it_says(
    late: list[Entry], tmp_path: Path
) -> None:
    last = max(ticks_of(late, "/state"))
    end = Entry("/gap", late[-1].stamp_ns, {"dropped": {"tick": 3}})
    result = asked([*late, end], tmp_path)
    assert (result.holds, result.whole, result.dropped) == (True, False, 3)
    assert last > AFTER
    (tmp_path / "more").mkdir()
    with pytest.raises(DamagedTraceError, match="is missing"):
        asked(gap_at(deepcopy(late), RELEASED, count=9), tmp_path / "more")
