"""Demonstrations: as many as asked for, the same each time, however often the command is cut off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("pybullet_data")
pytest.importorskip("pyarrow")

from interlock.cli import app
from interlock.errors import BadInputError, GoalError, StoppedError
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.orchestrator import demos
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.demo_run import DemoOrder, Played, cell_in_space
from interlock.orchestrator.demos import DemosRequest, Progress, default_goals, make_demos
from interlock.orchestrator.interrupts import Interrupts
from interlock.policy.dataset.episode import DemoFrame, Episode
from interlock.policy.dataset.pictures import encode
from interlock.policy.dataset.reader import Demonstrations
from interlock.policy.motion_noise import MotionNoise

FAILING = {1, 4}
BLACK = encode(np.zeros((128, 128, 3), np.uint8))


def fake_attempts(order: DemoOrder, workers: int, interrupts: Interrupts) -> Iterator[Played]:
    """Two frames of nothing each; attempts 1 and 4 miss their goal."""
    while True:
        frame = DemoFrame(
            pictures={"base": BLACK, "wrist": BLACK},
            projections={},
            time_s=0.0,
            state=np.full(17, order.attempt),
            chunk=np.zeros((16, 7)),
            anchor=np.eye(4),
            task_object=None,
            task_object_size=None,
            task_target=None,
            phase="approach",
            skill="pick",
            step="pick up the red block",
        )
        good = order.attempt not in FAILING
        episode = Episode(frames=(frame, frame), attempt=order.attempt, success=good)
        yield Played(attempt=order.attempt, episode=episode, reason="" if good else "it slipped")
        order = replace(order, attempt=order.attempt + 1)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demos, "played_in_order", fake_attempts)


def request(out: Path, episodes: int = 4, **more: Any) -> DemosRequest:
    return DemosRequest(cell="panda_tabletop", episodes=episodes, out=out, **more)


def make(asked: DemosRequest, told: list[Progress] | None = None) -> demos.DemosSummary:
    return make_demos(asked, ([] if told is None else told).append, Interrupts())


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.usefixtures("fake")
def test_keeps_the_good_ones_and_says_how_many_failed(tmp_path: Path) -> None:
    told: list[Progress] = []
    made = make(request(tmp_path / "set"), told)
    assert (made.episodes, made.failed, made.frames, made.full) == (4, 2, 8, False)
    assert [note["attempt"] for note in Demonstrations(tmp_path / "set").head.episodes] == [0, 2, 3, 5]
    assert told[-1].episodes == 4
    assert "it slipped" in [progress.reason for progress in told]


@pytest.mark.usefixtures("fake")
def test_keeps_those_that_failed_if_asked(tmp_path: Path) -> None:
    made = make(request(tmp_path / "set", keep_failed=True))
    assert (made.episodes, made.failed) == (4, 0)
    assert [e["success"] for e in Demonstrations(tmp_path / "set").head.episodes] == [True, False, True, True]


@pytest.mark.usefixtures("fake")
def test_a_set_made_in_two_goes_is_the_one_made_at_once(tmp_path: Path) -> None:
    make(request(tmp_path / "once"))
    make(request(tmp_path / "twice", episodes=2))
    make(request(tmp_path / "twice"))
    assert content(tmp_path / "once") == content(tmp_path / "twice")
    (tmp_path / "twice/data/chunk-000/file-001.parquet").write_bytes(b"PAR1")
    make(request(tmp_path / "twice"))
    assert content(tmp_path / "once") == content(tmp_path / "twice")


@pytest.mark.usefixtures("fake")
def test_ctrl_c_leaves_a_set_that_can_be_read_and_goes_on(tmp_path: Path) -> None:
    interrupts = Interrupts()

    def tell(progress: Progress) -> None:
        if progress.episodes == 2:
            interrupts.cause = "operator: Ctrl-C"

    with pytest.raises(StoppedError, match=r"Ctrl-C; 2 of 4 episodes.*same command"):
        make_demos(request(tmp_path / "set"), tell, interrupts)
    assert len(Demonstrations(tmp_path / "set")) == 4
    assert make(request(tmp_path / "set")).episodes == 4


@pytest.mark.usefixtures("fake")
def test_stops_before_there_are_too_many_bytes(tmp_path: Path) -> None:
    one = make(request(tmp_path / "one", episodes=1)).nbytes
    made = make(request(tmp_path / "set", max_bytes=int(2.5 * one)))
    assert (made.full, made.episodes) == (True, 2)
    assert made.nbytes <= 2.5 * one


def test_gives_up_when_nothing_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(order: DemoOrder, workers: int, interrupts: Interrupts) -> Iterator[Played]:
        for attempt in range(1000):
            yield Played(attempt=attempt, episode=None, reason="it slipped")

    monkeypatch.setattr(demos, "played_in_order", failing)
    with pytest.raises(BadInputError, match=r"30 demonstrations in a row.*it slipped.*Lessen --noise"):
        make(request(tmp_path / "set"))


def test_the_goals_are_every_block_into_the_tray() -> None:
    goals = default_goals(Cell.load("xarm6_tabletop"))
    assert goals == tuple(f"put the {c} block in the tray" for c in ("red", "green", "blue", "yellow"))


def test_refuses_a_goal_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(GoalError):
        make(request(tmp_path / "set", goals=("put the purple cow in the tray",)))
    assert not (tmp_path / "set").exists()


def chunk_of(space: str) -> tuple[Any, ActionChunk]:
    body = cell_in_space("panda_tabletop", space).embodiment()  # type: ignore[arg-type]
    samples = np.zeros((1, body.horizon, len(body.channels)))
    samples[0, :, 0] = np.linspace(0.0, 0.2, body.horizon)
    return body, ActionChunk(
        seq=0,
        embodiment=body.fingerprint,
        samples=samples,
        t_obs_ns=0,
        t_ready_ns=0,
        t0_ns=0,
        dt_s=0.04,
        provenance=Provenance(policy="t", version="1", config_sha256="", seed=0),
    )


@pytest.mark.parametrize("space", ["joint_position", "tool_delta", "tool_pose", "tool_step"])
def test_noise_begins_at_nothing_is_seeded_and_leaves_the_gripper_alone(space: str) -> None:
    body, chunk = chunk_of(space)
    pushed = MotionNoise(body, 1.0, seed=3).disturb(chunk, "approach").samples[0] - chunk.samples[0]
    again = MotionNoise(body, 1.0, seed=3).disturb(chunk, "approach").samples[0] - chunk.samples[0]
    assert (pushed == again).all()
    assert not pushed[0].any()
    assert not pushed[:, -1].any()
    assert np.abs(pushed[:, 0]).max() > 1e-4
    other = MotionNoise(body, 1.0, seed=4).disturb(chunk, "approach").samples[0] - chunk.samples[0]
    assert (pushed != other).any()


def test_a_chunk_that_stands_is_not_pushed_and_level_none_pushes_nothing() -> None:
    body, chunk = chunk_of("tool_delta")
    still = replace(chunk, samples=np.zeros_like(chunk.samples))
    assert not MotionNoise(body, 1.0, seed=0).disturb(still, "grasp").samples.any()
    assert MotionNoise(body, 0.0, seed=0).disturb(chunk, "approach") is chunk
    with pytest.raises(BadInputError, match="level of noise"):
        MotionNoise(body, float("nan"), seed=0)


def test_the_command_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    run = CliRunner().invoke
    for arguments, said in (
        (["--variation", "weather"], "variation"),
        (["--action-space", "tool_dleta"], "tool_delta"),
        (["--cell", "panda_tabletop", "--cell", "panda_tabletop"], "one name"),
        (["--stills", "2", "--noise", "1.0"], "noise"),
        (["--stills", "2", "--keep-failed"], "no still can fail"),
        (["--stills", "2", "--goal", "pick up the red block"], "a goal in stills"),
    ):
        done = run(app, ["demos", "--out", str(tmp_path / "x"), "--episodes", "1", *arguments])
        assert isinstance(done.exception, BadInputError)
        assert said in done.exception.message
    assert not (tmp_path / "x").exists()


PICK = ["--goal", "pick up the red block", "--variation", "lighting,texture,paraphrase", "--noise", "0"]


@pytest.mark.slow
def test_one_demonstration_is_made_under_the_gate_and_the_same_twice(tmp_path: Path) -> None:
    for name in ("one", "other"):
        command = [sys.executable, "-m", "interlock", "demos", "--episodes", "1", *PICK]
        done = subprocess.run(
            [*command, "--out", str(tmp_path / name), "--json"], capture_output=True, text=True, check=True
        )
    (made,) = json.loads(done.stdout.splitlines()[-1])
    assert (made["cell"], made["episodes"]) == ("panda_tabletop", 1)
    one, other = (content(tmp_path / name / "panda_tabletop") for name in ("one", "other"))
    assert one == other
    demos = Demonstrations(tmp_path / "one" / "panda_tabletop")
    assert set(demos.words("skill")) == {"pick"}
    assert demos.task_object[1].all()
    note = demos.head.episodes[0]
    assert note["success"] is True
    assert note["contacts"] == 0
    assert set(note["variation"]["splits"]) == {Axis.LIGHTING, Axis.TEXTURE, Axis.PARAPHRASE}
    assert demos.picture("wrist", len(demos) - 1).shape == (128, 128, 3)


@pytest.mark.slow
def test_the_command_killed_between_episodes_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "interlock", "demos", *PICK, "--out", str(tmp_path), "--episodes"]
    with subprocess.Popen([*command, "50"], stderr=subprocess.DEVNULL) as process:
        first = tmp_path / "panda_tabletop/data/chunk-000/file-000.parquet"
        while not first.exists() and process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)  # to spin would take the core that it needs
        assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
    before = first.read_bytes()
    subprocess.run([*command, "2"], check=True, capture_output=True)
    assert first.read_bytes() == before
    assert len(list(Demonstrations(tmp_path / "panda_tabletop").episodes())) >= 2
