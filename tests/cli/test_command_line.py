"""The command line teaches, answers at once, and ends with the right code."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.traces.container import TraceFile

COMMANDS = [
    [],
    ["run"],
    ["plan"],
    ["check"],
    ["stop"],
    ["reset"],
    ["serve"],
    ["status"],
    ["cells"],
    ["guards"],
    ["policies"],
    ["trace"],
    ["trace", "show"],
    ["trace", "report"],
    ["bench"],
]
HEAVY = {"numpy", "scipy", "cvxpy", "pinocchio", "numba", "pybullet", "torch", "yaml", "mcap"}
GOAL = "put the red block in the tray"

HELP_AND_MODULES = """
import sys
sys.argv = ["interlock", *sys.argv[1:], "--help"]
from interlock.__main__ import main
try:
    main()
except SystemExit as done:
    print(*sys.modules, file=sys.stderr)
    raise
"""


def interlock(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "interlock", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=cwd,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: " ".join(c) or "interlock")
def test_help_teaches_and_loads_nothing_heavy(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP_AND_MODULES, *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: interlock" in done.stdout
    assert len(done.stdout.split()) > 30
    assert HEAVY & set(done.stderr.split()) == set()


def test_help_costs_less_than_half_a_second() -> None:
    """Of processor time, which a busy machine does not stretch; it takes 0.15 s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert interlock("--help").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 0.5


