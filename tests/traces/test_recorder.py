from __future__ import annotations

import errno
import io
import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
import pytest
from PIL import Image

from interlock.errors import StorageError
from interlock.guards.verdict import Verdict
from interlock.traces.chain import verify_chain
from interlock.traces.container import create_file
from interlock.traces.encoding import unpacked
from interlock.traces.read import TraceReader
from interlock.traces.recorder import Recorder, RecorderSummary


def _messages(run: Path, topic: str) -> list[dict[str, Any]]:
    return [message.json() for message in TraceReader(run).messages({topic})]


def test_every_record_of_a_run_comes_back_in_order(tmp_path: Path, synthetic: ModuleType) -> None:
    run = synthetic.SyntheticRun(ticks=200, reckless=True)
    recorder = Recorder(tmp_path / "run", run.info())
    run.feed(recorder)
    summary = recorder.close()
    counts = Counter(m.topic for m in TraceReader(tmp_path / "run").messages())
    reports = list(run.reports())
    released = sum(r.certificate is not None for r in reports)
    assert summary.fault is None
    assert counts["/state"] == counts["/verdict"] == 200
    assert counts["/command"] == counts["/certificate"] == released < 200
    assert counts["/chunk"] == 13
    assert counts["/camera/overview"] == 2
    assert counts["/run"] == counts["/plan"] == counts["/stop"] == counts["/outcome"] == 1
    assert [s["tick"] for s in _messages(tmp_path / "run", "/state")] == list(range(200))


def test_commands_come_back_bit_for_bit_as_sent(tmp_path: Path, synthetic: ModuleType) -> None:
    run = synthetic.SyntheticRun(ticks=40)
    recorder = Recorder(tmp_path, run.info())
    run.feed(recorder)
    recorder.close()
    sent = [r.command for r in run.reports() if r.command is not None]
    read = _messages(tmp_path, "/command")
    assert len(read) == len(sent)
    for command, record in zip(sent, read, strict=True):
        assert np.array(record["start"]).tobytes() == command.start.tobytes()
        assert np.array(record["end"]).tobytes() == command.end.tobytes()
        assert unpacked(record["tail"]).tobytes() == command.tail.tobytes()
        assert record["certificate"] == command.certificate


def test_certificate_digest_can_be_computed_again_from_its_record(recorded: Path) -> None:
    import hashlib

    digests = set()
    for record in _messages(recorded, "/certificate"):
        record.pop("tick")
        digests.add(hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest())
    assert {c["certificate"] for c in _messages(recorded, "/command")} == digests


def test_chunk_with_nan_is_recorded_with_its_nan(tmp_path: Path, synthetic: ModuleType) -> None:
    run = synthetic.SyntheticRun()
    chunk = run.chunk(0)
    samples = chunk.samples.copy()
    samples[0, 3, 2] = np.nan
    from dataclasses import replace

    bad = replace(chunk, samples=samples, dt_s=float("nan"), t_ready_ns=-(10**30))
    with Recorder(tmp_path, run.info()) as recorder:
        recorder.chunk(bad)
    assert recorder.fault is None
    (record,) = _messages(tmp_path, "/chunk")
    assert unpacked(record["samples"]).tobytes() == samples.tobytes()
    assert record["dt_s"] == "NaN"


def test_picture_comes_back_as_a_jpeg_of_its_size(recorded: Path) -> None:
    import base64

    record = _messages(recorded, "/camera/overview")[0]
    picture = Image.open(io.BytesIO(base64.b64decode(record["data"])))
    assert (picture.format, picture.size) == ("JPEG", (160, 120))
    assert record["timestamp"] == {"sec": 0, "nsec": 500_000_000}


def test_picture_is_copied_before_the_camera_reuses_its_buffer(
    tmp_path: Path, synthetic: ModuleType, record: Callable[..., RecorderSummary]
) -> None:
    run = synthetic.SyntheticRun()
    for name, spoil in (("kept", False), ("spoilt", True)):
        frame = run.frame(50)
        recorder = Recorder(tmp_path / name, run.info())
        recorder.frame(frame)
        if spoil:
            frame.rgb[:] = 0
        recorder.close()
    kept, spoilt = (_messages(tmp_path / n, "/camera/overview") for n in ("kept", "spoilt"))
    assert kept == spoilt


