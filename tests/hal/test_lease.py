"""One run at a time owns a robot, and the right ends with the process, however it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interlock.errors import ExitCode, LeaseError, StorageError
from interlock.hal.lease import Lease, is_held, read_epoch, read_status
from interlock.hal.mode import Mode

_HOLD = """
import sys
from pathlib import Path
from interlock.hal.lease import Lease
with Lease(Path(sys.argv[1]), "panda") as lease:
    print(lease.epoch, flush=True)
    sys.stdin.readline()
"""

_HOLD_WITH_CHILD = """
import os, sys
from pathlib import Path
from interlock.hal.lease import Lease
lease = Lease(Path(sys.argv[1]), "panda")
lease.acquire()
ready, say_ready = os.pipe()
child = os.fork()
if child == 0:
    os.close(1)
    os.write(say_ready, b".")
    sys.stdin.readline()
    os._exit(0)
os.read(ready, 1)
print(child, flush=True)
os.kill(os.getpid(), 9)
"""


@contextmanager
def another_run(state_dir: Path, code: str = _HOLD) -> Iterator[subprocess.Popen[str]]:
    """A process that has done what `code` says and printed its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(state_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_second_run_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    with another_run(tmp_path) as first:
        with pytest.raises(LeaseError) as caught:
            Lease(tmp_path, "panda").acquire()
        assert f"process {first.pid} " in caught.value.what
        assert caught.value.value == "panda"
        assert "--state-dir" in caught.value.mend
        assert caught.value.exit_code is ExitCode.STOPPED


def test_a_second_lease_in_the_same_process_is_refused(tmp_path: Path) -> None:
    with Lease(tmp_path, "panda"):
        with pytest.raises(LeaseError):
            Lease(tmp_path, "panda").acquire()


def test_two_state_folders_are_two_robots(tmp_path: Path) -> None:
    with another_run(tmp_path / "left"), Lease(tmp_path / "right", "panda") as lease:
        assert lease.held


def test_a_killed_run_frees_the_lease(tmp_path: Path) -> None:
    with another_run(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
        with Lease(tmp_path, "panda") as lease:
            assert lease.epoch == 2


def test_a_child_that_outlives_a_killed_run_does_not_keep_its_lease(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD_WITH_CHILD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert process.wait() == -signal.SIGKILL
        os.kill(child, 0)  # still there
        with Lease(tmp_path, "panda") as lease:
            assert lease.held


def test_epochs_count_up_over_processes(tmp_path: Path) -> None:
    assert read_epoch(tmp_path) is None
    for expected in (1, 2):
        with another_run(tmp_path):
            assert read_epoch(tmp_path) == expected
    assert Lease(tmp_path, "panda").acquire() == 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"epoch": 0}', '{"epoch": "7"}', '{"epoch": true}'])
def test_an_unreadable_count_of_epochs_refuses_rather_than_start_again_at_one(
    text: str, tmp_path: Path
) -> None:
    (tmp_path / "epoch.json").write_text(text)
    lease = Lease(tmp_path, "panda")
    with pytest.raises(StorageError, match=r"epoch"):
        lease.acquire()
    assert not lease.held
    assert not is_held(tmp_path)


def test_looking_whether_it_is_held_takes_nothing(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with another_run(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_a_released_lease_is_free_and_may_be_released_again(tmp_path: Path) -> None:
    lease = Lease(tmp_path, "panda")
    lease.acquire()
    lease.release()
    lease.release()
    assert not is_held(tmp_path)
    assert lease.acquire() == 2


def test_the_holder_publishes_its_mode_and_pid(tmp_path: Path) -> None:
    with Lease(tmp_path, "panda") as lease:
        assert read_status(tmp_path)["mode"] == "disarmed"
        lease.publish(Mode.AUTO, guardian_pid=7)
        assert read_status(tmp_path) == {
            "robot": "panda",
            "epoch": 1,
            "mode": "auto",
            "pid": os.getpid(),
            "guardian_pid": 7,
        }


def test_a_status_that_cannot_be_written_neither_ends_the_run_nor_lies(tmp_path: Path) -> None:
    with Lease(tmp_path, "panda") as lease:
        blocker = tmp_path / f".status.json.{os.getpid()}.tmp"
        blocker.mkdir()
        lease.publish(Mode.AUTO)
        assert read_status(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "[1]", "\x00"])
def test_a_broken_status_reads_as_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text(text)
    assert read_status(tmp_path) == {}


def test_a_folder_that_cannot_be_made_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught:
        Lease(tmp_path / "file" / "state", "panda").acquire()
    assert caught.value.field == "state_dir"
    assert caught.value.value == str(tmp_path / "file" / "state")
    assert "--state-dir DIR" in caught.value.mend


def test_no_half_written_file_is_left_behind(tmp_path: Path) -> None:
    with Lease(tmp_path, "panda"):
        names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["epoch.json", "lease.lock", "status.json"]
    assert json.loads((tmp_path / "epoch.json").read_text()) == {"epoch": 1}
