"""A checkpoint takes over while a run goes on: after a shadow run, at a hold, and back if it fails."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pybullet")

from tests.guards.closed_loop import NOW_NS, gate_of, hold
from tests.guards.closed_loop import cell_of as bare_cell
from tests.orchestrator.session_runner import GOAL, Notes, cell_of, records
from tests.orchestrator.session_runner import gate_of as gate_of_cell

from interlock.errors import BadInputError, CheckpointError, RefusedError
from interlock.guards.verdict import Rung
from interlock.hal.chunk import ActionChunk
from interlock.hal.lease import Lease
from interlock.orchestrator import candidate, session, swap_request
from interlock.orchestrator.candidate import candidate_from
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.hot_swap import HotSwap
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.proposer import InlineProposer
from interlock.orchestrator.pursuit import Pursuit
from interlock.orchestrator.replay import replay
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.run_command import prepare_run
from interlock.orchestrator.seat import Seat
from interlock.orchestrator.shadow import Judgement, Shadow
from interlock.orchestrator.summary import RunSummary
from interlock.orchestrator.swap_command import ask_for_swap
from interlock.orchestrator.swap_record import SwapState
from interlock.orchestrator.swap_request import SwapRequest
from interlock.orchestrator.swap_rules import SwapRules
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.registry import create
from interlock.policy.vla.statistics import BodyStatistics, StateName, Statistics
from interlock.traces.chain import content_digest
from interlock.traces.read import TraceReader

PANDA = "panda_tabletop"
Answer = Callable[[ActionChunk | None, Observation, int], object]


class Double:
    """The scripted expert under another name; `change` says what becomes of its answers.

    Attributes:
        asked: how many questions it was asked.
    """

    def __init__(self, name: str, context: PolicyContext, change: Answer) -> None:
        self.name = name
        self.asked = 0
        self.closed = False
        self._expert = create("scripted", replace(context, options={}))
        self._change = change

    def reset(self) -> None:
        self._expert.reset()

    def close(self) -> None:
        self.closed = True

    def propose(self, observation: Observation) -> Any:
        self.asked += 1
        made = self._expert.propose(observation)
        if made is not None:
            made = replace(made, provenance=replace(made.provenance, policy=self.name))
        return self._change(made, observation, self.asked)


def same(made: ActionChunk | None, seen: Observation, count: int) -> object:
    return made


class Swapping:
    """Runs one double while another one shadows it.

    Attributes:
        out: folder of the last run.
        notes: of the last run.
        doubles: policies of the last run by name.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._patch = monkeypatch
        self._count = 0

    def run(
        self,
        incumbent: Answer = same,
        other: Answer | None = None,
        *,
        sim_time_s: float,
        rules: SwapRules | None = None,
        on_tick: Callable[[TickReport], None] = lambda report: None,
        goal: str = GOAL,
    ) -> RunSummary:
        self._count += 1
        self.out = self._folder / f"out{self._count}"
        self.state_dir = self._folder / f"state{self._count}"
        self.notes = Notes(on_tick)
        self.doubles: dict[str, Double] = {}

        def make(name: str, change: Answer) -> Callable[..., Double]:
            def made(_: str, context: PolicyContext) -> Double:
                self.doubles[name] = Double(name, context, change)
                return self.doubles[name]

            return made

        self._patch.setattr(session, "create", make("first", incumbent))
        self._patch.setattr(candidate, "create", make("second", other or same))
        request = RunRequest(
            goal=goal,
            cell=cell_of(PANDA),
            policy="scripted",
            seed=1,
            real_time=False,
            gui=False,
            out=self.out,
            state_dir=self.state_dir,
            cameras=False,
            max_sim_time_s=sim_time_s,
            report=False,
            swap_to=None if other is None else Path("/a/second"),
            swap_rules=rules or SwapRules(),
        )
        return session.run(request, self.notes, lambda _: gate_of_cell(PANDA))

    def motion(self) -> list[bytes]:
        """All that was asked, answered, moved and seen; what was said of a swap is left out."""
        left_out = {"/event", "/chain", "/outcome", "/timing"}
        messages = TraceReader(self.out).messages()
        return [m.topic.encode() + m.data for m in messages if m.topic not in left_out]


@pytest.fixture
def swapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Swapping:
    return Swapping(tmp_path, monkeypatch)


