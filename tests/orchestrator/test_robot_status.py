"""Status tells what is there, and null where there is nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

from interlock.hal.latch import StopLatch
from interlock.hal.lease import Lease
from interlock.hal.mode import Mode
from interlock.orchestrator.robot_status import RobotStatus


def seen(state_dir: Path) -> dict[str, object]:
    return json.loads(RobotStatus.look(state_dir).to_json())


def test_a_robot_that_never_ran_has_nothing_but_nulls(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert seen(nowhere) == {
        "mode": None,
        "latch": {"causes": []},
        "epoch": None,
        "pids": {"drive": None, "guardian": None},
    }
    assert not nowhere.exists()


def test_a_living_run_shows_its_mode_epoch_and_pid(tmp_path: Path) -> None:
    with Lease(tmp_path, "panda") as lease:
        lease.publish(Mode.BRAKING)
        assert seen(tmp_path) == {
            "mode": "braking",
            "latch": {"causes": []},
            "epoch": 1,
            "pids": {"drive": os.getpid(), "guardian": None},
        }


def test_what_a_dead_run_published_counts_no_more(tmp_path: Path) -> None:
    with Lease(tmp_path, "panda") as lease:
        lease.publish(Mode.AUTO)
    assert seen(tmp_path)["mode"] == "disarmed"
    assert seen(tmp_path)["pids"] == {"drive": None, "guardian": None}
    assert seen(tmp_path)["epoch"] == 1


def test_a_latch_outranks_the_published_mode(tmp_path: Path) -> None:
    with Lease(tmp_path, "panda") as lease:
        lease.publish(Mode.AUTO)
        StopLatch(tmp_path).latch("the cat", 1)
        assert seen(tmp_path)["mode"] == "latched"
        assert seen(tmp_path)["latch"] == {"causes": ["the cat"]}


def test_nonsense_in_a_status_is_no_mode_and_no_pid(tmp_path: Path) -> None:
    with Lease(tmp_path, "panda"):
        (tmp_path / "status.json").write_text('{"mode": ["auto"], "pid": "7", "guardian_pid": true}')
        assert seen(tmp_path)["mode"] == "disarmed"
        assert seen(tmp_path)["pids"] == {"drive": None, "guardian": None}
