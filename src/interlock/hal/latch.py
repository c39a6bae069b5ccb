"""A software stop that stays: across processes, restarts and reboots, until a person resets it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from interlock.errors import LatchedError, LeaseError, StorageError
from interlock.hal.lease import Lease
from interlock.hal.state_dir import open_state_dir, sync_folder, write_atomically

__all__ = ["LatchCause", "StopLatch", "StopRequest"]

_number = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class LatchCause:
    """Why a stop is latched.

    Attributes:
        cause: one sentence.
        stamp_ns: monotonic time given by whoever latched, [ns]; 0 if it cannot be read.
    """

    cause: str
    stamp_ns: int


class StopLatch:
    """The latch of one robot: a folder `latch` with one JSON file a cause.

    One file a cause needs no read before the write, so two processes that latch at once lose nothing and
    neither waits for the other. A file counts from the instant its name is there, and one that cannot be read
    counts too: whatever a crash leaves behind, the latch fails closed.

    Args:
        state_dir: folder of the robot; made by the first latch if it is not there.
    """

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir.absolute()
        self._folder = self.state_dir / "latch"

    def latch(self, cause: str, stamp_ns: int) -> None:
        """Latch for `cause`; returns when the disk has it. Stop the robot first, then call this.

        Raises:
            StorageError: if it cannot be written.
        """
        open_state_dir(self.state_dir)
        name = f"{stamp_ns:020d}-{os.getpid()}-{next(_number)}.json"
        try:
            self._folder.mkdir(exist_ok=True)
            sync_folder(self.state_dir)
            with (self._folder / name).open("x", encoding="utf-8") as stream:
                stream.write(json.dumps({"cause": _said(cause), "stamp_ns": stamp_ns}))
                stream.flush()
                os.fsync(stream.fileno())
            sync_folder(self._folder)
        except OSError as error:
            raise StorageError(
                f"the latch cannot be written ({error.strerror})",
                field="state_dir",
                value=str(self._folder),
                mend="Free the disk or name another folder with --state-dir DIR.",
            ) from error

    @property
    def causes(self) -> tuple[LatchCause, ...]:
        """Every cause, in the order of their names; empty if nothing is latched."""
        return tuple(_read(path) for path in self._files())

    @property
    def latched(self) -> bool:
        """Whether a stop is latched."""
        return bool(self._files())

    def require_clear(self) -> None:
        """Return if nothing is latched and no stop is asked for.

        Raises:
            LatchedError: if a stop is latched or asked for, with its causes.
        """
        causes = [c.cause for c in self.causes]
        request = StopRequest(self.state_dir)
        if request.pending():
            causes.append(request.cause)
        if causes:
            raise LatchedError(
                f"a stop is latched: {'; '.join(dict.fromkeys(causes))}",
                field="latch",
                value=str(self.state_dir),
                mend="Remove the causes, look at the robot, then run "
                f"`interlock reset --state-dir {self.state_dir}`.",
            )

    def reset(self, by: str) -> tuple[LatchCause, ...]:
        """Clear the latch and any stop request, on purpose, as `by`; return the causes that were cleared.

        Only causes seen at the start are cleared, so that a stop that comes meanwhile stays.

        Raises:
            LeaseError: if a run is alive.
            StorageError: if a cause cannot be removed; the latch then stays.
        """
        lease = Lease(self.state_dir, self.state_dir.name)
        try:
            lease.lock()
        except LeaseError as error:
            raise LeaseError(
                f"a latch is not reset while a run is alive: {error.what}",
                field="latch",
                value=str(self.state_dir),
                mend="End the run first (Ctrl-C or `interlock stop`).",
            ) from error
        try:
            return self._clear(by)
        finally:
            lease.release()

    def _clear(self, by: str) -> tuple[LatchCause, ...]:
        StopRequest(self.state_dir).move_to(self._folder)
        files = self._files()
        causes = tuple(_read(path) for path in files)
        record = {"by": by, "causes": [c.cause for c in causes]}
        write_atomically(self.state_dir / "last_reset.json", json.dumps(record), durable=True)
        for path in files:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise StorageError(
                    "a cause of the latch cannot be removed",
                    field="state_dir",
                    value=str(path),
                    mend="Remove what is there by hand, after looking at the robot.",
                ) from error
        if files and self._folder.is_dir():
            sync_folder(self._folder)
        return causes

    def _files(self) -> list[Path]:
        """Everything that counts as a cause; a latch that cannot be listed is itself one."""
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        except OSError:
            return [self._folder]
        return [self._folder / name for name in sorted(names)]


class StopRequest:
    """A stop asked for from outside the run: a file whose presence the drive polls each tick.

    Args:
        state_dir: folder of the robot, which must be there.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "stop.request"
        self._name = os.fspath(self._path)

    def ask(self, cause: str) -> None:
        """Ask the run on this robot, if there is one, to stop.

        Raises:
            StorageError: if it cannot be written.
        """
        write_atomically(self._path, json.dumps({"cause": _said(cause), "stamp_ns": 0}), durable=False)

    def pending(self) -> bool:
        """Whether a stop is asked for: one `stat`, about a microsecond. What cannot be looked at is."""
        try:
            os.stat(self._name)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    @property
    def cause(self) -> str:
        """Why, or a sentence saying that it cannot be read."""
        try:
            return _said(str(json.loads(self._path.read_text(encoding="utf-8"))["cause"]))
        except (OSError, ValueError, KeyError, TypeError):
            return "a stop was asked for (its cause cannot be read)"

    def move_to(self, folder: Path) -> None:
        """Make the request a cause in the latch's `folder`, in one step, so that it is never in neither.

        Raises:
            StorageError: if it cannot be moved; it then stays.
        """
        if not self.pending():
            return
        try:
            folder.mkdir(exist_ok=True)
            self._path.rename(folder / f"request-{os.getpid()}-{next(_number)}.json")
        except OSError as error:
            raise StorageError(
                "the stop request cannot be moved to the latch",
                field="state_dir",
                value=str(self._path),
                mend="Remove it by hand, after looking at the robot.",
            ) from error


def _said(cause: str) -> str:
    """A cause is never empty: a stop without a reason is a stop."""
    return cause if cause.strip() else "a stop was asked for, without a reason"


def _read(path: Path) -> LatchCause:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return LatchCause(cause=_said(str(record["cause"])), stamp_ns=int(record["stamp_ns"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return LatchCause(cause=f"the latch entry {path.name} cannot be read", stamp_ns=0)
