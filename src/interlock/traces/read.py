"""Reading a trace back, whether its run closed it or was killed."""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard
from mcap.exceptions import EndOfFile, McapError, RecordLengthLimitExceeded
from mcap.records import Channel
from mcap.records import Message as McapMessage
from mcap.stream_reader import StreamReader

from interlock.errors import StorageError

__all__ = ["TRACE_NAME", "DamagedTraceError", "Message", "TraceReader", "trace_path"]

TRACE_NAME = "trace.mcap"
_MAGIC = b"\x89MCAP0\r\n"
_UNREADABLE = (
    McapError,
    ValueError,
    KeyError,
    OverflowError,
    MemoryError,
    OSError,
    struct.error,
    zstandard.ZstdError,
)


class DamagedTraceError(StorageError):
    """A trace that is there but cannot be read to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: topic, stamp [ns], sequence number in its topic, and its bytes."""

    topic: str
    stamp_ns: int
    sequence: int
    data: bytes

    def json(self) -> dict[str, Any]:
        """The record.

        Raises:
            DamagedTraceError: if the bytes are not a JSON object.
        """
        try:
            record = json.loads(self.data)
        except (ValueError, RecursionError) as error:
            raise DamagedTraceError(
                f"a message on {self.topic} is not JSON", field="run", mend="Take an unchanged copy."
            ) from error
        if not isinstance(record, dict):
            raise DamagedTraceError(
                f"a message on {self.topic} is not an object", field="run", mend="Take an unchanged copy."
            )
        return record


def trace_path(run: Path) -> Path:
    """The trace file of a run, given its folder or the file itself.

    Raises:
        StorageError: if there is none.
    """
    path = run / TRACE_NAME if run.is_dir() else run
    if path.is_file():
        return path
    raise StorageError(
        "there is no trace here",
        field="run",
        value=str(run),
        mend=f"Give the folder that `interlock run --out` named, or the {TRACE_NAME} in it.",
    )


class TraceReader:
    """One trace.

    Attributes:
        path: the trace file.
        finished: whether the run closed it; a killed run leaves a file that ends in the middle.

    Raises:
        StorageError: if there is no such file or it is no trace.
    """

    def __init__(self, run: Path) -> None:
        self.path = trace_path(run)
        try:
            with self.path.open("rb") as file:
                head = file.read(len(_MAGIC))
                self._size = file.seek(0, 2)
                file.seek(max(0, self._size - len(_MAGIC)))
                tail = file.read()
        except OSError as error:
            raise StorageError(
                f"cannot be read: {error.strerror}",
                field="run",
                value=str(self.path),
                mend="Make the file readable.",
            ) from error
        if head != _MAGIC:
            raise DamagedTraceError(
                "this is not an MCAP file", field="run", value=str(self.path), mend="Give the file of a run."
            )
        self.finished = tail == _MAGIC and self._size > 2 * len(_MAGIC)

    def messages(self, topics: Collection[str] | None = None) -> Iterator[Message]:
        """All messages in the order they were recorded, or only those of `topics`.

        A file whose run was killed is read up to its last whole record.

        Raises:
            DamagedTraceError: if a closed file cannot be read to its end.
        """
        with self.path.open("rb") as file:
            reader = StreamReader(file, validate_crcs=True, record_size_limit=self._size)
            names: dict[int, str] = {}
            try:
                for record in reader.records:
                    if isinstance(record, Channel):
                        names[record.id] = record.topic
                    elif isinstance(record, McapMessage):
                        topic = names[record.channel_id]
                        if topics is None or topic in topics:
                            yield Message(
                                topic=topic,
                                stamp_ns=record.log_time,
                                sequence=record.sequence,
                                data=record.data,
                            )
            except _UNREADABLE as error:
                # A run that goes on may have written more since its end was met.
                torn = isinstance(error, RecordLengthLimitExceeded | EndOfFile) or file.read(1) == b""
                if torn and not self.finished:
                    return
                raise DamagedTraceError(
                    f"the file is damaged: {type(error).__name__}",
                    field="run",
                    value=str(self.path),
                    mend="Take an unchanged copy.",
                ) from error
