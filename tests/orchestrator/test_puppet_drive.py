from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

pytest.importorskip("pybullet")

from tests.orchestrator.session_runner import GOAL, cell_of, gate_of

from interlock.cli import running, serving
from interlock.orchestrator import session
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.summary import Outcome, RunSummary

SOURCES = Path(session.__file__).parents[1]


def played(folder: Path, policy: str, *, puppet: bool, sim_time_s: float | None = None) -> RunSummary:
    (folder / "out").mkdir()
    request = RunRequest(
        goal=GOAL,
        cell=cell_of("panda_tabletop"),
        policy=policy,
        seed=3,
        real_time=False,
        gui=False,
        out=folder / "out",
        state_dir=folder / "state",
        cameras=False,
        max_sim_time_s=sim_time_s,
        report=False,
    )
    return session.run(request, SilentProgress(), lambda cell: gate_of("panda_tabletop"), puppet=puppet)


def test_reckless_policy_hits_things_with_a_puppet_and_nothing_with_a_guarded_arm(tmp_path: Path) -> None:
    contacts = {}
    for puppet in (True, False):
        (tmp_path / str(puppet)).mkdir()
        summary = played(tmp_path / str(puppet), "reckless", puppet=puppet, sim_time_s=4.0)
        contacts[puppet] = summary.referee.contacts
    assert contacts[True] > 0
    assert contacts[False] == 0


def test_expert_achieves_its_goal_with_a_puppet(tmp_path: Path) -> None:
    assert played(tmp_path, "scripted", puppet=True).outcome is Outcome.ACHIEVED


def test_puppet_holds_where_nothing_that_can_be_played_is_proposed(tmp_path: Path) -> None:
    summary = played(tmp_path, "nan", puppet=True, sim_time_s=1.0)
    assert summary.path_length_rad == pytest.approx(0.0, abs=0.5)
    assert summary.refusals


def test_only_the_simulated_driver_can_be_pulled_and_only_the_puppet_pulls() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py")}
    defined = [path.name for path, text in texts.items() if re.search(r"def pull\b", text)]
    pulled = [path.name for path, text in texts.items() if re.search(r"\.pull\(", text)]
    assert defined == ["driver.py"]
    assert pulled == ["puppet_drive.py"]
    assert "pull" not in (SOURCES / "hal/driver.py").read_text(encoding="utf-8")


def test_neither_a_cell_nor_an_option_of_run_asks_for_a_puppet() -> None:
    asked = [path.name for path in SOURCES.rglob("*.py") if "puppet=" in path.read_text(encoding="utf-8")]
    assert set(asked) <= {
        "eval_command.py",
        "eval_run.py",
        "learned.py",
        "session.py",
        "varied_run.py",
    }
    cell = (SOURCES / "orchestrator/cell_schema.py").read_text(encoding="utf-8")
    assert "puppet" not in cell + inspect.getsource(running) + inspect.getsource(serving)
