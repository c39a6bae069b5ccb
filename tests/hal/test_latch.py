"""A latched stop stays until a person resets it, whatever happens to processes and files."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from interlock.errors import ExitCode, LatchedError, LeaseError, StorageError
from interlock.hal.latch import LatchCause, StopLatch, StopRequest
from interlock.hal.lease import Lease
from interlock.hal.state_dir import write_atomically

_LATCH_AND_DIE = """
import os, sys
from pathlib import Path
from interlock.hal.latch import StopLatch
StopLatch(Path(sys.argv[1])).latch(sys.argv[2], int(sys.argv[3]))
os.kill(os.getpid(), 9)
"""


def latch_in_a_process_that_dies(state_dir: Path, cause: str, stamp_ns: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LATCH_AND_DIE, str(state_dir), cause, str(stamp_ns)], check=False
    )
    assert done.returncode == -signal.SIGKILL


def test_a_new_robot_is_not_latched_and_looking_makes_no_folder(tmp_path: Path) -> None:
    latch = StopLatch(tmp_path / "robot")
    assert not latch.latched
    assert latch.causes == ()
    latch.require_clear()
    assert not (tmp_path / "robot").exists()


def test_a_latch_survives_the_process_that_set_it(tmp_path: Path) -> None:
    latch_in_a_process_that_dies(tmp_path, "the cat", 5)
    assert StopLatch(tmp_path).causes == (LatchCause(cause="the cat", stamp_ns=5),)


def test_causes_add_up_in_the_order_of_their_stamps(tmp_path: Path) -> None:
    StopLatch(tmp_path).latch("second", 20)
    latch_in_a_process_that_dies(tmp_path, "first", 3)
    StopLatch(tmp_path).latch("third", 100)
    assert [c.cause for c in StopLatch(tmp_path).causes] == ["first", "second", "third"]


def test_two_that_latch_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: StopLatch(tmp_path).latch(f"cause {n}", 7), range(64)))
    assert {c.cause for c in StopLatch(tmp_path).causes} == {f"cause {n}" for n in range(64)}


def test_a_latched_stop_refuses_with_its_causes_and_the_mend(tmp_path: Path) -> None:
    StopLatch(tmp_path).latch("the cat", 1)
    StopLatch(tmp_path).latch("the dog", 2)
    with pytest.raises(LatchedError, match=r"the cat; the dog") as caught:
        StopLatch(tmp_path).require_clear()
    assert caught.value.exit_code is ExitCode.STOPPED
    assert "interlock reset" in caught.value.mend


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"cause": "x"}', '{"cause": "x", "stamp_ns": "soon"}', "\x00"]
)
def test_an_entry_that_cannot_be_read_counts_as_latched(text: str, tmp_path: Path) -> None:
    (tmp_path / "latch").mkdir()
    (tmp_path / "latch" / "1.json").write_text(text)
    latch = StopLatch(tmp_path)
    assert latch.latched
    assert "1.json cannot be read" in latch.causes[0].cause
    with pytest.raises(LatchedError):
        latch.require_clear()


def test_a_latch_that_is_no_folder_counts_as_latched_until_reset(tmp_path: Path) -> None:
    (tmp_path / "latch").write_text("{}")
    latch = StopLatch(tmp_path)
    assert latch.latched
    latch.reset("me")
    assert not latch.latched


def test_a_reset_clears_the_causes_and_the_request_and_says_which(tmp_path: Path) -> None:
    latch = StopLatch(tmp_path)
    latch.latch("the cat", 1)
    StopRequest(tmp_path).ask("the cat")
    seen, asked = LatchCause(cause="the cat", stamp_ns=1), LatchCause(cause="the cat", stamp_ns=0)
    assert latch.reset("me") == (seen, asked)
    assert not latch.latched
    assert not StopRequest(tmp_path).pending()
    latch.require_clear()
    assert '"by": "me"' in (tmp_path / "last_reset.json").read_text()


def test_a_reset_is_refused_while_a_run_is_alive(tmp_path: Path) -> None:
    latch = StopLatch(tmp_path)
    latch.latch("the cat", 1)
    with Lease(tmp_path, "panda"):
        with pytest.raises(LeaseError, match=r"while a run is alive"):
            latch.reset("me")
        assert latch.latched
    latch.reset("me")
    assert not latch.latched


def test_a_reset_counts_no_epoch(tmp_path: Path) -> None:
    StopLatch(tmp_path).latch("the cat", 1)
    StopLatch(tmp_path).reset("me")
    with Lease(tmp_path, "panda") as lease:
        assert lease.epoch == 1


def test_a_cause_that_cannot_be_removed_stays_latched(tmp_path: Path) -> None:
    (tmp_path / "latch" / "folder").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"by hand"):
        StopLatch(tmp_path).reset("me")
    assert StopLatch(tmp_path).latched


def test_a_stop_that_comes_while_the_latch_is_reset_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latch, request = StopLatch(tmp_path), StopRequest(tmp_path)
    request.ask("lunch")

    def write_and_stop(path: Path, text: str, *, durable: bool) -> None:
        write_atomically(path, text, durable=durable)
        monkeypatch.undo()
        request.ask("smoke")
        latch.latch("smoke", 7)

    monkeypatch.setattr("interlock.hal.latch.write_atomically", write_and_stop)
    assert [c.cause for c in latch.reset("me")] == ["lunch"]
    assert [c.cause for c in latch.causes] == ["smoke"]
    assert request.cause == "smoke"
    with pytest.raises(LatchedError, match=r"smoke"):
        latch.require_clear()


def test_a_request_that_cannot_become_a_cause_stays(tmp_path: Path) -> None:
    (tmp_path / "latch").touch()
    StopRequest(tmp_path).ask("lunch")
    with pytest.raises(StorageError, match=r"by hand"):
        StopLatch(tmp_path).reset("me")
    assert StopRequest(tmp_path).pending()


def test_a_request_is_pending_until_the_latch_is_reset(tmp_path: Path) -> None:
    request = StopRequest(tmp_path)
    assert not request.pending()
    request.ask("lunch")
    assert request.pending()
    assert request.cause == "lunch"
    StopLatch(tmp_path).reset("me")
    assert not request.pending()


def test_a_request_left_behind_refuses_the_next_start(tmp_path: Path) -> None:
    StopRequest(tmp_path).ask("lunch")
    with pytest.raises(LatchedError, match=r"lunch"):
        StopLatch(tmp_path).require_clear()


def test_a_request_that_cannot_be_read_is_still_a_request(tmp_path: Path) -> None:
    (tmp_path / "stop.request").write_text("{")
    assert StopRequest(tmp_path).pending()
    assert "cannot be read" in StopRequest(tmp_path).cause


def test_a_request_that_cannot_be_looked_at_is_pending(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert StopRequest(tmp_path / "file").pending()


def test_a_latch_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "latch").write_text("")
    with pytest.raises(StorageError, match=r"cannot be written"):
        StopLatch(tmp_path).latch("the cat", 1)
