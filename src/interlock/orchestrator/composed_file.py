"""A composed URDF as a file: robot libraries read files, and look for meshes beside them.

The cache keeps nothing that is trusted: the text is composed anew for every cell that is read, and what lies
on the disk is used only if it is that text, byte for byte, beside links to the folders that the text means.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import platformdirs

from interlock.errors import StorageError
from interlock.orchestrator.composed_urdf import ComposedUrdf

__all__ = ["FILE_NAME", "composed_file"]

FILE_NAME = "composed.urdf"


def composed_file(composed: ComposedUrdf) -> Path:
    """The file of `composed`: in the user's cache, or in a temporary folder where that cannot be written.

    Raises:
        StorageError: if neither can be written.
    """
    why = ""
    for cache in _caches():
        folder = cache / f"robot-{composed.digest[:32]}"
        try:
            _own(cache)
            _own(folder)
            for name, target in composed.folders.items():
                _link(folder / name, target)
            _fill(folder / FILE_NAME, composed.content)
        except (OSError, ValueError) as error:
            why = why or f"{folder}: {getattr(error, 'strerror', None) or error}"
            continue
        return folder / FILE_NAME
    raise StorageError(
        f"the composed robot model cannot be written ({why})",
        field="robot.urdf",
        value=composed.digest[:32],
        mend="Make the user's cache folder writable, or set XDG_CACHE_HOME to one that is.",
    )


def _caches() -> Iterator[Path]:
    """Folders to try, best first."""
    with suppress(RuntimeError):  # no home
        yield platformdirs.user_cache_path("interlock", appauthor=False) / "robots"
    yield Path(tempfile.gettempdir()) / f"interlock-robots-{os.getuid()}"


def _own(folder: Path) -> None:
    """Make `folder`; it counts only if nobody else can put a file there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o002:
        raise OSError("it belongs to another user, or anybody may write it")


def _link(link: Path, target: Path) -> None:
    with suppress(OSError):  # not there, or no link
        if link.readlink() == target:
            return
    temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    try:
        temporary.replace(link)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _fill(path: Path, content: bytes) -> None:
    with suppress(OSError):
        if not path.is_symlink() and path.read_bytes() == content:
            return
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".urdf")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
