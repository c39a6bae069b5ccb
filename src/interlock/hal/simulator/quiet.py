"""Keeps the physics library's own printing away from standard output."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_stdout"]

_STDOUT = 1


@contextmanager
def quiet_stdout() -> Iterator[None]:
    """Send what C code writes to descriptor 1 to nowhere, for as long as the block runs.

    PyBullet prints warnings about URDF files to standard output from C, where a caller may be printing JSON.
    """
    libc = ctypes.CDLL(None)
    if sys.stdout is not None:
        sys.stdout.flush()
    libc.fflush(None)
    kept = os.dup(_STDOUT)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDOUT)
        yield
    finally:
        libc.fflush(None)
        os.dup2(kept, _STDOUT)
        os.close(nowhere)
        os.close(kept)
