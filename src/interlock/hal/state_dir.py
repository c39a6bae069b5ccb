"""Where a robot's lock and latch live: its identity on this computer."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import platformdirs

from interlock.errors import StorageError

__all__ = ["default_state_dir", "open_state_dir", "state_dir_root", "write_atomically"]

_MEND = "Name a folder that can be written with --state-dir DIR."


def default_state_dir(robot_name: str) -> Path:
    """The folder of a robot that was not given one: the user's state folder, one subfolder a robot."""
    return state_dir_root() / robot_name


def state_dir_root() -> Path:
    """Where the state folders are that nobody named."""
    return Path(platformdirs.user_state_dir("interlock", appauthor=False))


def open_state_dir(state_dir: Path) -> Path:
    """Make `state_dir` if it is not there and show that it can be written; return it resolved.

    Raises:
        StorageError: if it cannot be made or written (a read-only home, a file of that name).
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=state_dir):
            pass
        return state_dir.resolve()
    except (OSError, ValueError) as error:
        raise StorageError(
            f"the state folder cannot be written ({_because(error)})",
            field="state_dir",
            value=str(state_dir),
            mend=_MEND,
        ) from error


def write_atomically(path: Path, text: str, *, durable: bool) -> None:
    """Put `text` at `path` in one step: a reader, now or after a crash, sees the old file or the new one.

    Args:
        path: file to write; its folder must be there.
        text: content, written as UTF-8.
        durable: wait until the disk has it (some milliseconds), so that it survives a power cut.

    Raises:
        StorageError: if it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        temporary.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StorageError(
            f"a file of the robot's state cannot be written ({_because(error)})",
            field="state_dir",
            value=str(path),
            mend=_MEND,
        ) from error


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _because(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