def test_outcome_holds_no_path_of_this_machine(tmp_path: Path, synthetic: ModuleType) -> None:
    with Recorder(tmp_path, synthetic.SyntheticRun().info()) as recorder:
        recorder.outcome({"outcome": "achieved", "trace": str(tmp_path), "report": str(tmp_path)})
    assert _messages(tmp_path, "/outcome") == [{"outcome": "achieved"}]


def test_hostile_text_is_recorded_as_it_came(tmp_path: Path, synthetic: ModuleType) -> None:
    goal = "\x00\x1b[2J\ud800</script>\u202e" + "x" * 100_000
    run = synthetic.SyntheticRun(goal=goal, ticks=3)
    with Recorder(tmp_path, run.info()) as recorder:
        run.feed(recorder)
    assert recorder.fault is None
    assert _messages(tmp_path, "/run")[0]["goal"] == goal


def test_folder_below_a_file_is_a_storage_error(tmp_path: Path, synthetic: ModuleType) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Name a folder") as caught:
        Recorder(tmp_path / "file" / "run", synthetic.SyntheticRun().info())
    assert caught.value.field == "out"


def test_a_trace_is_never_overwritten(tmp_path: Path, synthetic: ModuleType) -> None:
    Recorder(tmp_path, synthetic.SyntheticRun().info()).close()
    before = (tmp_path / "trace.mcap").read_bytes()
    with pytest.raises(StorageError, match="already holds a trace"):
        Recorder(tmp_path, synthetic.SyntheticRun().info())
    assert (tmp_path / "trace.mcap").read_bytes() == before


def test_no_folder_is_left_half_packed(recorded: Path) -> None:
    assert {path.name for path in recorded.iterdir()} == {"trace.mcap"}


class _FullDisk(io.FileIO):
    """Takes so many bytes and no more."""

    room = 40_000

    def write(self, data: Any) -> int:
        if self.room < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(data)
        return super().write(data) or 0


def _full(path: Path) -> BinaryIO:
    return io.BufferedWriter(_FullDisk(path, "xb"))


def test_full_disk_sets_the_fault_and_never_reaches_the_caller(tmp_path: Path, synthetic: ModuleType) -> None:
    run = synthetic.SyntheticRun(ticks=300)
    recorder = Recorder(tmp_path, run.info(), open_file=_full)
    run.feed(recorder)
    assert recorder.flush()
    run.feed(recorder)
    summary = recorder.close()
    assert summary.fault is not None
    assert "No space left" in summary.fault
    assert summary.lost > 300
    assert len(_messages(tmp_path, "/state")) > 0


def test_disk_full_while_packing_keeps_the_unpacked_trace(tmp_path: Path, synthetic: ModuleType) -> None:
    run = synthetic.SyntheticRun(ticks=100)

    def open_file(path: Path) -> BinaryIO:
        return create_file(path) if path.suffix == ".mcap" else _full(path)

    recorder = Recorder(tmp_path, run.info(), open_file=open_file)
    run.feed(recorder)
    summary = recorder.close()
    assert "could not be packed" in (summary.fault or "")
    assert verify_chain(tmp_path).ok
    assert {path.name for path in tmp_path.iterdir()} == {"trace.mcap"}


class _Unspeakable:
    def __str__(self) -> str:
        raise ValueError("no words")


def test_record_that_cannot_be_encoded_is_told_and_the_rest_is_kept(
    tmp_path: Path, synthetic: ModuleType
) -> None:
    run = synthetic.SyntheticRun(ticks=20)
    recorder = Recorder(tmp_path, run.info())
    recorder.outcome({"odd": _Unspeakable()})
    run.feed(recorder)
    summary = recorder.close()
    assert "left out (outcome)" in (summary.fault or "")
    assert summary.lost == 1
    assert len(_messages(tmp_path, "/state")) == 20
    assert verify_chain(tmp_path).ok


