"""The projector's program, kept on disk once it is canonicalised: CVXPY alone takes over a second to import.

What is kept is numbers, and what is solved with them is only a candidate: a file that was tampered with can
make a candidate bad, never a release. It lies where the compiled kernels lie, under a hash of all it follows
from.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from interlock.guards.compile import kernel_cache

__all__ = ["kept"]

Arrays = Mapping[str, NDArray[np.generic]]
_SOURCES = ("program.py", "projector.py")


def kept(name: str, build: Callable[[], Arrays]) -> Arrays:
    """The arrays that `build` gives, from the disk if they were built before.

    Args:
        name: what tells this program from others built by the same code.
        build: makes them; asked only if they are not there, or cannot be read.
    """
    path = kernel_cache().parent / f"interlock-program-{_digest(name)}.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, BadZipFile, KeyError):
        arrays = build()
    with suppress(OSError):  # a cache that cannot be written only costs time
        _write(path, arrays)
    return arrays


def _write(path: Path, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _digest(name: str) -> str:
    digest = hashlib.sha256(f"{name}|{importlib.metadata.version('cvxpy')}|{np.__version__}".encode())
    for source in _SOURCES:
        digest.update((Path(__file__).parent / source).read_bytes())
    return digest.hexdigest()[:16]
