from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.errors import StorageError
from interlock.traces.chain import ChainState, content_digest, verify_chain
from interlock.traces.container import TraceFile
from interlock.traces.read import Message, TraceReader
from interlock.traces.recorder import RecorderSummary


def _rewritten(run: Path, folder: Path, change: Callable[[Message], Message | None]) -> Path:
    """The same trace with its messages changed, written by somebody who keeps the old checkpoints."""
    folder.mkdir()
    file = TraceFile(folder / "trace.mcap")
    for message in TraceReader(run).messages():
        new = change(message)
        if new is not None:
            file._write(new.topic, new.stamp_ns, new.data, new.stamp_ns)
    file._writer.finish()
    file._stream.close()
    return folder


def test_closed_trace_is_intact(recorded: Path) -> None:
    report = verify_chain(recorded)
    assert report.ok
    assert report.vouched == report.messages > 1000


def test_rewriting_without_a_change_stays_intact(recorded: Path, tmp_path: Path) -> None:
    assert verify_chain(_rewritten(recorded, tmp_path / "same", lambda m: m)).ok


def test_one_changed_byte_in_one_message_breaks_the_chain(recorded: Path, tmp_path: Path) -> None:
    def change(message: Message) -> Message:
        if message.topic == "/state" and message.sequence == 100:
            data = message.data.replace(b'"tick":100', b'"tick":101')
            assert data != message.data
            return Message(topic="/state", stamp_ns=message.stamp_ns, sequence=100, data=data)
        return message

    report = verify_chain(_rewritten(recorded, tmp_path / "changed", change))
    assert report.state is ChainState.BROKEN
    assert "was changed" in report.reason


@pytest.mark.parametrize(
    "change",
    [
        lambda m: None if m.topic == "/verdict" and m.sequence == 7 else m,
        lambda m: (
            Message(topic=m.topic, stamp_ns=m.stamp_ns + 1, sequence=m.sequence, data=m.data)
            if m.topic == "/stop"
            else m
        ),
        lambda m: (
            Message(topic="/event", stamp_ns=m.stamp_ns, sequence=m.sequence, data=m.data)
            if m.topic == "/stop"
            else m
        ),
    ],
    ids=["taken away", "later", "on another topic"],
)
def test_taking_away_or_moving_a_message_breaks_the_chain(
    recorded: Path, tmp_path: Path, change: Callable[[Message], Message | None]
) -> None:
    assert verify_chain(_rewritten(recorded, tmp_path / "new", change)).state is ChainState.BROKEN


def test_message_after_the_closing_checkpoint_breaks_the_chain(recorded: Path, tmp_path: Path) -> None:
    def change(message: Message) -> Message:
        if message.topic == "/chain" and not json.loads(message.data)["final"]:
            data = message.data.replace(b'"final":false', b'"final":true')
            return Message(topic="/chain", stamp_ns=message.stamp_ns, sequence=0, data=data)
        return message

    report = verify_chain(_rewritten(recorded, tmp_path / "early", change))
    assert report.state is ChainState.BROKEN
    assert "after the closing checkpoint" in report.reason


def test_any_flipped_byte_of_the_packed_messages_is_found(recorded: Path, tmp_path: Path) -> None:
    """Unless it changes nothing: a compressed block may hold a bit that no message depends on."""
    whole = (recorded / "trace.mcap").read_bytes()
    messages, harmless = list(TraceReader(recorded).messages()), 0
    for i, at in enumerate(range(200, len(whole) // 2, len(whole) // 20)):
        spoilt = bytearray(whole)
        spoilt[at] ^= 0x40
        folder = tmp_path / str(i)
        folder.mkdir()
        (folder / "trace.mcap").write_bytes(spoilt)
        if verify_chain(folder).state is not ChainState.BROKEN:
            assert list(TraceReader(folder).messages()) == messages
            harmless += 1
    assert harmless <= 1


def test_trace_cut_short_is_unfinished_and_never_intact(recorded: Path, tmp_path: Path) -> None:
    cut = _rewritten(
        recorded,
        tmp_path / "cut",
        lambda m: None if m.topic == "/chain" and json.loads(m.data)["final"] else m,
    )
    report = verify_chain(cut)
    assert report.state is ChainState.UNFINISHED
    assert 0 < report.vouched < report.messages


def test_same_run_gives_same_digest_and_same_bytes(
    tmp_path: Path, record: Callable[..., RecorderSummary]
) -> None:
    record(tmp_path / "a", ticks=150)
    record(tmp_path / "b", ticks=150)
    assert content_digest(tmp_path / "a") == content_digest(tmp_path / "b")
    assert (tmp_path / "a" / "trace.mcap").read_bytes() == (tmp_path / "b" / "trace.mcap").read_bytes()


def test_another_seed_gives_another_digest(tmp_path: Path, record: Callable[..., RecorderSummary]) -> None:
    record(tmp_path / "a", ticks=50, seed=1)
    record(tmp_path / "b", ticks=50, seed=2)
    assert content_digest(tmp_path / "a") != content_digest(tmp_path / "b")


def test_timings_are_in_the_chain_but_not_in_the_digest(recorded: Path, tmp_path: Path) -> None:
    def change(message: Message) -> Message:
        if message.topic == "/timing":
            data = message.data.replace(b'"gate":9', b'"gate":8')
            return Message(topic="/timing", stamp_ns=message.stamp_ns, sequence=message.sequence, data=data)
        return message

    slower = _rewritten(recorded, tmp_path / "slower", change)
    assert content_digest(slower) == content_digest(recorded)
    assert verify_chain(slower).state is ChainState.BROKEN


def test_nothing_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        verify_chain(tmp_path)