class _SlowDisk(io.FileIO):
    """Answers only while the gate is open."""

    gate = threading.Event()

    def write(self, data: Any) -> int:
        assert self.gate.wait(60.0)
        return super().write(data) or 0


def _slow(path: Path) -> BinaryIO:
    return io.BufferedWriter(_SlowDisk(path, "xb"), buffer_size=16)


def _fill(synthetic: ModuleType, folder: Path, *, real_time: bool) -> tuple[Recorder, Any]:
    """A recorder whose disk hung while 2,500 plain ticks came."""
    run = synthetic.SyntheticRun(ticks=1, real_time=real_time)
    (report,) = run.reports()
    _SlowDisk.gate.set()
    recorder = Recorder(folder, run.info(), open_file=_slow)
    assert recorder.flush()
    _SlowDisk.gate.clear()
    for _ in range(2500):
        recorder.tick(report)
    return recorder, report


def test_slow_disk_in_real_time_costs_ticks_that_are_counted_and_marked(
    tmp_path: Path, synthetic: ModuleType
) -> None:
    recorder, report = _fill(synthetic, tmp_path, real_time=True)
    recorder.frame(synthetic.SyntheticRun().frame(0))
    recorder.stop(10, 2, ["operator"])
    _SlowDisk.gate.set()
    assert recorder.flush(60.0)
    recorder.tick(report)
    summary = recorder.close()
    ticks = len(_messages(tmp_path, "/state"))
    assert summary.fault is None
    assert summary.dropped["tick"] > 0
    assert summary.dropped["picture"] == 1
    assert ticks + summary.dropped["tick"] == 2501
    assert len(_messages(tmp_path, "/stop")) == 1
    assert any("too slow" in event["message"] for event in _messages(tmp_path, "/event"))


def test_slow_disk_in_real_time_costs_no_refusal(tmp_path: Path, synthetic: ModuleType) -> None:
    recorder, report = _fill(synthetic, tmp_path, real_time=True)
    from dataclasses import replace

    verdict: Verdict = replace(report.verdict, refusals=(("environment", "too close"),))
    for _ in range(50):
        recorder.tick(replace(report, verdict=verdict))
    _SlowDisk.gate.set()
    recorder.close()
    refused = [v for v in _messages(tmp_path, "/verdict") if v["refusals"]]
    assert len(refused) == 50


def test_slow_disk_in_lockstep_costs_nothing(tmp_path: Path, synthetic: ModuleType) -> None:
    recorder, _ = _fill(synthetic, tmp_path, real_time=False)
    _SlowDisk.gate.set()
    summary = recorder.close()
    assert summary.dropped == {}
    assert len(_messages(tmp_path, "/state")) == 2500


def test_disk_that_never_answers_does_not_hold_the_close(tmp_path: Path, synthetic: ModuleType) -> None:
    recorder, _ = _fill(synthetic, tmp_path, real_time=True)
    summary = recorder.close(timeout_s=0.05)
    assert "not closed within" in (summary.fault or "")
    _SlowDisk.gate.set()
    assert recorder._scribe.join(60.0)


def test_closing_twice_is_closing_once(tmp_path: Path, synthetic: ModuleType) -> None:
    recorder = Recorder(tmp_path, synthetic.SyntheticRun().info())
    assert recorder.close() == recorder.close()


def test_layers_below_the_orchestrator_are_all_a_recorder_needs() -> None:
    import subprocess
    import sys

    code = (
        "import sys, interlock.traces.recorder, interlock.traces.report, interlock.traces.show\n"
        "bad = [m for m in sys.modules if m.startswith(('interlock.orchestrator', 'torch', 'pybullet', "
        "'cvxpy', 'plotly', 'opentelemetry.sdk'))]\n"
        "sys.exit(', '.join(bad) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
