"""Plays chunks that were saved earlier, stamped anew."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from interlock.errors import BadInputError, StorageError
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.embodiment import Embodiment
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext

__all__ = ["ReplayPolicy", "load_chunks", "save_chunks"]

_FORMAT = "interlock-chunks/1"
_MEND_FILE = "Give a file that save_chunks wrote."


class ReplayPolicy:
    """Gives each saved chunk at its time after the first observation, stamped as if made just now.

    Between chunks and after the last one it waits. Values pass as saved: to judge them is the guards' task.
    """

    name = "replay"

    def __init__(self, context: PolicyContext) -> None:
        """Load the file named by the option `path`.

        Raises:
            BadInputError: if there is no such option or other ones, or the file is no chunk file or was made
                for another embodiment.
            StorageError: if the file cannot be read.
        """
        unknown = sorted(set(context.options) - {"path"})
        path = context.options.get("path")
        if unknown or not isinstance(path, (str, Path)):
            raise BadInputError(
                "the replay policy needs the option path and knows no other",
                field="policy.options",
                value=dict(context.options),
                mend="Set path to a file that save_chunks wrote.",
            )
        self._chunks = load_chunks(Path(path), context.embodiment)
        self.reset()

    def reset(self) -> None:
        """Start again with the first chunk."""
        self._next = 0
        self._began_ns: int | None = None

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The latest chunk that is due and has not been given, or None to wait."""
        now_ns = observation.stamp_ns
        if self._began_ns is None:
            self._began_ns = now_ns
        due: ActionChunk | None = None
        while self._next < len(self._chunks):
            chunk = self._chunks[self._next]
            if chunk.t0_ns - self._chunks[0].t0_ns > now_ns - self._began_ns:
                break
            due = chunk
            self._next += 1
        if due is None:
            return None
        return replace(due, t_obs_ns=now_ns, t_ready_ns=now_ns, t0_ns=now_ns)


def save_chunks(path: Path, embodiment: Embodiment, chunks: Iterable[ActionChunk]) -> None:
    """Write chunks as JSON lines: a header with the embodiment, then one chunk a line, in the order given.

    Raises:
        BadInputError: if a chunk was made for another embodiment.
        StorageError: if the file cannot be written.
    """
    header = {"format": _FORMAT, "embodiment": embodiment.fingerprint, "tag": embodiment.tag}
    lines = [json.dumps(header)]
    for chunk in chunks:
        if chunk.embodiment != embodiment.fingerprint:
            raise _other_body(embodiment, chunk.embodiment, "chunk.embodiment")
        row: dict[str, Any] = {
            "seq": chunk.seq,
            "t_obs_ns": chunk.t_obs_ns,
            "t_ready_ns": chunk.t_ready_ns,
            "t0_ns": chunk.t0_ns,
            "dt_s": chunk.dt_s,
            "samples": chunk.samples.tolist(),
            "provenance": chunk.provenance.to_json(),
        }
        if chunk.anchor is not None:
            row["anchor"] = chunk.anchor.tolist()
        if chunk.spread is not None:
            row["spread"] = chunk.spread.tolist()
        lines.append(json.dumps(row))
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}",
            field="path",
            value=str(path),
            mend="Name a writable folder.",
        ) from error


def load_chunks(path: Path, embodiment: Embodiment) -> tuple[ActionChunk, ...]:
    """Read what `save_chunks` wrote for this embodiment.

    Raises:
        BadInputError: if it is no chunk file, holds no or misshapen chunks, or is for another embodiment.
        StorageError: if the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"cannot be read: {error.strerror}",
            field="policy.options.path",
            value=str(path),
            mend="Name a file that save_chunks wrote.",
        ) from error
    except UnicodeDecodeError as error:
        raise _corrupt(path, 1) from error
    lines = text.splitlines()
    header = _parsed(path, 1, lines[0] if lines else "")
    if header.get("format") != _FORMAT:
        raise _corrupt(path, 1)
    if header.get("embodiment") != embodiment.fingerprint:
        raise _other_body(embodiment, header.get("embodiment"), "policy.options.path")
    chunks = tuple(
        _chunk(path, number, line, embodiment)
        for number, line in enumerate(lines[1:], start=2)
        if line.strip()
    )
    if not chunks:
        raise BadInputError("holds no chunk", field="policy.options.path", value=str(path), mend=_MEND_FILE)
    return chunks


def _chunk(path: Path, number: int, line: str, embodiment: Embodiment) -> ActionChunk:
    row = _parsed(path, number, line)
    try:
        chunk = ActionChunk(
            seq=int(row["seq"]),
            embodiment=embodiment.fingerprint,
            samples=row["samples"],
            t_obs_ns=int(row["t_obs_ns"]),
            t_ready_ns=int(row["t_ready_ns"]),
            t0_ns=int(row["t0_ns"]),
            dt_s=float(row["dt_s"]),
            provenance=Provenance(**row["provenance"]),
            anchor=row.get("anchor"),
            spread=row.get("spread"),
        )
    except (BadInputError, KeyError, TypeError, ValueError) as error:
        raise _corrupt(path, number) from error
    if chunk.samples.shape[1:] != (embodiment.horizon, len(embodiment.channels)):
        raise _corrupt(path, number)
    return chunk


def _parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise _corrupt(path, number) from error
    if not isinstance(row, dict):
        raise _corrupt(path, number)
    return row


def _corrupt(path: Path, number: int) -> BadInputError:
    return BadInputError(
        f"is no chunk file: line {number} cannot be used",
        field="policy.options.path",
        value=str(path),
        mend=_MEND_FILE,
    )


def _other_body(embodiment: Embodiment, other: object, field: str) -> BadInputError:
    return BadInputError(
        f"was made for another embodiment; this one is {embodiment.fingerprint[:12]} ({embodiment.tag})",
        field=field,
        value=str(other)[:12],
        mend="Replay on the body, rate and horizon it was saved from, or save chunks anew.",
    )
