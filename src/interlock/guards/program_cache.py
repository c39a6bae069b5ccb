"""The projector's program, kept on disk once it is canonicalised: CVXPY alone takes over a second to import.

What is kept is numbers and their SHA-256, and what is solved with them is only a candidate: a file that was
tampered with can make a candidate bad, never a release. It lies where the compiled kernels lie, under a hash
of all it follows from.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interlock.guards.compile import kernel_cache

__all__ = ["kept"]

Arrays = Mapping[str, NDArray[np.generic]]
_SHA256 = "sha256"
_SOURCES = ("program.py", "projector.py")


def kept(name: str, build: Callable[[], Arrays]) -> Arrays:
    """The arrays that `build` gives, from the disk if they were built before.

    Args:
        name: what tells this program from others built by the same code.
        build: makes them; asked only if they are not there, or cannot be read.
    """
    path = kernel_cache().parent / f"interlock-program-{_digest(name)}.npz"
    try:
        return _read(path)
    except Exception:  # zip, npy and zlib have many ways to say that a file is not theirs
        arrays = build()
    with suppress(OSError):  # a cache that cannot be written only costs time
        _write(path, arrays)
    return arrays


def _read(path: Path) -> Arrays:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    if str(arrays.pop(_SHA256)) != _sha256(arrays):
        raise ValueError("these are not the numbers that were written")
    return arrays


def _sha256(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        digest.update(repr((key, array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _write(path: Path, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, **arrays, **{_SHA256: np.array(_sha256(arrays))})  # type: ignore[arg-type]
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _digest(name: str) -> str:
    digest = hashlib.sha256(f"{name}|{importlib.metadata.version('cvxpy')}|{np.__version__}".encode())
    for source in _SOURCES:
        digest.update((Path(__file__).parent / source).read_bytes())
    return digest.hexdigest()[:16]
