"""A trace may hold any JSON: whoever reads one gets an answer or one error that says what to do."""

from __future__ import annotations

import base64
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from interlock.errors import ExitCode, InterlockError
from interlock.traces.chain import ChainState, verify_chain
from interlock.traces.container import TraceFile
from interlock.traces.read import DamagedTraceError, Message, TraceReader
from interlock.traces.recorder import RecorderSummary
from interlock.traces.report import build_report
from interlock.traces.show import render_text, summarise

_DEEP = b"[" * 100_000
_MUTATIONS = 300
_ASKED_AGAIN = 120
_NEVER_ASKED = ("/chain", "/scene", "/markers", "/plan", "/event", "/timing", "/phase")
_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 3, 1e308, -1e308, 1e-320, float("nan"), float("inf"), 10**400,
    "", "x", "NaN", "\ud800\x1b", [], {}, [[]], [None], ["a", "b"], [1e308, -1e308], {"a": {}},
    json.loads("[" * 200 + "]" * 200),
)  # fmt: skip


@pytest.fixture(scope="module")
def messages(
    tmp_path_factory: pytest.TempPathFactory, record: Callable[..., RecorderSummary]
) -> list[Message]:
    """A short run with every kind of record, its checkpoints left out."""
    folder = tmp_path_factory.mktemp("whole")
    record(folder, ticks=120, reckless=True, outcome="stopped")
    whole = [m for m in TraceReader(folder).messages() if m.topic != "/chain"]
    ticks = [m for m in whole if m.topic in ("/state", "/verdict", "/certificate")][:24]
    return [m for m in whole if m in ticks or m.topic not in ("/state", "/verdict", "/certificate")]


