"""How kernels become machine code, and where that code is kept."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import platformdirs

__all__ = ["NUMERIC_PATH", "is_cold", "kernel", "kernel_cache"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _load_numba() -> Any:
    try:
        return importlib.import_module("numba")
    except ImportError:
        return None


_numba: Any = _load_numba()

NUMERIC_PATH: Literal["compiled", "interpreted"] = (
    "interpreted" if _numba is None or _numba.config.DISABLE_JIT else "compiled"
)


def kernel(function: _Function) -> _Function:
    """Compile `function` to machine code on first call, or leave it as Python (`NUMERIC_PATH` says which).

    A kernel takes arrays and scalars, writes its answers to arrays that it is given, and makes no others than
    a few to work in. It takes constants and other kernels only from files that say `@kernel` themselves:
    `kernel_cache` looks for that word. IEEE semantics are kept (no fast-math): NaN in, NaN out.
    """
    if NUMERIC_PATH == "interpreted":
        return function
    compiled: Any = _numba.njit(fastmath=False, error_model="numpy")(function)
    with _CacheFolder(kernel_cache()):
        compiled.enable_caching()
    return compiled  # type: ignore[no-any-return]


class _CacheFolder:
    """Points numba at a cache folder while one kernel is declared, and leaves other users of numba alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._before = ""

    def __enter__(self) -> None:
        self._before = _numba.config.CACHE_DIR
        _numba.config.CACHE_DIR = self._folder

    def __exit__(self, *_: object) -> None:
        _numba.config.CACHE_DIR = self._before


@cache
def kernel_cache() -> Path:
    """The folder of compiled kernels: beside the source, else the user's cache, else a temporary folder.

    Its name carries a hash over every kernel file: numba itself only looks at the file of the outermost
    kernel, and would go on using machine code of an inner kernel that has changed since.
    """
    name = f"interlock-kernels-{_source_digest()}"
    folders = [
        Path(__file__).parent / "__pycache__",
        platformdirs.user_cache_path("interlock"),
        Path(tempfile.gettempdir()) / f"interlock-{_user()}",
    ]
    if os.environ.get("NUMBA_CACHE_DIR"):
        folders.insert(0, Path(os.environ["NUMBA_CACHE_DIR"]))
    for folder in folders:
        if _is_ours(folder):
            return folder / name
    return Path(tempfile.mkdtemp(prefix="interlock-")) / name


def is_cold() -> bool:
    """Whether kernels will have to be compiled because none of this version is in the cache."""
    return NUMERIC_PATH == "compiled" and not any(kernel_cache().rglob("*.nbc"))


def _source_digest() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source = path.read_bytes()
        if b"@kernel" in source:
            digest.update(path.name.encode() + b"\0" + source)
    return digest.hexdigest()[:16]


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _is_ours(folder: Path) -> bool:
    """Whether `folder` can be written, and by nobody else: what lies there is loaded as code."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
        status = folder.stat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & 0o002
