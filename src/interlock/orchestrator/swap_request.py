"""A hot swap asked for from outside the run: a file in the robot's state folder."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import Path

from interlock.errors import BadInputError
from interlock.hal.state_dir import write_atomically

__all__ = ["SwapRequest"]

_MOST_BYTES = 10_000
_ROOT = 0


class SwapRequest:
    """The request of one robot; the run takes it when a task begins or the arm holds.

    Taking it never waits, whatever lies there: it is the control thread that takes it.

    Args:
        state_dir: folder of the robot, which must be there.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "swap.request"
        self._name = os.fspath(self._path)
        self._taken = self._name + ".taken"
        self._seen: tuple[int, int] | None = None

    def ask(self, checkpoint: Path) -> None:
        """Ask the run on this robot to try a checkpoint.

        Raises:
            StorageError: if it cannot be written.
        """
        write_atomically(self._path, json.dumps({"checkpoint": str(checkpoint.absolute())}), durable=False)

    def drop(self) -> None:
        """Forget what was asked of an earlier run."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def take(self) -> Path | None:
        """The checkpoint asked for since the last call, or None: one `stat` then.

        Raises:
            BadInputError: if the request cannot be read; it is told once.
        """
        try:
            found = os.lstat(self._name)
            if (found.st_ino, found.st_mtime_ns) == self._seen:
                return None  # one that cannot be taken away
            self._seen = found.st_ino, found.st_mtime_ns
            if not stat.S_ISREG(found.st_mode):
                self.drop()  # a folder stays, and is not told again
                raise ValueError("no plain file")
            os.replace(self._name, self._taken)  # what is written from now on is the next request
            return Path(_text(json.loads(self._content())["checkpoint"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadInputError(
                f"is no request ({type(error).__name__})",
                field="swap.request",
                value=self._name,
                mend="Write it with `interlock policy swap`.",
            ) from error

    def _content(self) -> bytes:
        """What was taken, which is gone then."""
        try:
            return _read(self._taken)
        finally:
            with suppress(OSError):
                os.unlink(self._taken)


def _read(name: str) -> bytes:
    """What a plain file of ours holds; no link is followed, and no pipe is waited for.

    Raises:
        PermissionError: if it is somebody else's.
        ValueError: if it is no plain file, or too long.
        OSError: if it cannot be read.
    """
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("no plain file")
        if found.st_uid not in (_ROOT, os.geteuid()):
            raise PermissionError("somebody else's")
        content = os.read(descriptor, _MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > _MOST_BYTES:
        raise ValueError("too long")
    return content


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value:
        raise TypeError("no path")
    return value
