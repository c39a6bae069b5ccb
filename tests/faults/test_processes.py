"""Real processes: signals, a stop from outside, a killed run. Only what a test started is ended by it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pybullet")

from interlock.hal.latch import StopLatch
from interlock.hal.lease import is_held, read_epoch, read_status
from interlock.traces.chain import ChainState, verify_chain
from interlock.traces.read import TraceReader

GOAL = "put the red block in the tray"
PATIENCE_S = 180.0
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


class Child:
    """One `interlock` process and its folders."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.out = folder / "out"
        self.state_dir = folder / "state"
        self.stderr = folder / "stderr.txt"
        command = [
            "run",
            GOAL,
            "--seed",
            "1",
            "--json",
            "--out",
            str(self.out),
            "--state-dir",
            str(self.state_dir),
        ]
        with self.stderr.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "interlock", *command, *arguments],
                stdout=subprocess.PIPE,
                stderr=sink,
                stdin=subprocess.DEVNULL,
                env=ENVIRONMENT,
                start_new_session=True,
            )

    def until(self, reached: Callable[[], bool], what: str) -> None:
        """Return once `reached`; the process must be alive then."""
        end = time.monotonic() + PATIENCE_S
        while not reached():
            assert self.process.poll() is None, f"ended before {what}: {self.stderr.read_text()}"
            assert time.monotonic() < end, f"did not come to {what} within {PATIENCE_S:g} s"
            time.sleep(0.002)
        assert self.process.poll() is None, f"ended before {what} was seen"

    def until_it_moves(self) -> None:
        """Return once the trace on the disk shows the arm well on its way."""
        trace = self.out / "trace.mcap"
        worth_reading = 100_000

        def moving() -> bool:
            nonlocal worth_reading
            if not trace.is_file() or trace.stat().st_size < worth_reading:
                return False
            worth_reading = trace.stat().st_size + 20_000  # to read on and on would take the run's core
            states = self.records("/state")
            return len(states) > 20 and any(np.abs(s["v"]).max() > 0.1 for s in states)

        self.until(moving, "motion")

    def end(self) -> tuple[int, dict[str, Any] | None]:
        """Wait for the exit code and the JSON on the last line."""
        stdout, _ = self.process.communicate(timeout=PATIENCE_S)
        lines = stdout.decode().splitlines() if stdout is not None else []
        return self.process.returncode, json.loads(lines[-1]) if lines else None

    def records(self, topic: str) -> list[dict[str, Any]]:
        return [message.json() for message in TraceReader(self.out).messages({topic})]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Starts children, and ends by their id those still alive after the test."""
    started: list[Child] = []

    def make(*arguments: str, folder: Path = tmp_path) -> Child:
        folder.mkdir(exist_ok=True)
        started.append(Child(folder, *arguments))
        return started[-1]

    yield make
    for child in started:
        if child.process.poll() is None:
            child.process.kill()
        child.process.communicate()


def interlock(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "interlock", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_S,
        env=ENVIRONMENT,
    )


def assert_stopped_in_motion(child: Child, cause: str, *, answered: bool = True) -> None:
    """Exit code 4, and the trace shows motion, the stop, and measured standstill at its end."""
    code, summary = child.end()
    told = child.stderr.read_text()
    assert code == 4, told
    assert "Traceback" not in told
    if answered:
        assert summary is not None
        assert summary["outcome"] == "stopped"
        assert cause in summary["reason"]
        assert (summary["referee"]["contacts"], summary["referee"]["limit_violations"]) == (0, 0)
    assert verify_chain(child.out).state is ChainState.INTACT
    (stop, *_) = child.records("/stop")
    states = child.records("/state")
    assert max(np.abs(s["v"]).max() for s in states if s["stamp_ns"] <= stop["stamp_ns"]) > 0.1
    assert states[-1]["standstill"]
    assert np.abs(states[-1]["v"]).max() < 0.01
    assert all(c["stamp_ns"] < stop["stamp_ns"] for c in child.records("/command"))
    assert cause in "; ".join(c.cause for c in StopLatch(child.state_dir).causes)
    assert not is_held(child.state_dir)


def assert_latched_until_reset(child: Child) -> None:
    """The next run ends with code 4 before it starts; a reset by a person frees the robot."""
    state = ("--state-dir", str(child.state_dir))
    again = interlock("run", GOAL, *state, "--out", str(child.out) + "2", "--json")
    assert again.returncode == 4
    assert json.loads(again.stdout.splitlines()[-1])["outcome"] == "stopped"
    assert "interlock reset" in again.stderr
    assert not Path(str(child.out) + "2").exists()
    assert interlock("reset", *state, "--by", "me").returncode == 0
    status = json.loads(interlock("status", *state, "--json").stdout)
    assert (status["mode"], status["latch"]) == ("disarmed", {"causes": []})


def test_ctrl_c_in_motion_ends_at_measured_standstill_with_code_4_and_stays_latched(
    start: Callable[..., Child],
) -> None:
    child = start()
    child.until_it_moves()
    child.process.send_signal(signal.SIGINT)
    assert_stopped_in_motion(child, "Ctrl-C")
    assert_latched_until_reset(child)


def test_ctrl_c_again_and_again_hurries_nothing(start: Callable[..., Child]) -> None:
    child = start()
    child.until_it_moves()
    for _ in range(20):
        child.process.send_signal(signal.SIGINT)
    assert_stopped_in_motion(child, "Ctrl-C")


def test_sigterm_in_motion_is_a_stop_too(start: Callable[..., Child]) -> None:
    child = start()
    child.until_it_moves()
    child.process.terminate()
    assert_stopped_in_motion(child, "SIGTERM")


STARTING: dict[str, tuple[Callable[[Child], bool], int]] = {
    "before the robot is ours": (lambda child: child.out.is_dir(), signal.SIGINT),
    "once the robot is ours": (lambda child: read_status(child.state_dir) != {}, signal.SIGINT),
    "by SIGTERM once the robot is ours": (lambda child: read_status(child.state_dir) != {}, signal.SIGTERM),
}


@pytest.mark.parametrize("moment", STARTING)
def test_a_signal_during_start_up_ends_with_code_4_and_moves_nothing(
    moment: str, start: Callable[..., Child]
) -> None:
    """A robot that was ours by then is latched; another's is left alone."""
    reached, number = STARTING[moment]
    child = start()
    child.until(lambda: reached(child), moment)
    child.process.send_signal(number)
    code, summary = child.end()
    told = child.stderr.read_text()
    assert code == 4, told
    assert "Traceback" not in told
    assert summary is not None
    assert (summary["outcome"], summary["path_length_rad"]) == ("stopped", 0.0)
    assert "operator: " in summary["reason"]
    assert StopLatch(child.state_dir).latched is (read_epoch(child.state_dir) is not None)
    assert not is_held(child.state_dir)


