"""The hash chain through a trace: one changed byte breaks every link after it."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from interlock.errors import StorageError
from interlock.traces.read import DamagedTraceError, Message, TraceReader
from interlock.traces.topics import CHAIN, TIMING

__all__ = ["ChainReport", "ChainState", "ChainVerifier", "HashChain", "content_digest", "verify_chain"]

_FIRST = hashlib.sha256(b"interlock trace 1").digest()


class HashChain:
    """head = SHA-256(head before, topic, stamp, sequence, data), over all messages but its checkpoints."""

    def __init__(self) -> None:
        self._head = _FIRST
        self.messages = 0

    @property
    def head(self) -> str:
        """The last link, hexadecimal."""
        return self._head.hex()

    def add(self, topic: str, stamp_ns: int, sequence: int, data: bytes) -> None:
        """Append one message."""
        name = topic.encode()
        frame = struct.pack("<IQIQ", len(name), stamp_ns, sequence, len(data))
        self._head = hashlib.sha256(b"".join((self._head, frame, name, data))).digest()
        self.messages += 1


class ChainState(StrEnum):
    """What the chain says about a file."""

    INTACT = "intact"  # every checkpoint fits and the last one closes the file
    UNFINISHED = "unfinished"  # every checkpoint fits, but the run never closed its trace
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """The answer of `verify_chain`.

    Attributes:
        state: intact, unfinished or broken.
        reason: one sentence, "" if intact.
        messages: messages read.
        vouched: messages covered by a checkpoint that fits.
        head: head of the chain over what was read.
    """

    state: ChainState
    reason: str
    messages: int
    vouched: int
    head: str

    @property
    def ok(self) -> bool:
        """Whether the trace is closed and unchanged since."""
        return self.state is ChainState.INTACT


class ChainVerifier:
    """Follows a trace message by message and compares every checkpoint."""

    def __init__(self) -> None:
        self._chain = HashChain()
        self._vouched = 0
        self._final = False
        self._reason = ""

    def feed(self, message: Message) -> None:
        """Take the next message of the file."""
        if message.topic != CHAIN:
            if self._final:
                self._reason = self._reason or "there are messages after the closing checkpoint"
            self._chain.add(message.topic, message.stamp_ns, message.sequence, message.data)
            return
        try:
            record = json.loads(message.data)
            fits = (record["head"], record["messages"]) == (self._chain.head, self._chain.messages)
            self._final = self._final or bool(record["final"])
        except (ValueError, KeyError, TypeError, RecursionError):
            fits = False
        if fits:
            self._vouched = self._chain.messages
        else:
            self._reason = self._reason or (
                f"a message between number {self._vouched + 1} and number {self._chain.messages} "
                "was changed, added or taken away"
            )

    def fail(self, reason: str) -> None:
        """Note that the file itself could not be read on."""
        self._reason = self._reason or reason

    def report(self) -> ChainReport:
        """What was found so far."""
        state, reason = ChainState.INTACT, self._reason
        if reason:
            state = ChainState.BROKEN
        elif not self._final:
            state, reason = ChainState.UNFINISHED, "the run ended without closing its trace"
        return ChainReport(
            state=state,
            reason=reason,
            messages=self._chain.messages,
            vouched=self._vouched,
            head=self._chain.head,
        )


def verify_chain(run: Path) -> ChainReport:
    """Compute the chain of a trace again.

    It shows that a closed trace was changed afterwards. Alone it does not show who wrote it: whoever rewrites
    the whole file can write a new chain.

    Raises:
        StorageError: if there is no trace to read.
    """
    verifier = ChainVerifier()
    try:
        for message in TraceReader(run).messages():
            verifier.feed(message)
    except DamagedTraceError as error:
        verifier.fail(error.what)
    return verifier.report()


def content_digest(run: Path) -> str:
    """SHA-256 over all messages but /timing and the checkpoints: equal for two runs that did the same.

    Raises:
        StorageError: if there is no trace to read, or if it is damaged.
    """
    digest = HashChain()
    for message in TraceReader(run).messages():
        if message.topic not in (TIMING, CHAIN):
            digest.add(message.topic, message.stamp_ns, message.sequence, message.data)
    if digest.messages == 0:
        raise StorageError("holds no messages", field="run", value=str(run), mend="Record the run again.")
    return digest.head
