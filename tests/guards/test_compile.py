"""Kernels compile into a folder of their own, wherever one can be written, or run as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.guards import compile as compiling

PROBE = """
import numpy as np
from interlock.guards.compile import NUMERIC_PATH, kernel_cache
from interlock.guards.distance import segment_segment
p, q = np.zeros(3), np.zeros(3)
ends = np.array([[0.0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 0, 7]])
print(NUMERIC_PATH, segment_segment(*ends, p, q))
print(kernel_cache())
"""


def _probe(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.fixture
def fresh():
    compiling.kernel_cache.cache_clear()
    yield
    compiling.kernel_cache.cache_clear()


def test_interpreted_and_compiled_kernels_give_the_same_number():
    compiled, interpreted = _probe(NUMBA_DISABLE_JIT="0"), _probe(NUMBA_DISABLE_JIT="1")
    assert compiled[0] == "compiled"
    assert interpreted[0] == "interpreted"
    assert compiled[1] == interpreted[1]


def test_cache_goes_where_the_user_says(tmp_path):
    assert Path(_probe(NUMBA_CACHE_DIR=str(tmp_path), NUMBA_DISABLE_JIT="0")[2]).parent == tmp_path
    assert list(tmp_path.rglob("*.nbi"))


def test_cache_falls_back_from_source_to_user_to_temporary(monkeypatch, tmp_path, fresh):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    asked = []
    monkeypatch.setattr(compiling, "_is_ours", lambda folder: asked.append(folder))
    monkeypatch.setattr(compiling.tempfile, "mkdtemp", lambda prefix: str(tmp_path / prefix))
    assert compiling.kernel_cache().parent == tmp_path / "interlock-"
    assert asked[0] == Path(compiling.__file__).parent / "__pycache__"
    assert len(asked) == 3


def test_a_folder_that_others_can_write_is_not_trusted_with_code(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    assert compiling._is_ours(shared)
    shared.chmod(0o777)
    assert not compiling._is_ours(shared)


def test_a_folder_that_cannot_be_made_is_passed_over(tmp_path):
    (tmp_path / "file").touch()
    assert not compiling._is_ours(tmp_path / "file" / "folder")


def test_declaring_a_kernel_leaves_other_users_of_numba_alone():
    numba = pytest.importorskip("numba")
    before = numba.config.CACHE_DIR

    @compiling.kernel
    def double(x: float) -> float:
        return 2.0 * x

    assert double(1.5) == 3.0
    assert numba.config.CACHE_DIR == before


def test_a_cache_is_cold_until_a_kernel_lies_in_it(monkeypatch, tmp_path, fresh):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiling, "NUMERIC_PATH", "compiled")
    assert compiling.is_cold()
    folder = compiling.kernel_cache() / "guards_0"
    folder.mkdir(parents=True)
    assert compiling.is_cold()
    (folder / "sweep.nbc").touch()
    assert not compiling.is_cold()
    monkeypatch.setattr(compiling, "NUMERIC_PATH", "interpreted")
    (folder / "sweep.nbc").unlink()
    assert not compiling.is_cold()