def test_a_second_process_is_refused_and_a_third_stops_the_first(
    start: Callable[..., Child], tmp_path: Path
) -> None:
    """In real time, so that the first is still on its way when the others have started."""
    child = start("--real-time")
    child.until_it_moves()
    second = interlock(
        "run", GOAL, "--state-dir", str(child.state_dir), "--out", str(tmp_path / "second"), "--json"
    )
    assert second.returncode == 4
    assert f"process {child.process.pid} owns this robot" in second.stderr
    assert json.loads(second.stdout.splitlines()[-1])["outcome"] == "stopped"
    assert not (tmp_path / "second").exists()
    assert interlock("stop", "--state-dir", str(child.state_dir), "--cause", "lunch").returncode == 0
    assert_stopped_in_motion(child, "lunch")
    assert_latched_until_reset(child)


def test_a_killed_run_leaves_a_readable_trace_and_frees_the_robot(start: Callable[..., Child]) -> None:
    child = start()
    child.until_it_moves()
    seen = len(child.records("/verdict"))
    child.process.kill()
    assert child.end()[0] == -signal.SIGKILL
    assert not is_held(child.state_dir)
    verdicts = child.records("/verdict")
    assert len(verdicts) >= seen > 10
    assert [v["tick"] for v in verdicts] == list(range(len(verdicts)))
    assert verify_chain(child.out).state is ChainState.UNFINISHED
    shown = interlock("trace", "show", str(child.out))
    assert shown.returncode == 0
    assert "unfinished" in shown.stdout
    assert interlock("trace", "report", str(child.out)).returncode == 0
    assert (
        json.loads(interlock("status", "--state-dir", str(child.state_dir), "--json").stdout)["mode"]
        == "disarmed"
    )


def test_a_reader_that_goes_away_costs_the_answer_but_not_the_exit_code(start: Callable[..., Child]) -> None:
    child = start()
    child.until_it_moves()
    assert child.process.stdout is not None
    child.process.stdout.close()
    child.process.stdout = None
    child.process.send_signal(signal.SIGINT)
    assert_stopped_in_motion(child, "Ctrl-C", answered=False)
