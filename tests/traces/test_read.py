from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcap.exceptions import EndOfFile
from mcap.stream_reader import StreamReader

from interlock.errors import StorageError
from interlock.traces.chain import ChainState, verify_chain
from interlock.traces.read import DamagedTraceError, TraceReader
from interlock.traces.report import build_report
from interlock.traces.show import render_text, summarise


def test_folder_and_file_name_the_same_trace(recorded: Path) -> None:
    assert TraceReader(recorded).path == TraceReader(recorded / "trace.mcap").path
    assert TraceReader(recorded).finished


@pytest.mark.parametrize("name", ["missing", "missing/trace.mcap", "\x00"])
def test_missing_trace_is_a_storage_error_with_field_value_and_mend(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError) as caught:
        TraceReader(tmp_path / name)
    assert caught.value.field == "run"
    assert caught.value.value == str(tmp_path / name)
    assert caught.value.mend


@pytest.mark.parametrize("content", [b"", b"\x89MCAP", b"not a trace at all"])
def test_another_file_is_no_trace(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trace.mcap").write_bytes(content)
    with pytest.raises(DamagedTraceError, match="not an MCAP file"):
        TraceReader(tmp_path)


def test_closed_trace_with_a_damaged_chunk_is_an_error_not_a_short_run(
    recorded: Path, tmp_path: Path
) -> None:
    spoilt = bytearray((recorded / "trace.mcap").read_bytes())
    spoilt[len(spoilt) // 3] ^= 0xFF
    (tmp_path / "trace.mcap").write_bytes(spoilt)
    with pytest.raises(DamagedTraceError, match="damaged"):
        list(TraceReader(tmp_path).messages())
    with pytest.raises(StorageError):
        summarise(tmp_path)
    with pytest.raises(StorageError):
        build_report(tmp_path)


def test_killed_run_keeps_every_record_it_had_flushed(tmp_path: Path, synthetic_source: Path) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, str(synthetic_source), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        flushed = int(child.stdout.readline()) + int(child.stdout.readline())
        child.kill()
    reader = TraceReader(folder)
    counts = Counter(message.topic for message in reader.messages())
    assert not reader.finished
    assert counts["/state"] >= flushed == 1000
    assert counts["/verdict"] >= 1000
    report = verify_chain(folder)
    assert report.state is ChainState.UNFINISHED
    assert report.vouched >= 1000
    assert "unfinished" in render_text(summarise(folder))
    assert "ends without an outcome" in build_report(folder).read_text(encoding="utf-8")


def test_run_that_writes_on_while_it_is_read_is_read_as_far_as_it_was(
    tmp_path: Path, synthetic_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, str(synthetic_source), str(folder)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.kill()
    path = folder / "trace.mcap"
    whole = path.read_bytes()
    path.write_bytes(whole[:65_001])

    class Overtaken(StreamReader):
        """The run writes on at the very moment at which its end is met."""

        @property
        def records(self) -> Iterator[Any]:
            try:
                yield from super().records
            except EndOfFile:
                with path.open("ab") as file:
                    file.write(whole[65_001:70_000])
                raise

    monkeypatch.setattr("interlock.traces.read.StreamReader", Overtaken)
    assert sum(1 for _ in TraceReader(folder).messages()) > 20
    assert path.stat().st_size == 70_000


def test_every_length_of_a_killed_trace_can_be_read(tmp_path: Path, synthetic_source: Path) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, str(synthetic_source), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.kill()
    whole = (folder / "trace.mcap").read_bytes()
    cut = tmp_path / "cut"
    cut.mkdir()
    seen = 0
    for end in [*range(8, 60), *range(60_000, 70_000, 97)]:
        (cut / "trace.mcap").write_bytes(whole[:end])
        count = sum(1 for _ in TraceReader(cut).messages())
        assert count >= seen
        seen = count
    assert seen > 20
