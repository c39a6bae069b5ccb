"""`interlock serve` as a process of its own: a run over it, its death in the middle, its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("pybullet")
pytest.importorskip("websockets")
pytest.importorskip("zmq")

from tests.orchestrator.session_runner import Notes, Runner, records

from interlock.__main__ import main
from interlock.errors import ExitCode, StorageError
from interlock.hal.latch import StopLatch
from interlock.orchestrator import serve as serving
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.cell_folder import find_cell
from interlock.orchestrator.summary import Outcome
from interlock.policy.policy import PolicyContext
from interlock.policy.registry import create
from interlock.policy.vla.shipped_weights import SHIPPED
from interlock.traces.chain import ChainState, verify_chain

SERVE = [sys.executable, "-m", "interlock", "serve", "--port", "0"]
PATIENT_S = 60.0
Start = Callable[..., tuple[subprocess.Popen[str], dict[str, Any]]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts servers and waits for each to say where it is."""
    running: list[subprocess.Popen[str]] = []
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state_home"))

    def serve(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        server = subprocess.Popen(
            [*SERVE, *arguments, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(server)
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line, server.communicate()[1]
        return server, json.loads(line)

    yield serve
    for server in running:
        server.kill()
        server.communicate()


def over(protocol: str, said: dict[str, Any]) -> dict[str, Any]:
    """A cell's policy over that server."""
    options = {"port": said["port"], "token_file": said["token_file"], "deadline_s": PATIENT_S}
    return {"name": protocol, "options": {**options, "connect_s": PATIENT_S}}


def cell_with(folder: Path, policy: dict[str, Any], **times: float) -> str:
    """The Panda's cell with that policy."""
    data = yaml.safe_load(find_cell("panda_tabletop").read_text())
    data["times"] |= times
    data["policy"] |= policy
    path = folder / f"{policy['name']}.yaml"
    path.write_text(yaml.safe_dump(data))
    return str(path)


def cell_over(folder: Path, protocol: str, said: dict[str, Any], **times: float) -> str:
    """The Panda's cell with a policy over that server."""
    return cell_with(folder, over(protocol, said), **times)


@pytest.mark.parametrize("protocol", ["openpi", "groot"])
def test_a_run_over_a_server_moves_as_the_same_run_at_home(
    protocol: str, start: Start, tmp_path: Path
) -> None:
    _, said = start("--protocol", protocol, "--policy", "scripted")
    traces = []
    for cell, policy in (("panda_tabletop", "scripted"), (cell_over(tmp_path, protocol, said), protocol)):
        runner = Runner(tmp_path / policy)
        summary = runner.run(cell=cell, policy=policy, seed=1, sim_time_s=2.0)
        assert (summary.outcome, summary.reason) == (Outcome.GAVE_UP, "time is up")
        assert summary.released_fraction > 0.9
        traces.append([record["end"] for record in records(runner.out, "/command")])
    assert traces[0] == traces[1]
    token = Path(said["token_file"]).read_text().strip()
    assert token.encode() not in next(runner.out.glob("*.mcap")).read_bytes()


@pytest.mark.parametrize(
    ("protocol", "weights", "cameras"),
    [("openpi", "tiny-scene", frozenset()), ("groot", "tiny", {"base", "wrist"})],
)
def test_a_run_over_a_served_learned_policy_moves_as_the_same_run_at_home(
    protocol: str, weights: str, cameras: frozenset[str], start: Start, tmp_path: Path
) -> None:
    """Words, history and pictures come over: chunks hang on all of them."""
    _, said = start("--protocol", protocol, "--checkpoint", weights, "--seed", "1")
    space = {"action_space": "tool_delta"}
    home = {"name": "vla", "options": {"checkpoint": str(SHIPPED / weights)}, **space}
    traces: list[Any] = []
    asked: list[Any] = []

    def keep(context: PolicyContext) -> Any:
        asked.append(create("vla" if not asked else protocol, context))
        return asked[-1]

    for policy in (home, over(protocol, said) | space):
        runner = Runner(tmp_path / policy["name"])
        cell = cell_with(tmp_path, policy)
        summary = runner.run(cell=cell, policy=policy["name"], seed=1, sim_time_s=1.0, make_policy=keep)
        assert (summary.outcome, summary.reason) == (Outcome.GAVE_UP, "time is up")
        assert summary.path_length_rad > 0.1
        traces.append([record["end"] for record in records(runner.out, "/command")])
    assert [policy.skills for policy in asked] == 2 * [{"pick", "place"}]
    assert asked[1].cameras == cameras
    assert traces[0] == traces[1]


def test_what_is_served_unless_another_is_named_moves_a_client_that_names_its_action_space(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said = start()
    assert (said["policy"], said["address"].split(":")[0]) == ("vla", "ws")
    cell = cell_over(tmp_path, "openpi", said, stuck_after_s=0.5, max_task_s=0.5, max_run_s=0.5)
    command = ["run", "put the red block in the tray", "--cell", cell, "--policy", "openpi", "--json"]
    command += ["--out", str(tmp_path / "out"), "--state-dir", str(tmp_path / "state")]
    monkeypatch.setattr(sys, "argv", ["interlock", *command, "--action-space", "tool_delta"])
    with pytest.raises(SystemExit, match=str(int(ExitCode.GAVE_UP))):
        main()
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["reason"] == "time is up"
    assert summary["path_length_rad"] > 0.0
    chunks = records(tmp_path / "out", "/chunk")
    assert {chunk["provenance"]["transport"] for chunk in chunks} == {"openpi"}
    accepted = [each["proposed"] for each in records(tmp_path / "out", "/preview") if not each["guard"]]
    assert chunks[0]["digest"] in accepted


def test_a_server_killed_in_the_middle_brings_the_robot_to_a_standstill_without_a_contact(
    start: Start, tmp_path: Path
) -> None:
    server, said = start("--protocol", "openpi", "--policy", "scripted")
    runner = Runner(tmp_path / "run")

    def kill_at_speed(report: Any) -> None:
        if server.poll() is None and report.tick >= 150 and abs(report.state.v).max() > 0.05:
            os.kill(server.pid, signal.SIGKILL)
            server.wait()
            killed.append(report.tick)

    killed: list[int] = []
    summary = runner.run(
        cell=cell_over(tmp_path, "openpi", said),
        policy="openpi",
        sim_time_s=6.0,
        notes=Notes(kill_at_speed),
    )
    assert len(killed) == 1
    assert summary.outcome is Outcome.GAVE_UP
    assert summary.reason.startswith("time is up; proposal refused before the gate: policy server")
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0), runner.counters
    after = [report for report in runner.notes.reports if report.tick > killed[0]]
    standing = next(i for i, report in enumerate(after) if report.state.standstill)
    assert all(report.state.standstill and report.command is None for report in after[standing + 1 :])
    assert any("refused before the gate: policy server" in event for event in runner.notes.events)
    assert not StopLatch(runner.state_dir).latched
    assert verify_chain(runner.out).state is ChainState.INTACT


def test_a_token_is_made_for_its_owner_alone_and_told_to_nobody_else(start: Start) -> None:
    _, said = start("--policy", "scripted")
    path = Path(said["token_file"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().strip() not in json.dumps(said)
    assert said["address"].startswith("ws://127.0.0.1:")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("protocol", ["openpi", "groot"])
def test_ctrl_c_ends_it_cleanly(protocol: str, how: signal.Signals, start: Start) -> None:
    server, _ = start("--protocol", protocol, "--policy", "scripted")
    server.send_signal(how)
    out, err = server.communicate(timeout=PATIENT_S)
    assert (server.returncode, out, err) == (0, "", "")


def request_with(token_file: Path) -> serving.ServeRequest:
    cell = Cell.load("panda_tabletop")
    return serving.ServeRequest(
        cell=cell, policy="scripted", seed=0, protocol="openpi", port=0, token_file=token_file
    )


def nobody(*_: object) -> Any:
    raise AssertionError("nothing is to be loaded, and nothing served")


@pytest.mark.parametrize(("name", "reason"), [("token", "chmod 600"), ("x" * 300, "cannot be read")])
def test_a_token_that_cannot_be_used_is_refused_before_anything_is_loaded(
    name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("correct-horse-battery")
    (tmp_path / "token").chmod(0o644)
    monkeypatch.setattr(serving, "create", nobody)
    with pytest.raises(StorageError, match=reason):
        serving.serve(request_with(tmp_path / name), nobody, threading.Event())


def test_a_token_that_appears_while_the_policy_loads_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "token"

    def slow(name: str, context: PolicyContext) -> Any:
        theirs.write_text("correct-horse-battery")
        return create(name, context)

    monkeypatch.setattr(serving, "create", slow)
    with pytest.raises(StorageError, match=r"File exists.*start again"):
        serving.serve(request_with(theirs), nobody, threading.Event())
    assert theirs.read_text() == "correct-horse-battery"


BAD: dict[str, tuple[list[str], str]] = {
    "an unknown policy": (["--policy", "scriptd"], "there is no such policy"),
    "an unknown protocol": (["--protocol", "grpc"], "grpc"),
    "an address that is not here": (["--host", "192.0.2.1"], "nothing can listen there"),
    "a token that others may read": (["--token-file", "TOKEN"], "chmod 600"),
    "an unknown cell": (["--cell", "pandas"], "pandas"),
}


@pytest.mark.parametrize("protocol", ["openpi", "groot"])
@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_with_code_2_before_anything_is_served(
    case: str, protocol: str, tmp_path: Path
) -> None:
    arguments, reason = BAD[case]
    open_to_all = tmp_path / "token"
    open_to_all.write_text("correct-horse-battery")
    open_to_all.chmod(0o644)
    given = [
        "--protocol",
        protocol,
        "--policy",
        "scripted",
        *(str(open_to_all) if a == "TOKEN" else a for a in arguments),
    ]
    done = subprocess.run([*SERVE, *given], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
