"""Which code is running."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import interlock

__all__ = ["code_sha256"]


@cache
def code_sha256() -> str:
    """SHA-256 over every Python file of the package, names and contents."""
    root = Path(interlock.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()
