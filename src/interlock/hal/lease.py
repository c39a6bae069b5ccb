"""The right to move one robot: one run at a time, and a count of how often it was granted."""

from __future__ import annotations

import fcntl
import json
import os
import weakref
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from interlock.errors import LeaseError, StorageError
from interlock.hal.mode import Mode
from interlock.hal.state_dir import open_state_dir, write_atomically

__all__ = ["Lease"]

_ATTEMPTS = 1000


class Lease:
    """An exclusive lock on a robot's state folder; the kernel frees it when its process dies, in any way.

    Files in the state folder: `lease.lock` (the lock), `epoch.json` (how often the lease was granted) and
    `status.json` (who holds it, in which mode).

    Args:
        state_dir: folder of the robot; made when the lease is taken, if it is not there.
        robot_name: name of the robot, for messages.
    """

    def __init__(self, state_dir: Path, robot_name: str) -> None:
        self.state_dir = state_dir.absolute()
        self.robot_name = robot_name
        self.epoch = 0
        self._descriptor: int | None = None

    def acquire(self) -> int:
        """Take the right to move; return the new epoch, one more than ever before.

        Raises:
            LeaseError: if another run holds it, with that run's process id.
            StorageError: if the count of epochs cannot be read or written.
        """
        self.lock()
        try:
            self.epoch = (read_epoch(self.state_dir) or 0) + 1
            write_atomically(self.state_dir / "epoch.json", json.dumps({"epoch": self.epoch}), durable=True)
            self.publish(Mode.DISARMED)
        except BaseException:
            self.release()
            raise
        return self.epoch

    def lock(self) -> None:
        """Take the lock alone, without counting an epoch (a reset needs no more).

        Raises:
            LeaseError: if another run holds it.
            StorageError: if the state folder cannot be written.
        """
        if self._descriptor is not None:
            raise LeaseError("this run already holds the lease", field="robot.name", value=self.robot_name)
        open_state_dir(self.state_dir)
        descriptor = os.open(self.state_dir / "lease.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not _lock_exclusively(descriptor):
            os.close(descriptor)
            pid = read_status(self.state_dir).get("pid")
            who = f"process {pid}" if isinstance(pid, int) else "another process"
            raise LeaseError(
                f"{who} owns this robot (state folder {self.state_dir})",
                field="robot.name",
                value=self.robot_name,
                mend="Wait for it or end it with `interlock stop`. Another simulated robot "
                "needs its own --state-dir.",
            )
        self._descriptor = descriptor
        _HELD.add(self)

    def publish(self, mode: Mode, guardian_pid: int | None = None) -> None:
        """Tell `interlock status` the mode; not for the control thread.

        A full disk must not end a run: if this cannot be written, the old status is taken away instead.
        """
        status = {
            "robot": self.robot_name,
            "epoch": self.epoch,
            "mode": mode.value,
            "pid": os.getpid(),
            "guardian_pid": guardian_pid,
        }
        path = self.state_dir / "status.json"
        try:
            write_atomically(path, json.dumps(status), durable=False)
        except StorageError:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def release(self) -> None:
        """Give the right to move back; no harm if it was not held."""
        descriptor, self._descriptor = self._descriptor, None
        _HELD.discard(self)
        if descriptor is not None:
            os.close(descriptor)

    @property
    def held(self) -> bool:
        """Whether this object holds the lease."""
        return self._descriptor is not None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_held(state_dir: Path) -> bool:
    """Whether a living process holds the lease of this robot; takes nothing itself."""
    try:
        descriptor = os.open(state_dir / "lease.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _lock_shared(descriptor)
    finally:
        os.close(descriptor)


def read_epoch(state_dir: Path) -> int | None:
    """The epoch last granted, or None if there was none.

    Raises:
        StorageError: if the count is there and cannot be read: an epoch must never come twice.
    """
    path = state_dir / "epoch.json"
    try:
        epoch = json.loads(path.read_text(encoding="utf-8"))["epoch"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable_epoch(path) from error
    if type(epoch) is not int or epoch < 1:
        raise _unreadable_epoch(path)
    return epoch


def read_status(state_dir: Path) -> dict[str, object]:
    """What the last holder published, or an empty mapping; stale unless `is_held`."""
    try:
        status = json.loads((state_dir / "status.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return status if isinstance(status, dict) else {}


def _unreadable_epoch(path: Path) -> StorageError:
    return StorageError(
        "the count of epochs cannot be read",
        field="state_dir",
        value=str(path),
        mend='Write {"epoch": N} into it with N above every epoch in the robot\'s traces.',
    )


def _lock_exclusively(descriptor: int) -> bool:
    """Take the lock; a probe by `is_held` holds it shared for a moment and is waited out."""
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if not _lock_shared(descriptor):
                return False
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.sched_yield()
    return False


def _lock_shared(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


_HELD: weakref.WeakSet[Lease] = weakref.WeakSet()


def _let_go_in_child() -> None:
    """A forked child (a camera process) must not keep the lock alive after its parent died."""
    for lease in list(_HELD):
        descriptor, lease._descriptor = lease._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
    _HELD.clear()


os.register_at_fork(after_in_child=_let_go_in_child)
