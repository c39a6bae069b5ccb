"""The records of a trace, tick by tick: none twice, none without its verdict, none left out unsaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.traces.read import DamagedTraceError, Message
from interlock.traces.topics import CHAIN

__all__ = ["TickRecord", "left_out", "read_ticks"]

_OF_A_TICK = frozenset(
    {
        "/state",
        "/chunk",
        "/preview",
        "/question",
        "/verdict",
        "/certificate",
        "/command",
        "/overruled",
    }
)

_BETWEEN = ("/run", "/chunk", "/stop", "/scene", "/gap")


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRecord:
    """What was recorded of one tick.

    Attributes:
        number: counts up from 0.
        stamp_ns: start of the tick, [ns].
        dropped: ticks before it that the recorder says it left out.
        records: one per topic. `/chunk` is what a whole chunk was changed to, never a proposal.
        data: the same as bytes.
    """

    number: int
    stamp_ns: int
    dropped: int
    records: Mapping[str, Mapping[str, Any]]
    data: Mapping[str, bytes]


def read_ticks(messages: Iterable[Message], *, finished: bool) -> Iterator[TickRecord | Message]:
    """The ticks of a trace, and between them, as messages, what else they are compared with.

    That is `/run`, proposals (`/chunk`), `/stop`, `/scene` and `/gap`.

    Args:
        messages: all messages of a trace, in order.
        finished: whether the run closed its trace; else its last tick may be torn, and is left out.

    Raises:
        DamagedTraceError: if a record of a tick is missing, comes twice or names another tick; if ticks are
            missing and the recorder did not say so.
    """
    ticks = _Ticks()
    group: list[Message] = []
    for message in messages:
        if message.topic == CHAIN:  # a checkpoint falls anywhere
            continue
        if message.topic == "/state" or not _belongs(message, group):
            if group:
                yield ticks.closed(group)
                group = []
            if message.topic == "/state":
                group = [message]
            elif message.topic in _BETWEEN:
                ticks.between(message)
                yield message
            elif message.topic in _OF_A_TICK:
                raise _damaged(f"a {message.topic} belongs to no tick")
        else:
            group.append(message)
    if group and finished:
        yield ticks.closed(group)


def _belongs(message: Message, group: list[Message]) -> bool:
    """Whether it is of the tick that has begun; a chunk after a verdict is the next proposal."""
    if not group or message.topic not in _OF_A_TICK:
        return False
    return message.topic != "/chunk" or all(met.topic != "/verdict" for met in group)


class _Ticks:
    """Counts the ticks of a trace."""

    def __init__(self) -> None:
        self._next = 0
        self._dropped = 0
        self._may_drop: bool | None = None

    def between(self, message: Message) -> None:
        if message.topic == "/gap":
            self._gap(message.json())
        elif message.topic == "/run":
            if self._may_drop is not None:
                raise _damaged("it holds two runs")
            self._may_drop = message.json()["real_time"] is True

    def _gap(self, record: Mapping[str, Any]) -> None:
        count = left_out(record)
        if count and not self._may_drop:
            raise _damaged("it says that ticks were left out, in a run that leaves out none")
        self._dropped += count

    def closed(self, group: list[Message]) -> TickRecord:
        records: dict[str, dict[str, Any]] = {}
        for message in group:
            if message.topic in records:
                raise _damaged(f"two {message.topic} in tick {self._next}")
            records[message.topic] = message.json()
        number, stamp_ns = _whole(records["/state"]["tick"]), _whole(records["/state"]["stamp_ns"])
        if number != self._next + self._dropped:
            raise _damaged(f"tick {self._next + self._dropped} is missing: the next is {number}")
        if "/verdict" not in records:
            raise _damaged(f"tick {number} has no verdict")
        for message in group:
            named = records[message.topic].get("tick", number)
            if type(named) is not int or named != number or message.stamp_ns != max(stamp_ns, 0):
                raise _damaged(f"the {message.topic} in tick {number} is of another")
        dropped, self._dropped, self._next = self._dropped, 0, number + 1
        return TickRecord(
            number=number,
            stamp_ns=stamp_ns,
            dropped=dropped,
            records=records,
            data={message.topic: message.data for message in group},
        )


def left_out(gap: Mapping[str, Any]) -> int:
    """How many ticks a `/gap` says are not in the trace.

    Raises:
        DamagedTraceError: if that is no count.
    """
    return _whole(gap["dropped"].get("tick", 0))


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise _damaged(f"{value!r:.80} is no count")
    return value


def _damaged(what: str) -> DamagedTraceError:
    return DamagedTraceError(what, field="run", mend="Take a whole, unchanged trace.")