def _written(folder: Path, messages: list[Message]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trace.mcap").unlink(missing_ok=True)
    file = TraceFile(folder / "trace.mcap")
    for message in messages:
        file.add(message.topic, message.stamp_ns, message.data)
    file.finish(messages[-1].stamp_ns if messages else 0)
    return folder


def _with(messages: list[Message], topic: str, change: Callable[[dict[str, Any]], object]) -> list[Message]:
    """The messages with the first record of `topic` changed."""
    at = next(i for i, m in enumerate(messages) if m.topic == topic)
    record = messages[at].json()
    change(record)
    return [*messages[:at], _holding(messages[at], json.dumps(record).encode()), *messages[at + 1 :]]


def _holding(message: Message, data: bytes) -> Message:
    return Message(topic=message.topic, stamp_ns=message.stamp_ns, sequence=message.sequence, data=data)


def _jpeg(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, format="JPEG")
    return buffer.getvalue()


def _larger_than_it_is(jpeg: bytes, width: int, height: int) -> bytes:
    """The picture with another size in its frame header."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + jpeg[at + 4 :]


def _pictures() -> dict[str, bytes]:
    whole = _jpeg(64, 64)
    return {
        "nothing": b"",
        "text": b"this is no picture",
        "half a picture": whole[: len(whole) // 2],
        "a picture of another kind": b"\x89PNG\r\n\x1a\n" + b"\0" * 64,
        "a large bomb": _larger_than_it_is(whole, 10_000, 10_000),
        "a very large bomb": _larger_than_it_is(whole, 60_000, 60_000),
    }


def _refused(run: Path) -> DamagedTraceError:
    with pytest.raises(DamagedTraceError) as caught:
        build_report(run)
    assert caught.value.field == "run"
    assert caught.value.mend
    assert caught.value.exit_code is ExitCode.BAD_INPUT
    assert not (run / "report.html").exists()
    return caught.value


def test_the_run_that_is_spoilt_below_has_a_report(messages: list[Message], tmp_path: Path) -> None:
    assert build_report(_written(tmp_path, messages)).stat().st_size > 1_000_000


@pytest.mark.parametrize("key", ["id", "skill", "arguments", "after"])
def test_a_plan_whose_task_lacks_something_is_damage_that_names_the_run(
    messages: list[Message], tmp_path: Path, key: str
) -> None:
    odd = _with(messages, "/plan", lambda plan: plan["tasks"][0].pop(key))
    error = _refused(_written(tmp_path, odd))
    assert error.value == str(tmp_path / "trace.mcap")
    assert key in error.what


@pytest.mark.parametrize("name", _pictures())
def test_a_picture_that_is_no_picture_is_damage(messages: list[Message], tmp_path: Path, name: str) -> None:
    data = base64.b64encode(_pictures()[name]).decode()
    odd = _with(messages, "/camera/overview", lambda picture: picture.update(data=data))
    assert "picture" in _refused(_written(tmp_path, odd)).what


@pytest.mark.parametrize("topic", ["/run", "/plan", "/state", "/outcome", "/camera/overview"])
def test_a_record_too_deep_to_read_is_damage(messages: list[Message], tmp_path: Path, topic: str) -> None:
    odd = [_holding(m, _DEEP) if m.topic == topic else m for m in messages]
    assert "not JSON" in _refused(_written(tmp_path, odd)).what


def test_a_checkpoint_too_deep_to_read_breaks_the_chain(messages: list[Message], tmp_path: Path) -> None:
    checkpoint = Message(topic="/chain", stamp_ns=0, sequence=0, data=_DEEP)
    run = _written(tmp_path, [*messages, checkpoint])
    assert verify_chain(run).state is ChainState.BROKEN
    assert "BROKEN" in render_text(summarise(run))
    assert "hash chain is broken" in build_report(run).read_text(encoding="utf-8")


def test_limits_that_cannot_be_divided_by_are_damage(messages: list[Message], tmp_path: Path) -> None:
    odd = _with(messages, "/run", lambda run: run["robot"].update(v_max=[0.0] * 7))
    _refused(_written(tmp_path, odd))


def test_whatever_the_records_hold_only_errors_for_people_come_out(
    messages: list[Message], tmp_path: Path
) -> None:
    """A fixed seed, so that what fails once fails again."""
    dice = random.Random(20_300_102)
    errors: list[InterlockError] = []
    for _ in range(_MUTATIONS):
        odd = messages
        for _ in range(dice.choice((1, 1, 2, 5))):
            odd = _spoilt(odd, dice)
        run = _written(tmp_path, odd)
        for read in (lambda run: render_text(summarise(run)), build_report):
            try:
                read(run)
            except InterlockError as error:
                errors.append(error)
    assert all(error.mend for error in errors)
    assert _MUTATIONS // 5 < len(errors) < 2 * _MUTATIONS


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    """The first ticks of a run that can be asked again, a changed chunk among them."""
    pytest.importorskip("pybullet")
    from tests.orchestrator.session_runner import Runner

    runner = Runner(tmp_path_factory.mktemp("asked"))
    runner.run(policy="reckless", seed=5, sim_time_s=0.3)
    whole = [m for m in TraceReader(runner.out).messages() if m.topic not in _NEVER_ASKED]
    end = next(i for i, m in enumerate(whole) if m.topic == "/state" and m.json()["tick"] == 20)
    return whole[:end]


def test_whatever_the_records_hold_asking_again_ends_in_an_answer_or_an_error_for_people(
    asked: list[Message], tmp_path: Path
) -> None:
    """A fixed seed, as above; of the gate only one is built."""
    from tests.orchestrator.session_runner import gate_of

    from interlock.orchestrator.replay import replay

    dice = random.Random(20_300_103)
    gate = gate_of("panda_tabletop")
    assert replay(_written(tmp_path, asked), make_gate=lambda cell: gate).holds
    held, errors = 0, []
    for i in range(_ASKED_AGAIN):
        odd = asked
        for _ in range(dice.choice((1, 1, 2, 5))):
            odd = _spoilt(odd, dice)
        try:
            held += replay(_written(tmp_path, odd), exact=i % 2 == 0, make_gate=lambda cell: gate).holds
        except InterlockError as error:
            errors.append(error)
    assert all(error.mend for error in errors)
    assert _ASKED_AGAIN // 5 < len(errors) < _ASKED_AGAIN
    assert held < _ASKED_AGAIN // 5


@pytest.mark.parametrize(
    ("topic", "key"), [("/state", "q"), ("/question", "scene"), ("/preview", "proposed")]
)
def test_a_record_that_cannot_be_asked_names_the_run(
    asked: list[Message], tmp_path: Path, topic: str, key: str
) -> None:
    from interlock.orchestrator.replay import replay

    for value in ([0.0], None, 7):
        odd = _with(asked, topic, lambda record, value=value: record.update({key: value}))
        with pytest.raises(DamagedTraceError) as caught:
            replay(_written(tmp_path, odd))
        assert (caught.value.field, caught.value.exit_code) == ("run", ExitCode.BAD_INPUT)
        assert caught.value.mend


def _spoilt(messages: list[Message], dice: random.Random) -> list[Message]:
    """One record changed somewhere, lost, said twice, or replaced by bytes that are no record."""
    topic = dice.choice(sorted({m.topic for m in messages}))
    at = dice.choice([i for i, m in enumerate(messages) if m.topic == topic])
    before, met, after = messages[:at], messages[at], messages[at + 1 :]
    kind = dice.random()
    if kind < 0.04 and len(messages) > 1:
        return [*before, *after]
    if kind < 0.08:
        return [*before, met, met, *after]
    if kind < 0.12:
        return [*before, _holding(met, dice.choice((_DEEP, b"", b"\xff\xfe", b"[1]", b"{}"))), *after]
    try:
        record = json.loads(met.data)
    except (ValueError, RecursionError):
        return messages
    return [*before, _holding(met, json.dumps(_changed(record, dice)).encode()), *after]


def _changed(record: Any, dice: random.Random) -> Any:
    """The record with one value somewhere in it replaced, taken away or renamed."""
    if not isinstance(record, (dict, list)) or not record or dice.random() < 0.15:
        return dice.choice(_ODD)
    key = dice.choice(sorted(record) if isinstance(record, dict) else range(len(record)))
    if dice.random() < 0.25:
        value = record.pop(key)
        if isinstance(record, dict) and dice.random() < 0.3:
            record[str(key) + "_"] = value
    else:
        record[key] = _changed(record[key], dice)
    return record
