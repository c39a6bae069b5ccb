"""The program comes back from the disk as it was, CVXPY stays out, and a bad file only costs time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from interlock.guards import program_cache, projector
from interlock.guards.program import AffineProgram
from interlock.guards.projector import _kept_program, _program

VALUES = (np.linspace(-1.0, 1.0, 7), np.full(7, -0.5), np.full(7, 0.5))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(program_cache, "kernel_cache", lambda: tmp_path / "cache" / "kernels")
    return tmp_path / "cache"


def bits(program: AffineProgram) -> list[bytes]:
    return [np.asarray(each).tobytes() for each in program.matrices(VALUES)]


def test_what_comes_back_is_the_same_to_the_last_bit(folder: Path) -> None:
    fresh, velocity_at, slack_at = _program(7, ())
    for _ in range(2):
        program, *at = _kept_program(7, ())
        assert at == [velocity_at, slack_at]
        assert bits(program) == bits(fresh)
        more = np.zeros((1, program.width)), np.ones(1)
        assert program.solve(VALUES, more).x.tobytes() == fresh.solve(VALUES, more).x.tobytes()
    assert len(list(folder.glob("*.npz"))) == 1


def test_a_hit_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _kept_program(6, ())
    monkeypatch.setattr(projector, "_program", None)
    _kept_program(6, ())


def test_each_number_of_joints_has_its_own(folder: Path) -> None:
    assert _kept_program(6, ())[0].width != _kept_program(7, ())[0].width
    assert len(list(folder.glob("*.npz"))) == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"x" * 999])
def test_a_file_that_cannot_be_read_is_made_again(content: bytes, folder: Path) -> None:
    fresh = bits(_kept_program(7, ())[0])
    (path,) = folder.glob("*.npz")
    path.write_bytes(content)
    assert bits(_kept_program(7, ())[0]) == fresh
    assert path.read_bytes() != content


KEYS = ["sizes", "constant", "parameters", "data", "indices", "indptr", "at"]


def spoiled(array: np.ndarray, how: str) -> np.ndarray:
    array = np.array(array)
    if how == "short":
        return array.ravel()[:1] if array.size > 1 else np.array([])
    if how == "nan":
        return np.full(array.shape, np.nan)
    if how == "other":
        return array + 1 if array.dtype.kind == "i" else 2.0 * array
    return array.astype("U8")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("how", ["missing", "short", "nan", "other", "text"])
@pytest.mark.parametrize("signed", [False, True])
def test_a_file_of_other_numbers_is_not_used(key: str, how: str, signed: bool, folder: Path) -> None:
    fresh = bits(_kept_program(7, ())[0])
    (path,) = folder.glob("*.npz")
    with np.load(path) as file:
        arrays = {name: np.array(file[name]) for name in file.files}
    if how == "missing":
        del arrays[key]
    else:
        arrays[key] = spoiled(arrays[key], how)
    if signed:
        del arrays["sha256"]
        program_cache._write(path, arrays)
    else:
        np.savez(path, **arrays)
    assert bits(_kept_program(7, ())[0]) == fresh


def test_the_program_of_another_robot_is_not_used(folder: Path) -> None:
    _kept_program(6, ())
    (six,) = folder.glob("*.npz")
    content = six.read_bytes()
    fresh = bits(_kept_program(7, ())[0])
    (seven,) = set(folder.glob("*.npz")) - {six}
    seven.write_bytes(content)
    assert bits(_kept_program(7, ())[0]) == fresh


def test_where_nothing_can_be_kept_it_is_built_each_time(tmp_path: Path, folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    assert bits(_kept_program(7, ())[0]) == bits(_program(7, ())[0])


def test_a_gate_with_a_warm_cache_loads_no_cvxpy() -> None:
    code = (
        "import sys\n"
        "from interlock.orchestrator.cell import Cell\n"
        "from interlock.orchestrator.gate_maker import build_gate\n"
        "build_gate(Cell.load('panda_tabletop'))\n"
        "print('cvxpy' in sys.modules)\n"
    )
    told = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
        for _ in range(2)
    ]
    assert told[1].stdout.split()[-1] == "False"
