"""Every decision of a trace can be made again, in another process, and what was changed in it is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pybullet")

from tests.orchestrator.session_runner import Runner

from interlock.errors import StorageError
from interlock.orchestrator.replay import replay
from interlock.traces.container import TraceFile
from interlock.traces.encoding import encode
from interlock.traces.read import DamagedTraceError, TraceReader

CELLS = ("panda_tabletop", "xarm6_tabletop")
Change = Callable[[str, dict[str, Any]], dict[str, Any] | None]


@pytest.fixture(scope="module", params=CELLS)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with corrections and refusals in it."""
    runner = Runner(tmp_path_factory.mktemp("replay"))
    runner.run(cell=request.param, policy="reckless", seed=5, sim_time_s=3.0)
    return runner.out


def copied(run: Path, folder: Path, change: Change = lambda topic, record: record) -> Path:
    """The trace again, its records changed; None leaves one out."""
    folder.mkdir()
    file = TraceFile(folder / "trace.mcap")
    for message in TraceReader(run).messages():
        if message.topic == "/chain":
            continue
        record = change(message.topic, message.json())
        if record is not None:
            file.add(message.topic, message.stamp_ns, encode(record))
    file.finish(0)
    return folder


def test_every_decision_is_the_same_to_the_last_bit_in_another_process(recorded: Path) -> None:
    command = [sys.executable, "-m", "interlock", "trace", "replay", str(recorded), "--exact", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["same"] == told["decisions"] >= 300
    assert told["first_difference"] == ""
    assert told["exact"]


@pytest.mark.parametrize("policy", ["nan", "stale"])
def test_refusals_are_made_again_too(policy: str, tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.run(policy=policy, sim_time_s=1.0)
    result = replay(runner.out)
    assert result.holds
    assert result.decisions >= 100


def verdicts(topic: str, record: dict[str, Any]) -> dict[str, Any] | None:
    if topic == "/verdict" and record["tick"] == 7:
        record["guard"] = "nobody"
    return record


def certificates(topic: str, record: dict[str, Any]) -> dict[str, Any] | None:
    return None if topic == "/certificate" and record["tick"] == 7 else record


def commands(topic: str, record: dict[str, Any]) -> dict[str, Any] | None:
    if topic == "/command" and record["tick"] == 7:
        record["end"][0][0] += 1e-5
    return record


@pytest.mark.parametrize("change", [verdicts, certificates, commands])
@pytest.mark.parametrize("exact", [True, False])
def test_an_answer_that_was_changed_is_found(
    recorded: Path, change: Change, exact: bool, tmp_path: Path
) -> None:
    result = replay(copied(recorded, tmp_path / "copy", change), exact=exact)
    assert not result.holds
    assert result.same == result.decisions - 1
    assert result.first_difference.startswith("tick 7: ")


def shortened(topic: str, record: dict[str, Any]) -> dict[str, Any] | None:
    if topic == "/command":
        record["end"][0][0] += 1e-9
    return record


def test_rounding_of_another_processor_is_no_difference_unless_every_bit_is_asked_for(
    recorded: Path, tmp_path: Path
) -> None:
    copy = copied(recorded, tmp_path / "copy", shortened)
    assert replay(copy, exact=False).holds
    assert replay(copy, exact=True).same < replay(copy, exact=True).decisions


def moved(topic: str, record: dict[str, Any]) -> dict[str, Any] | None:
    if topic == "/state":
        record["q_commanded"][0] += 1e-12
    return record


def test_a_question_that_was_changed_changes_the_answers(recorded: Path, tmp_path: Path) -> None:
    assert not replay(copied(recorded, tmp_path / "copy", moved)).holds


@pytest.mark.parametrize("topic", ["/chunk", "/run"])
def test_a_trace_that_lacks_what_is_needed_says_so(recorded: Path, topic: str, tmp_path: Path) -> None:
    copy = copied(recorded, tmp_path / "copy", lambda t, record: None if t == topic else record)
    with pytest.raises(DamagedTraceError, match=r"not|whole"):
        replay(copy)


def test_a_trace_without_its_cell_needs_one(recorded: Path, tmp_path: Path) -> None:
    def without(topic: str, record: dict[str, Any]) -> dict[str, Any]:
        return record | {"cell_text": ""} if topic == "/run" else record

    copy = copied(recorded, tmp_path / "copy", without)
    with pytest.raises(StorageError, match="--cell"):
        replay(copy)
    name = next(m.json()["cell"] for m in TraceReader(recorded).messages({"/run"}))
    assert replay(copy, cell=name).holds
    other = CELLS[1 - CELLS.index(name)]
    assert replay(copy, cell=other).same == 0


def test_a_run_that_was_killed_is_asked_up_to_its_last_whole_tick(recorded: Path, tmp_path: Path) -> None:
    copy = copied(recorded, tmp_path / "copy")
    data = (copy / "trace.mcap").read_bytes()
    (copy / "trace.mcap").write_bytes(data[: len(data) // 2])
    whole, half = replay(recorded), replay(copy)
    assert half.holds
    assert 0 < half.decisions < whole.decisions


def test_a_trace_of_nothing_does_not_hold(recorded: Path, tmp_path: Path) -> None:
    copy = copied(recorded, tmp_path / "copy", lambda topic, record: record if topic == "/run" else None)
    result = replay(copy)
    assert (result.decisions, result.holds) == (0, False)
