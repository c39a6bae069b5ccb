"""A policy gets the pictures of the roles it asks for, and none rather than late ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("pybullet")

from interlock.errors import BadInputError
from interlock.guards.gate import Gate
from interlock.hal.look import Look
from interlock.hal.simulator.world import World
from interlock.orchestrator import session
from interlock.orchestrator.asked_cameras import cameras_for
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.loop import Loop
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.proposer import InlineProposer
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.sight import LockstepSight, MirrorSight, NoSight, sight_for
from interlock.policy.observation import Observation, TaskView
from interlock.policy.policy import Policy, PolicyContext
from interlock.policy.wording import Wording

TASK = TaskView(
    task_id="t1", skill="home", arguments={}, phase="move", instruction="go home", target_in_world=None
)


class Watcher:
    """A policy that only looks."""

    name = "watcher"

    def __init__(self, *roles: str) -> None:
        self.roles = frozenset(roles)
        self.seen: list[Observation] = []

    def reset(self) -> None:
        pass

    def propose(self, observation: Observation) -> None:
        self.seen.append(observation)


@pytest.fixture
def rig(panda_cell: Cell) -> Iterator[Any]:
    world = World(
        panda_cell.robot_spec(), panda_cell.scene_objects(0), panda_cell.colors(), panda_cell.motions(0)
    )
    yield SimpleNamespace(world=world, cell=panda_cell, look=Look())
    world.close()


@pytest.fixture
def loop_of(robot: Any, panda_gate: Gate) -> Callable[..., Loop]:
    def make(policy: Watcher, frames: Callable[..., Any]) -> Loop:
        witness = SimpleNamespace(phase=lambda *told: None, chunk=lambda *told: None, tick=lambda *told: None)
        return Loop(
            proposer=InlineProposer(policy),  # type: ignore[arg-type]
            drive=robot.drive(panda_gate),
            clock=robot_clock(robot),
            replan_s=0.01,
            witness=witness,  # type: ignore[arg-type]
            state=robot.observe(),
            scene=robot.snapshot(),
            complain=lambda text: None,
            frames=frames,
        )

    return make


def robot_clock(robot: Any) -> Any:
    return SimpleNamespace(
        now_ns=lambda: robot.now_ns, lateness_ns=lambda: 0, wait_next_tick=robot.wait_next_tick
    )


def test_a_policy_that_asks_for_no_camera_costs_no_picture(rig: Any, panda_cell: Cell) -> None:
    specs = cameras_for(Watcher(), panda_cell.cameras())
    assert specs == ()
    for real_time in (False, True):
        assert isinstance(sight_for(specs, rig, real_time=real_time), NoSight)
    assert cameras_for(object(), panda_cell.cameras()) == ()


def test_in_lockstep_a_policy_gets_its_roles_when_it_is_asked(
    rig: Any, panda_cell: Cell, loop_of: Callable[..., Loop]
) -> None:
    policy = Watcher("wrist", "base")
    sight = sight_for(cameras_for(policy, panda_cell.cameras()), rig, real_time=False)
    assert isinstance(sight, LockstepSight)
    loop_of(policy, sight.frames).tick(TASK)
    frames = policy.seen[0].frames
    assert [frame.role for frame in frames] == ["base", "wrist"]
    assert all(frame.rgb.shape == (128, 128, 3) for frame in frames)
    assert all((a.rgb == b.rgb).all() for a, b in zip(frames, sight.frames(), strict=True))


def test_refuses_a_role_that_the_cell_has_not_and_roles_that_are_none(panda_cell: Cell) -> None:
    with pytest.raises(BadInputError, match=r"policy\.roles.*'wrists'.*'wrist'"):
        cameras_for(Watcher("wrists"), panda_cell.cameras())
    with pytest.raises(BadInputError, match=r"policy\.roles"):
        cameras_for(SimpleNamespace(roles="base"), panda_cell.cameras())


def test_when_the_camera_process_is_killed_the_loop_goes_on_without_pictures(
    rig: Any, panda_cell: Cell, loop_of: Callable[..., Loop]
) -> None:
    policy, said = Watcher("base"), list[str]()
    specs = cameras_for(policy, panda_cell.cameras())
    sight = sight_for(specs, rig, real_time=True, complain=said.append)
    assert isinstance(sight, MirrorSight)
    try:
        loop = loop_of(policy, sight.frames)
        sight.refresh()
        loop.tick(TASK)
        assert [frame.role for frame in policy.seen[0].frames] == ["base"]
        assert said == []
        os.kill(sight.cameras.pid or 0, signal.SIGKILL)
        assert sight.cameras.wait_end(60.0)
        for _ in range(3):
            sight.refresh()
            loop.tick(TASK)
        assert [observation.frames for observation in policy.seen[1:]] == [(), (), ()]
        assert set(said) == {"the camera process sends no pictures"}
    finally:
        sight.close()


def test_pictures_that_are_too_old_are_none(rig: Any, panda_cell: Cell) -> None:
    sight = MirrorSight(rig, cameras_for(Watcher("base"), panda_cell.cameras()))
    try:
        assert sight.frames()
        for _ in range(51):  # nobody refreshes
            rig.world.advance()
        assert sight.frames() == ()
    finally:
        sight.close()


def test_a_run_in_lockstep_shows_and_says_what_is_asked_for(
    panda_cell: Cell, panda_gate: Gate, tmp_path: Path
) -> None:
    watchers: list[Watcher] = []

    def watcher(context: PolicyContext) -> Policy:
        assert [camera.role for camera in context.cameras] == ["", "", "base", "wrist"]
        watchers.append(Watcher("wrist"))
        return watchers[-1]  # type: ignore[return-value]

    request = RunRequest(
        goal="pick up the red block",
        cell=panda_cell,
        policy="scripted",
        seed=1,
        real_time=False,
        gui=False,
        out=tmp_path / "out",
        state_dir=tmp_path / "state",
        cameras=False,
        max_sim_time_s=0.2,
        report=False,
        record=False,
        wording=Wording(templates={"pick": "take the {object}"}),
    )
    session.run(request, SilentProgress(), lambda _: panda_gate, make_policy=watcher)
    seen = watchers[0].seen
    assert [[frame.role for frame in observation.frames] for observation in seen] == [["wrist"]] * len(seen)
    assert seen[0].frames[0].stamp_ns == seen[0].stamp_ns
    assert {(o.task.step, o.task.phase) for o in seen} == {("take the red block", "approach")}
    assert not (tmp_path / "out").exists()


class Named(Watcher):
    """A policy that looks through cameras by their names."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.cameras = frozenset(names)


def test_cameras_are_asked_for_by_name_too(panda_cell: Cell) -> None:
    found = cameras_for(Named("above", "base"), panda_cell.cameras())
    assert [camera.name for camera in found] == ["above", "base"]
    with pytest.raises(BadInputError, match=r"no camera of this name.*above"):
        cameras_for(Named("abov"), panda_cell.cameras())


def test_a_camera_too_slow_for_its_pictures_to_be_fresh_is_refused_in_real_time_alone(
    panda_cell: Cell,
) -> None:
    assert cameras_for(Named("above"), panda_cell.cameras())
    with pytest.raises(BadInputError, match=r"cameras.above.rate_hz.*4 or more"):
        cameras_for(Named("above"), panda_cell.cameras(), real_time=True)
    assert cameras_for(Named("base"), panda_cell.cameras(), real_time=True)