def vandal(made: ActionChunk | None, seen: Observation, count: int) -> object:
    """Changes whatever it can reach."""
    for array in (seen.state.q, seen.state.q_commanded, seen.scene.objects[0].object_in_world):
        array.setflags(write=True)
        array[:] = 7.0
    object.__setattr__(seen.scene, "objects", ())
    object.__setattr__(seen.task, "phase", "none")
    return made


def not_finite(made: ActionChunk | None, seen: Observation, count: int) -> object:
    return made and replace(made, samples=np.full(made.samples.shape, np.nan))


def test_a_candidate_in_the_shadow_changes_nothing_of_the_motion(swapping: Swapping) -> None:
    swapping.run(sim_time_s=0.6)
    alone = swapping.motion()
    for other, state in ((vandal, SwapState.SHADOW), (not_finite, SwapState.REFUSED)):
        (record,) = swapping.run(same, other, sim_time_s=0.6).swaps
        assert record.state is state
        assert swapping.doubles["second"].asked >= 1
        assert swapping.motion() == alone


@pytest.fixture(scope="module")
def there_and_back(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The first pauses, so that the arm holds; the second takes over, then raises, and gives back."""

    def pausing(made: ActionChunk | None, seen: Observation, count: int) -> object:
        return None if 7 <= count < 40 else made

    def breaking(made: ActionChunk | None, seen: Observation, count: int) -> object:
        if count > 12:
            raise RuntimeError("out of memory")
        return made

    with pytest.MonkeyPatch.context() as patch:
        made = Swapping(tmp_path_factory.mktemp("swap"), patch)
        rules = SwapRules(questions=4, failures=3)
        summary = made.run(pausing, breaking, sim_time_s=5.0, rules=rules)
    return SimpleNamespace(made=made, summary=summary, reports=made.notes.reports)


def holding_at(reports: list[TickReport], at_s: float) -> bool:
    """Whether the arm stood, with nothing released, when the last tick before `at_s` ended."""
    before = next(r for r in reversed(reports) if r.stamp_ns < round(at_s * 1e9))
    return before.state.standstill and before.command is None


def test_it_takes_over_and_gives_back_only_while_the_robot_holds(there_and_back: Any) -> None:
    (record,) = there_and_back.summary.swaps
    assert record.state is SwapState.ROLLED_BACK
    assert (record.judged, record.released) == (4, 4)
    assert record.asked_s < record.took_over_s < record.gave_back_s
    assert "RuntimeError: out of memory" in record.reason
    assert holding_at(there_and_back.reports, record.took_over_s)
    assert holding_at(there_and_back.reports, record.gave_back_s)
    moving = [r for r in there_and_back.reports if 0.7 < r.stamp_ns * 1e-9 < record.took_over_s]
    assert any(not r.state.standstill for r in moving)  # it was ready before the arm held


def test_every_chunk_in_the_trace_is_of_the_policy_in_force(there_and_back: Any) -> None:
    (record,) = there_and_back.summary.swaps
    chunks = [m.json() for m in TraceReader(there_and_back.made.out).messages({"/chunk"})]
    made_by = [(c["provenance"]["policy"], c["t_obs_ns"] * 1e-9) for c in chunks]
    assert {name for name, _ in made_by} == {"first", "second"}
    for name, at_s in made_by:
        assert (name == "second") == (record.took_over_s <= at_s < record.gave_back_s)
    numbers = [c["seq"] for c in chunks]
    assert numbers == sorted(numbers)
    of_second = [c["seq"] for c in chunks if c["provenance"]["policy"] == "second"]
    assert len(set(of_second)) == 12 - 4


def test_a_run_with_a_swap_can_be_asked_again_and_says_what_happened(there_and_back: Any) -> None:
    assert replay(there_and_back.made.out).holds
    said = " ".join(there_and_back.made.notes.events)
    for words in ("loaded and shadows", "4 of 4 chunks pass", "took over, at a hold", "gives back"):
        assert words in said
    (outcome,) = records(there_and_back.made.out, "/outcome")
    assert outcome["swaps"][0]["state"] == "rolled_back"
    assert json.loads(there_and_back.summary.to_json())["swaps"][0]["checkpoint"] == "/a/second"
    assert there_and_back.made.doubles["second"].closed
    assert there_and_back.summary.referee.contacts == 0


def test_a_candidate_whose_chunks_the_gate_refuses_never_plays(swapping: Swapping) -> None:
    def late(made: ActionChunk | None, seen: Observation, count: int) -> object:
        return made and replace(made, t_obs_ns=made.t_obs_ns - 10**9, t_ready_ns=made.t_obs_ns)

    def silent(made: ActionChunk | None, seen: Observation, count: int) -> object:
        return None

    summary = swapping.run(silent, late, sim_time_s=1.0, rules=SwapRules(questions=3, share=0.5))
    (record,) = summary.swaps
    assert (record.state, record.judged, record.released) == (SwapState.REFUSED, 2, 0)
    assert record.took_over_s is None
    assert records(swapping.out, "/chunk") == []
    assert summary.path_length_rad == 0.0


def test_a_request_from_outside_is_taken_at_a_hold_and_one_of_an_earlier_run_is_not(
    swapping: Swapping,
) -> None:
    (swapping._folder / "state1").mkdir()
    SwapRequest(swapping._folder / "state1").ask(Path("/old"))

    def ask(report: TickReport) -> None:
        if report.tick == 20:
            SwapRequest(swapping.state_dir).ask(Path("/b/second"))

    def silent(made: ActionChunk | None, seen: Observation, count: int) -> object:
        return None

    summary = swapping.run(silent, sim_time_s=1.0, rules=SwapRules(questions=2), on_tick=ask)
    (record,) = summary.swaps
    assert (record.checkpoint, record.state) == ("/b/second", SwapState.TRIAL)
    assert record.asked_s == pytest.approx(0.21)
    assert holding_at(swapping.notes.reports, record.took_over_s)
    assert summary.path_length_rad > 0.0


def test_a_run_with_a_swap_repeats_bit_for_bit(swapping: Swapping) -> None:
    def pausing(made: ActionChunk | None, seen: Observation, count: int) -> object:
        return None

    digests = []
    for _ in range(2):
        (record,) = swapping.run(pausing, same, sim_time_s=0.5, rules=SwapRules(questions=2)).swaps
        assert record.state is SwapState.TRIAL
        digests.append(content_digest(swapping.out))
    assert digests[0] == digests[1]


# ---- the parts by themselves


def test_nobody_takes_over_under_a_latched_stop() -> None:
    def exchanged(*latched: str) -> list[str]:
        done: list[str] = []
        part = SimpleNamespace(
            _rig=SimpleNamespace(drive=SimpleNamespace(latched=latched)),
            _swap=SimpleNamespace(exchange=lambda: not done.append("exchange")),
            _loop=SimpleNamespace(withdraw=lambda: done.append("withdraw")),
        )
        Pursuit._exchange(part, holds=True)  # type: ignore[arg-type]
        return done

    assert exchanged() == ["exchange", "withdraw"]
    assert exchanged("operator: Ctrl-C") == []


def test_a_request_is_taken_once_and_what_is_none_is_told_and_gone(tmp_path: Path) -> None:
    request = SwapRequest(tmp_path)
    assert request.take() is None
    request.ask(tmp_path / "c")
    assert request.take() == tmp_path / "c"
    assert request.take() is None
    unfit = (
        "{",
        '{"checkpoint": 7}',
        '{"other": "x"}',
        '{"checkpoint": "\\ud800"}',
        '{"checkpoint": "a\\u001b[2J"}',
    )
    for text in (*unfit, "[" * 9_000, "x" * 20_000):
        (tmp_path / "swap.request").write_text(text)
        with pytest.raises(BadInputError, match="no request"):
            request.take()
        assert request.take() is None


def _link(path: Path) -> None:
    (path.parent / "elsewhere").write_text('{"checkpoint": "/c"}')
    path.symlink_to(path.parent / "elsewhere")


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [os.mkfifo, _link, _folder], ids=["pipe", "link", "folder"])
def test_what_is_no_plain_file_is_told_once_and_never_waited_for(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "swap.request")
    request = SwapRequest(tmp_path)
    with pytest.raises(BadInputError, match="no request"):
        request.take()
    assert request.take() is None
    if make is _folder:
        (tmp_path / "swap.request").rmdir()
    request.ask(tmp_path / "c")
    assert request.take() == tmp_path / "c"


def test_a_request_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SwapRequest(tmp_path).ask(tmp_path / "c")
    monkeypatch.setattr(swap_request, "_ROOT", -1)
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    with pytest.raises(BadInputError, match="PermissionError"):
        SwapRequest(tmp_path).take()


def test_a_request_that_comes_while_one_is_read_is_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = SwapRequest(tmp_path)
    request.ask(Path("/one"))
    read = json.loads

    def meanwhile(text: Any) -> Any:
        monkeypatch.undo()
        request.ask(Path("/two"))
        return read(text)

    monkeypatch.setattr(json, "loads", meanwhile)
    assert [request.take() for _ in range(3)] == [Path("/one"), Path("/two"), None]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("questions", 0),
        ("questions", True),
        ("failures", 0),
        ("share", 0.0),
        ("share", 1.1),
        ("still_s", 0.0),
        ("patience_s", float("nan")),
        ("patience_s", float("inf")),
    ],
)
def test_terms_that_cannot_be_kept_are_named(name: str, value: Any) -> None:
    with pytest.raises(BadInputError, match=rf"swap\.{name}"):
        SwapRules(**{name: value})


class Scripted:
    """Says what it is told to say, in turn."""

    name = "double"

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.closed = threading.Event()

    def reset(self) -> None:
        pass

    def close(self) -> None:
        self.closed.set()

    def propose(self, observation: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


HOME = bare_cell(PANDA).robot_spec().home
GOOD = hold(PANDA, HOME)


def given_of(**changes: Any) -> Any:
    from tests.contracts.guard_contract import creeping

    return replace(creeping(), **changes)


JUDGED: dict[str, tuple[object, Judgement, str]] = {
    "a good one": (GOOD, Judgement.RELEASED, ""),
    "it waits": (None, Judgement.UNJUDGED, "waits"),
    "not finite": (replace(GOOD, samples=GOOD.samples * np.nan), Judgement.MALFORMED, "not finite"),
    "for another body": (replace(GOOD, embodiment="f" * 64), Judgement.MALFORMED, "another embodiment"),
    "of another shape": (replace(GOOD, samples=GOOD.samples[:, :, :7]), Judgement.MALFORMED, "7 channels"),
    "another unit": (replace(GOOD, samples=GOOD.samples * 57.3), Judgement.MALFORMED, "another unit"),
    "a number used before": (replace(GOOD, seq=-1), Judgement.MALFORMED, "comes after"),
    "no chunk": ({"samples": 1}, Judgement.MALFORMED, "it is a dict"),
    "it raises": (ValueError("broken"), Judgement.MALFORMED, "ValueError: broken"),
    "it refuses": (RefusedError("no picture"), Judgement.REFUSED, "no picture"),
    "an old observation": (
        replace(GOOD, t_obs_ns=NOW_NS - 10**9, t_ready_ns=NOW_NS - 10**9),
        Judgement.REFUSED,
        "freshness",
    ),
    "an answer that took too long": (
        replace(GOOD, t_ready_ns=NOW_NS + 10**9),
        Judgement.REFUSED,
        "took 1.00 s",
    ),
    "an answer that took a while": (replace(GOOD, t_ready_ns=NOW_NS + 10**8), Judgement.RELEASED, ""),
}


@pytest.mark.parametrize("name", JUDGED)
def test_a_chunk_in_the_shadow_is_judged_as_the_gate_would(name: str) -> None:
    answer, judgement, said = JUDGED[name]
    policy = Scripted(None, None, answer)
    shadow = Shadow(lambda: policy, lambda: gate_of(PANDA))
    assert shadow.wait(20.0)
    for _ in range(3):
        shadow.submit(object(), given_of())  # type: ignore[arg-type]
        assert shadow.wait(20.0)
    loaded, *_, found = shadow.findings()
    assert loaded.judgement is Judgement.LOADED
    assert found.judgement is judgement
    assert said in found.reason
    shadow.leave(keep=False)
    assert policy.closed.wait(20.0)


def test_that_the_first_answers_are_late_says_nothing() -> None:
    late = [replace(GOOD, seq=k, t_ready_ns=NOW_NS + 10**9) for k in range(3)]
    shadow = Shadow(lambda: Scripted(*late), lambda: gate_of(PANDA))
    assert shadow.wait(20.0)
    for _ in range(3):
        shadow.submit(object(), given_of())  # type: ignore[arg-type]
        assert shadow.wait(20.0)
    found = [finding.judgement for finding in shadow.findings()]
    assert found == [Judgement.LOADED, Judgement.UNJUDGED, Judgement.UNJUDGED, Judgement.REFUSED]


class Bench:
    """A hot swap in lockstep, or in real time, without a robot."""

    def __init__(
        self, folder: Path, load: Callable[[], Any], *, real_time: bool = False, **rules: Any
    ) -> None:
        self.now_ns = 0
        self.said: list[str] = []
        self.swap = HotSwap(
            InlineProposer(Scripted(*[replace(GOOD, seq=k) for k in range(50)])),  # type: ignore[arg-type]
            seat=lambda policy: InlineProposer(policy),
            shadow=lambda _: Shadow(load, lambda: gate_of(PANDA)),
            inbox=SwapRequest(folder),
            rules=SwapRules(**rules),
            tell=lambda text, level: self.said.append(text),
            now_ns=lambda: self.now_ns,
            stopped=None if real_time else lambda: False,
        )

    def tick(self, **report: Any) -> object:
        """One tick: a question, its answer, and what the gate was asked."""
        self.swap.ask(SimpleNamespace())  # type: ignore[arg-type]
        answer = self.swap.answer()
        self.now_ns += 10_000_000
        told = {"given": given_of(), "preview": None, "command": object(), "stamp_ns": self.now_ns}
        told |= {"state": SimpleNamespace(standstill=False)} | report
        self.swap.after_tick(SimpleNamespace(**told))  # type: ignore[arg-type]
        return answer


def chunks(count: int, first: int = 0) -> list[ActionChunk]:
    return [replace(GOOD, seq=first + k) for k in range(count)]


def test_a_candidate_that_cannot_be_loaded_is_refused_with_its_reason(tmp_path: Path) -> None:
    def load() -> Any:
        raise CheckpointError("this policy was not trained with that body", field="embodiment")

    bench = Bench(tmp_path, load)
    bench.swap.request(Path("/c"))
    assert bench.swap.state is SwapState.REFUSED
    assert "not trained with that body" in bench.swap.records[0].reason
    bench.tick()
    assert not bench.swap.exchange()


def test_one_candidate_is_tried_at_a_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, lambda: Scripted(*chunks(9)))
    bench.swap.request(Path("/one"))
    bench.swap.request(Path("/two"))
    assert [record.checkpoint for record in bench.swap.records] == ["/one"]
    assert "/two is not tried" in bench.said[-1]


def test_one_malformed_chunk_is_enough_to_be_refused(tmp_path: Path) -> None:
    broken = replace(GOOD, seq=2, samples=GOOD.samples * np.nan)
    bench = Bench(tmp_path, lambda: Scripted(*chunks(2), broken), questions=4, share=0.1)
    bench.swap.request(Path("/c"))
    for _ in range(3):
        bench.tick()
    record = bench.swap.records[0]
    assert (record.state, record.judged, record.released) == (SwapState.REFUSED, 2, 2)


def test_a_request_that_comes_too_late_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, lambda: Scripted(*chunks(9)))
    SwapRequest(tmp_path).ask(Path("/late"))
    bench.swap.look(over=True)
    assert bench.said == ["/late is not tried: the run is over"]
    assert bench.swap.records == ()


def test_a_machine_without_another_thread_keeps_the_policy_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object, **__: object) -> Any:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        unloaded = Bench(tmp_path, lambda: Scripted())
        unloaded.swap.request(Path("/c"))
    assert unloaded.swap.state is SwapState.REFUSED
    ready = Bench(tmp_path, lambda: Scripted(*chunks(2)), questions=2)
    ready.swap.request(Path("/c"))
    first, second = ready.tick(), ready.tick()
    ready.swap._make_seat = none_left
    assert not ready.swap.exchange()
    assert "can't start new thread" in ready.swap.records[0].reason
    assert [first.seq, second.seq, ready.tick().seq] == [0, 1, 2]  # type: ignore[attr-defined]


def test_a_stop_ends_the_wait_for_a_candidate_that_hangs(tmp_path: Path) -> None:
    never = threading.Event()
    bench = Bench(tmp_path, lambda: never.wait())
    looked: list[bool] = []
    bench.swap._stopped = lambda: not looked.append(True)
    bench.swap.request(Path("/c"))
    bench.tick()
    assert looked == [True]  # asked once, never waited for again
    assert bench.swap.state is SwapState.SHADOW
    never.set()


class Mute(RuntimeError):
    """Cannot even say what is wrong."""

    def __str__(self) -> str:
        raise self


def test_an_error_that_cannot_be_told_is_told_by_its_name(tmp_path: Path) -> None:
    def load() -> Any:
        raise Mute

    loading = Bench(tmp_path, load)
    loading.swap.request(Path("/c"))
    assert loading.swap.records[0].reason == "Mute"
    in_force = in_trial(tmp_path, Mute(), failures=1)
    in_force.tick()
    assert in_force.swap.records[0].reason.endswith("the last one: Mute")


def test_a_candidate_that_is_never_judged_is_given_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, lambda: Scripted(*[None] * 50), patience_s=0.2)
    bench.swap.request(Path("/c"))
    for _ in range(19):
        bench.tick()
    assert bench.swap.state is SwapState.SHADOW
    for _ in range(3):
        bench.tick()
    assert bench.swap.state is SwapState.REFUSED
    assert "0.2 s" in bench.swap.records[0].reason


def test_in_real_time_nobody_waits_for_a_candidate_that_never_comes(tmp_path: Path) -> None:
    never = threading.Event()

    def load() -> Any:
        never.wait()
        raise AssertionError("nobody needs it any more")

    bench = Bench(tmp_path, load, real_time=True, patience_s=0.05)
    bench.swap.request(Path("/c"))
    answers = [bench.tick() for _ in range(7)]
    assert [answer.seq for answer in answers] == list(range(7))  # type: ignore[attr-defined]
    assert bench.swap.state is SwapState.REFUSED
    never.set()


def in_trial(folder: Path, *then: object, **rules: Any) -> Bench:
    bench = Bench(folder, lambda: Scripted(*chunks(2), *then), questions=2, **rules)
    bench.swap.request(Path("/c"))
    for _ in range(2):
        bench.tick()
    assert bench.swap.wants_hold
    assert bench.swap.exchange()
    assert bench.swap.state is SwapState.TRIAL
    return bench


def preview(rung: str) -> Any:
    result = SimpleNamespace(again=False, rung=Rung(rung), guard="environment", reason="too near")
    return SimpleNamespace(result=result)


def test_chunks_are_numbered_on_and_its_first_achieved_task_makes_it_stay(tmp_path: Path) -> None:
    bench = in_trial(tmp_path, *chunks(3, first=2))
    assert bench.tick(preview=preview("as_proposed")).seq == 2  # type: ignore[attr-defined]
    bench.swap.task_ended("", bench.now_ns)
    assert bench.swap.state is SwapState.IN_FORCE
    bench.swap.task_ended("the second one fails", bench.now_ns)
    assert bench.swap.state is SwapState.IN_FORCE
    assert not bench.swap.exchange()
    assert bench.tick().seq == 3  # type: ignore[attr-defined]


def test_a_task_that_was_over_before_it_did_anything_proves_nothing(tmp_path: Path) -> None:
    bench = in_trial(tmp_path, *chunks(3, first=2))
    bench.swap.task_ended("", bench.now_ns)
    assert bench.swap.state is SwapState.TRIAL


def test_a_task_that_another_policy_began_says_nothing_of_it(tmp_path: Path) -> None:
    bench = in_trial(tmp_path, *chunks(3, first=2))
    began_ns = bench.now_ns - 1
    bench.tick(preview=preview("as_proposed"))
    for failed in ("", "it was dropped"):
        bench.swap.task_ended(failed, began_ns)
        assert bench.swap.state is SwapState.TRIAL


@pytest.mark.parametrize("way", ["raises", "refused", "still", "task"])
def test_it_gives_back_at_the_next_hold_when_it_fails(way: str, tmp_path: Path) -> None:
    then = [ValueError("broken")] * 3 if way == "raises" else chunks(9, first=2)
    bench = in_trial(tmp_path, *then, still_s=0.03)
    for _ in range(3):
        assert bench.swap.state is SwapState.TRIAL
        if way == "still":
            bench.tick(command=None, state=SimpleNamespace(standstill=True))
        elif way != "task":
            bench.tick(preview=preview("braking") if way == "refused" else None)
    if way == "still":
        bench.tick(command=None, state=SimpleNamespace(standstill=True))
    if way == "task":
        bench.swap.task_ended("it was dropped", bench.now_ns)
    assert bench.swap.state is SwapState.BACK
    last = bench.swap._last
    assert bench.swap.exchange()
    assert bench.swap.state is SwapState.ROLLED_BACK
    assert bench.tick().seq == last + 1  # type: ignore[attr-defined]


def test_a_good_answer_between_bad_ones_is_no_row_of_them(tmp_path: Path) -> None:
    bench = in_trial(tmp_path, *chunks(9, first=2))
    for rung in ("braking", "braking", "slowed", "braking", "braking"):
        bench.tick(preview=preview(rung))
    assert bench.swap.state is SwapState.TRIAL


def test_an_answer_to_whoever_sat_there_before_is_for_nobody() -> None:
    class Slow:
        """Answers when it is told to."""

        def __init__(self) -> None:
            self.ready: object = None
            self.waiting = False

        def free(self) -> bool:
            return not self.waiting

        def ask(self, observation: object) -> None:
            self.waiting = True

        def answer(self) -> object:
            answer, self.ready = self.ready, None
            self.waiting = self.waiting and answer is None
            return answer

    slow = Slow()
    seat = Seat(slow)  # type: ignore[arg-type]
    seat.ask(None)  # type: ignore[arg-type]
    seat.leave()
    seat.enter(5)
    assert not seat.free()
    assert seat.answer() is None
    slow.ready = GOOD
    assert seat.free()
    assert seat.answer() is None
    seat.ask(None)  # type: ignore[arg-type]
    slow.ready = GOOD
    assert seat.answer().seq == 6  # type: ignore[attr-defined]


def test_a_candidate_that_looks_where_no_camera_is_asked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        candidate, "create", lambda name, context: SimpleNamespace(roles=frozenset({"wrist"}))
    )
    cell = cell_of(PANDA)
    context = PolicyContext(robot=cell.robot_spec(), embodiment=cell.embodiment(), seed=0, options={})
    with pytest.raises(BadInputError, match="wrist"):
        candidate_from(Path("/c"), context, ["base"])


def test_an_option_of_the_policy_in_force_is_kept_and_the_checkpoint_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[PolicyContext] = []

    def made(name: str, context: PolicyContext) -> Any:
        told.append(context)
        return SimpleNamespace()

    monkeypatch.setattr(candidate, "create", made)
    cell = cell_of(PANDA)
    context = PolicyContext(
        robot=cell.robot_spec(),
        embodiment=cell.embodiment(),
        seed=0,
        options={"checkpoint": "/old", "steps": 5},
    )
    candidate_from(Path("/new"), context, [])
    assert told[0].options == {"checkpoint": "/new", "steps": 5}


def checkpoint_for(cell: Cell, folder: Path) -> Path:
    """A checkpoint as far as it is looked at before a run: its statistics."""
    folder.mkdir()
    draws, body = np.random.default_rng(0), cell.embodiment()
    actions = draws.uniform(-1.0, 1.0, (50, len(body.channels)))
    names = (StateName(name="q", unit="rad"),)
    one = BodyStatistics.measure(body, actions, draws.uniform(-1.0, 1.0, (50, 1)), names, {})
    (folder / "statistics.json").write_text(json.dumps(Statistics(bodies=(one,)).to_json()))
    return folder


def test_only_a_living_run_is_asked_and_only_for_a_checkpoint(tmp_path: Path) -> None:
    folder = checkpoint_for(cell_of(PANDA), tmp_path / "checkpoint")
    with pytest.raises(BadInputError, match="no checkpoint"):
        ask_for_swap(tmp_path, tmp_path)
    with pytest.raises(BadInputError, match="no run is alive"):
        ask_for_swap(folder, tmp_path)
    lease = Lease(tmp_path, "panda")
    lease.acquire()
    try:
        assert "Asked" in ask_for_swap(folder, tmp_path)
        assert SwapRequest(tmp_path).take() == folder
    finally:
        lease.release()


def test_a_checkpoint_of_another_body_ends_the_start(tmp_path: Path) -> None:
    told: dict[str, Any] = {
        "policy": "scripted",
        "seed": 0,
        "real_time": False,
        "gui": False,
        "telemetry": "none",
    }
    told |= {"out": tmp_path / "out", "state_dir": tmp_path / "state"}
    folder = checkpoint_for(cell_of(PANDA), tmp_path / "checkpoint")
    with pytest.raises(CheckpointError, match="not trained with that body"):
        prepare_run(GOAL, cell="xarm6_tabletop", swap_to=folder, **told)
    assert not (tmp_path / "out").exists()
    request, claimed = prepare_run(GOAL, cell=PANDA, swap_to=folder, **told)
    assert request.swap_to == folder
    claimed.give_up()