BAD_INPUT = {
    "no command": ([], "Usage"),
    "unknown command": (["rnu"], "run"),
    "unknown option": (["run", GOAL, "--sped", "1"], "--seed"),
    "no goal": (["run"], "goal"),
    "negative seed": (["run", GOAL, "--seed", "-1"], "--seed"),
    "seed of letters": (["run", GOAL, "--seed", "one"], "--seed"),
    "unknown cell": (["run", GOAL, "--cell", "pnda_tabletop"], "'panda_tabletop'"),
    "missing cell file": (["run", GOAL, "--cell", "nowhere.yaml"], "nowhere.yaml"),
    "unknown policy": (["run", GOAL, "--policy", "recklss"], "'reckless'"),
    "unwritable output": (["run", GOAL, "--out", "/proc/nowhere"], "--out DIR"),
    "unwritable state": (["run", GOAL, "--state-dir", "/proc/nowhere"], "--state-dir DIR"),
    "unwritable state of a stop": (["stop", "--state-dir", "/proc/nowhere"], "--state-dir DIR"),
    "unknown telemetry": (["run", GOAL, "--telemetry", "carrier pigeon"], "otlp"),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_ends_with_code_2_one_message_and_no_traceback(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pybullet_data")
    arguments, said = BAD_INPUT[name]
    done = interlock(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*trace*"))


def test_a_read_only_home_names_the_option(tmp_path: Path) -> None:
    pytest.importorskip("pybullet_data")
    done = subprocess.run(
        [sys.executable, "-m", "interlock", "run", GOAL],
        env={"HOME": "/proc/nowhere", "PATH": "/usr/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "state_dir" in done.stderr
    assert "--state-dir DIR" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_status_of_a_new_robot_is_all_nulls(tmp_path: Path) -> None:
    done = interlock("status", "--state-dir", str(tmp_path / "robot"), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "mode": None,
        "latch": {"causes": []},
        "epoch": None,
        "pids": {"drive": None, "guardian": None},
    }


def test_stop_latches_until_reset(tmp_path: Path) -> None:
    state = ["--state-dir", str(tmp_path)]
    assert interlock("stop", *state, "--cause", "lunch").returncode == 0
    latched = json.loads(interlock("status", *state, "--json").stdout)
    assert latched["mode"] == "latched"
    assert latched["latch"] == {"causes": ["lunch"]}
    done = interlock("reset", *state, "--by", "me")
    assert done.returncode == 0
    assert "cleared: lunch" in done.stdout
    cleared = json.loads(interlock("status", *state, "--json").stdout)
    assert cleared["latch"] == {"causes": []}
    assert "Nothing was latched" in interlock("reset", *state).stdout


def test_a_stop_needs_no_readable_cell(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [")
    assert interlock("stop", "--cell", str(broken), "--state-dir", str(tmp_path / "s")).returncode == 0


@pytest.mark.parametrize(
    ("command", "default"), [("cells", "panda_tabletop"), ("policies", "vla"), ("guards", "environment")]
)
def test_lists_mark_the_default(command: str, default: str) -> None:
    entries = json.loads(interlock(command, "--json").stdout.splitlines()[-1])
    assert default in {e["name"] for e in entries if e["default"]}
    shown = interlock(command).stdout
    assert all(entry["name"] in shown for entry in entries)


@pytest.fixture
def session() -> None:
    """What a run needs beside the command line; skips where the simulator is not installed."""
    pytest.importorskip("pybullet")
    pytest.importorskip("interlock.orchestrator.session", exc_type=ImportError)


@pytest.mark.usefixtures("session")
def test_a_latched_robot_refuses_to_run_with_code_4_and_a_reset_frees_it(tmp_path: Path) -> None:
    state = ["--state-dir", str(tmp_path / "robot")]
    interlock("stop", *state, "--cause", "lunch")
    out = tmp_path / "out"
    done = interlock("run", GOAL, *state, "--out", str(out), "--json")
    assert done.returncode == 4, done.stderr
    assert "interlock reset" in done.stderr
    assert "Traceback" not in done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert record["outcome"] == "stopped"
    assert "lunch" in record["reason"]
    assert not out.exists()
    assert interlock("reset", *state).returncode == 0


@pytest.mark.usefixtures("session")
def test_an_unknown_object_ends_with_code_2_and_the_nearest_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = interlock(
        "run", "put the red blok in the tray", "--state-dir", str(tmp_path / "s"), "--out", str(out)
    )
    assert done.returncode == 2, done.stderr
    assert "block" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


@pytest.mark.usefixtures("session")
def test_a_forbidden_place_ends_with_code_3(tmp_path: Path) -> None:
    state = ["--state-dir", str(tmp_path / "s"), "--out", str(tmp_path / "out"), "--json"]
    done = interlock("run", "push the red block into the operator side zone", *state)
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["outcome"] == "refused"


def test_plan_prints_the_tasks_and_moves_nothing(tmp_path: Path) -> None:
    done = interlock("plan", GOAL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("pick(red_block)") < done.stdout.index("place(red_block, tray)")
    plan = json.loads(interlock("plan", GOAL, "--json").stdout.splitlines()[-1])
    assert [task["skill"] for task in plan["tasks"]] == ["pick", "place"]
    assert list(tmp_path.iterdir()) == []


def test_a_trace_that_is_not_there_ends_with_code_2(tmp_path: Path) -> None:
    for command in ("show", "report"):
        done = interlock("trace", command, str(tmp_path / "nowhere"))
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr


def _trace(folder: Path, *, said: bytes, finished: bool = True) -> str:
    """A trace of two messages, the second of which says `said`."""
    folder.mkdir()
    file = TraceFile(folder / "trace.mcap")
    file.add("/run", 0, b'{"start_ns": 0, "goal": "go home"}')
    file.add("/outcome", 1, said)
    if finished:
        file.finish(1)
    else:
        file.abandon()
    return str(folder)


def test_a_trace_whose_chain_is_broken_is_shown_and_ends_with_code_3(tmp_path: Path) -> None:
    whole = _trace(tmp_path / "whole", said=b'{"outcome": "gave_up"}')
    killed = _trace(tmp_path / "killed", said=b'{"outcome": "gave_up"}', finished=False)
    changed = tmp_path / "changed"
    changed.mkdir()
    content = (tmp_path / "whole" / "trace.mcap").read_bytes()
    assert content.count(b"gave_up") == 1
    (changed / "trace.mcap").write_bytes(content.replace(b"gave_up", b"stopped"))
    shown = {run: interlock("trace", "show", run) for run in (whole, killed, str(changed))}
    assert [done.returncode for done in shown.values()] == [0, 0, 3]
    words = ("intact", "unfinished", "BROKEN")
    for done, word in zip(shown.values(), words, strict=True):
        assert word in done.stdout
        assert done.stderr == ""


def test_the_help_of_trace_show_names_the_code_of_a_broken_chain() -> None:
    assert "3 its chain is broken" in " ".join(interlock("trace", "show", "--help").stdout.split())
