"""Which code is running."""

from __future__ import annotations

import hashlib
from pathlib import Path

import interlock
from interlock.errors import StorageError

__all__ = ["code_sha256"]


def code_sha256(root: Path | None = None) -> str:
    """SHA-256 over every Python file of the package, names and contents, as they are on disk now.

    It says nothing of other packages, of Python itself or of the processor.

    Args:
        root: folder of the package; None for Interlock's own.

    Raises:
        StorageError: if a file cannot be read, or there is none (as in a zip).
    """
    folder = Path(interlock.__file__).parent if root is None else root
    digest = hashlib.sha256()
    paths = sorted(path for path in folder.rglob("*.py") if path.is_file())
    try:
        for path in paths:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    except OSError as error:
        raise _unknown(folder, f"{error.filename}: {error.strerror}") from error
    if not paths:
        raise _unknown(folder, "there are no Python files")
    return digest.hexdigest()


def _unknown(folder: Path, why: str) -> StorageError:
    return StorageError(
        f"nobody can say which code runs: {why}",
        field="code",
        value=str(folder),
        mend="Install Interlock as files that can be read.",
    )
