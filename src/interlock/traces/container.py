"""The MCAP file of a run: plain and flushed while it grows, packed when it is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer

from interlock.traces.chain import HashChain
from interlock.traces.encoding import encode
from interlock.traces.topics import CHAIN, topic_named

__all__ = ["OpenFile", "TraceFile", "create_file", "repack"]

OpenFile = Callable[[Path], BinaryIO]
"""Opens a new file for writing."""

_LIBRARY = "interlock"
_CHECKPOINT_EVERY = 1000
_LAST_STAMP = 2**63 - 1


def create_file(path: Path) -> BinaryIO:
    """Open a file that must not be there yet."""
    return path.open("xb", buffering=1 << 18)


class TraceFile:
    """Appends messages. Unchunked, because a chunk that is still open dies with its process.

    Args:
        path: the file to create.
        open_file: opens it.

    Raises:
        OSError: from every method, if the disk says no.
    """

    def __init__(self, path: Path, open_file: OpenFile = create_file) -> None:
        self.path = path
        self.chain = HashChain()
        self._stream = open_file(path)
        self._writer = Writer(self._stream, use_chunking=False)
        self._writer.start(profile="", library=_LIBRARY)
        self._channels: dict[str, int] = {}
        self._sequences: dict[str, int] = {}
        self.flush()

    def add(self, topic: str, stamp_ns: int, data: bytes, publish_ns: int | None = None) -> None:
        """Append one message; `stamp_ns` is when it was recorded, `publish_ns` when it came to be, [ns]."""
        stamp = _clipped(stamp_ns)
        sequence = self._write(topic, stamp, data, stamp if publish_ns is None else _clipped(publish_ns))
        self.chain.add(topic, stamp, sequence, data)
        if self.chain.messages % _CHECKPOINT_EVERY == 0:
            self._checkpoint(stamp, final=False)

    def flush(self) -> None:
        """Hand everything so far to the operating system: it outlives this process from here on."""
        self._stream.flush()

    def sync(self) -> None:
        """Wait until everything so far is on the disk."""
        self._stream.flush()
        _sync(self._stream)

    def finish(self, stamp_ns: int) -> None:
        """Write the closing checkpoint and the summary, and close the file."""
        self._checkpoint(_clipped(stamp_ns), final=True)
        self._writer.finish()  # type: ignore[no-untyped-call]
        self.sync()
        self._stream.close()

    def abandon(self) -> None:
        """Close the file as it is."""
        try:
            self._stream.close()
        except OSError:
            pass  # the same fault that made us abandon it, met again by the last flush

    def _write(self, topic: str, stamp_ns: int, data: bytes, publish_ns: int) -> int:
        channel = self._channels.get(topic) or self._register(topic)
        sequence = self._sequences[topic] = self._sequences.get(topic, -1) + 1
        self._writer.add_message(
            channel_id=channel, log_time=stamp_ns, data=data, publish_time=publish_ns, sequence=sequence
        )
        return sequence

    def _register(self, name: str) -> int:
        topic = topic_named(name)
        schema = json.dumps(topic.schema, sort_keys=True).encode()
        schema_id = self._writer.register_schema(name=topic.schema_name, encoding="jsonschema", data=schema)
        channel = self._writer.register_channel(topic=name, message_encoding="json", schema_id=schema_id)
        self._channels[name] = channel
        return channel

    def _checkpoint(self, stamp_ns: int, *, final: bool) -> None:
        record = {"head": self.chain.head, "messages": self.chain.messages, "final": final}
        self._write(CHAIN, stamp_ns, encode(record), stamp_ns)


def repack(path: Path, open_file: OpenFile = create_file) -> None:
    """Replace a finished trace by the same messages in zstd chunks; all or nothing.

    Raises:
        OSError: if the disk says no; the unpacked trace is untouched then.
    """
    packed = path.with_suffix(".packing")
    packed.unlink(missing_ok=True)
    try:
        with path.open("rb") as source, open_file(packed) as sink:
            _copy(source, sink)
            sink.flush()
            _sync(sink)
        os.replace(packed, path)
    finally:
        packed.unlink(missing_ok=True)


def _copy(source: BinaryIO, sink: BinaryIO) -> None:
    writer = Writer(sink, compression=CompressionType.ZSTD)
    writer.start(profile="", library=_LIBRARY)
    schemas: dict[int, int] = {}
    channels: dict[int, int] = {}
    for record in StreamReader(source).records:
        if isinstance(record, Schema) and record.id not in schemas:
            schemas[record.id] = writer.register_schema(record.name, record.encoding, record.data)
        elif isinstance(record, Channel) and record.id not in channels:
            channels[record.id] = writer.register_channel(
                record.topic, record.message_encoding, schemas[record.schema_id]
            )
        elif isinstance(record, Message):
            writer.add_message(
                channel_id=channels[record.channel_id],
                log_time=record.log_time,
                data=record.data,
                publish_time=record.publish_time,
                sequence=record.sequence,
            )
    writer.finish()  # type: ignore[no-untyped-call]


def _sync(stream: BinaryIO) -> None:
    try:
        descriptor = stream.fileno()
    except OSError:
        return  # not a file on a disk
    os.fsync(descriptor)


def _clipped(stamp_ns: int) -> int:
    return min(max(int(stamp_ns), 0), _LAST_STAMP)
