from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interlock.errors import CellError, RobotModelError
from interlock.hal.command import GripperCommand
from interlock.hal.motion import ShuttleMotion
from interlock.hal.robot import RobotSpec
from interlock.hal.simulator.robot_body import RobotBody

Build = Callable[..., Any]


def shuttle(height: float, speed: float = 0.25) -> ShuttleMotion:
    return ShuttleMotion(
        start=np.array([0.33, -0.3, height]), end=np.array([0.33, 0.3, height]), max_speed_m_s=speed
    )


def test_same_commands_give_bit_identical_states(build: Build, robot: RobotSpec, scene: Any) -> None:
    def play() -> bytes:
        block = scene.block("red", [0.45, 0.0, 0.03])
        arm = build(robot, scene.table(), block, scene.ball([0.5, 0.0, 0.3]), motions={"ball": shuttle(0.6)})
        arm.wait(1, GripperCommand(width_m=0.03, force_n=5.0))
        record = b""
        for k in range(60):
            arm.step(0.3 * robot.limits.a_max * np.sin(0.2 * k))
            state = arm.world.driver.observe()
            places = [arm.world.object_in_world(name) for name in ("red", "ball")]
            record += b"".join(a.tobytes() for a in (state.q, state.v, *places))
            record += repr(state.gripper).encode()
        return record

    assert play() == play()


def test_two_worlds_do_not_disturb_each_other(build: Build, panda: RobotSpec) -> None:
    one, other = build(panda), build(panda)
    one.step(np.ones(7))
    assert other.world.now_ns == 0
    assert np.array_equal(other.world.driver.observe().q, panda.home)
    other.world.close()
    one.step(np.ones(7))


def test_an_obstacle_keeps_its_motion_and_bound_though_the_arm_is_in_its_way(
    build: Build, panda: RobotSpec, scene: Any
) -> None:
    motion = shuttle(0.5)
    arm = build(panda, scene.ball([0.0, 0.0, 0.0]), motions={"ball": motion})
    pushed = 0.0
    before = arm.world.object_in_world("ball")[:3, 3]
    for _ in range(300):
        arm.wait(1)
        place = arm.world.object_in_world("ball")[:3, 3]
        assert np.allclose(place, motion.position(arm.world.now_ns * 1e-9), atol=1e-12)
        assert np.linalg.norm(place - before) <= 0.25 * 0.01 + 1e-9
        before = place
        pushed = max(pushed, float(np.abs(arm.world.driver.observe().q - panda.home).max()))
    assert pushed > 0.01


def test_a_standing_arm_that_is_pushed_gives_way_and_stays_there(
    build: Build, panda: RobotSpec, scene: Any
) -> None:
    arm = build(panda, scene.ball([0.0, 0.0, 0.0]), motions={"ball": shuttle(0.5)})
    driver, away = arm.world.driver, 0
    for _ in range(450):
        before = driver.observe()
        arm.wait(1)
        state = driver.observe()
        assert np.abs(state.q - state.q_commanded).max() <= 3e-4
        assert not np.any(state.v_commanded)
        if before.standstill and state.standstill:
            assert np.abs(state.q - before.q).max() < 1e-4
            away = max(away, float(np.abs(state.q - panda.home).max()))
    assert away > 0.01
    arm.step(np.full(7, 0.5))


def test_hooks_see_every_physics_step(build: Build, panda: RobotSpec) -> None:
    arm, seen = build(panda), []
    arm.world.on_substep(seen.append)
    arm.wait(2)
    assert seen == [*range(10), *range(10)]
    assert arm.world.now_ns == 20_000_000


def test_an_object_of_several_parts_is_one_solid(build: Build, panda: RobotSpec, scene: Any) -> None:
    wall, floor = scene.pillar([0.0, 0.0, 0.0]).parts[0], scene.table().parts[0]
    both = replace(scene.table(), parts=(floor, wall))
    arm = build(panda, both, scene.block("red", [0.6, 0.3, 0.031]))
    arm.wait(50)
    assert np.allclose(arm.world.object_in_world("red")[:3, 3], [0.6, 0.3, 0.03], atol=2e-3)


def test_loading_prints_nothing(build: Build, robot: RobotSpec, capfd: pytest.CaptureFixture[str]) -> None:
    build(robot)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("table", ["colors", "motions", "frictions", "masses"])
def test_refuses_tables_that_name_unknown_objects(
    build: Build, panda: RobotSpec, scene: Any, table: str
) -> None:
    with pytest.raises(CellError, match="red"):
        build(panda, scene.block("red", [0.5, 0.0, 0.03]), **{table: {"rde": 1.0}})


def test_refuses_a_moving_object_without_a_motion(build: Build, panda: RobotSpec, scene: Any) -> None:
    with pytest.raises(CellError, match=r"motions\.ball"):
        build(panda, scene.ball([0.5, 0.0, 0.5]))


def test_refuses_a_missing_urdf(build: Build, panda: RobotSpec) -> None:
    with pytest.raises(RobotModelError, match=r"robot\.urdf"):
        build(replace(panda, urdf=Path("nowhere.urdf")))


def test_refuses_a_urdf_that_does_not_parse(build: Build, panda: RobotSpec, tmp_path: Path) -> None:
    (tmp_path / "broken.urdf").write_text("<robot name='x'><link")
    with pytest.raises(RobotModelError, match=r"robot\.urdf"):
        build(replace(panda, urdf=tmp_path / "broken.urdf"))


def test_names_the_link_that_the_urdf_lacks(build: Build, panda: RobotSpec) -> None:
    with pytest.raises(RobotModelError, match=r"robot\.tool_link.*panda_paw.*panda_hand"):
        build(replace(panda, tool_link="panda_paw"))


def test_names_the_joint_that_the_urdf_lacks(build: Build, panda: RobotSpec) -> None:
    limits = replace(panda.limits, names=("panda_joint0", *panda.limits.names[1:]))
    with pytest.raises(RobotModelError, match=r"robot\.limits\.names.*panda_joint0"):
        build(replace(panda, limits=limits))


def test_stands_where_its_base_is_put(build: Build, panda: RobotSpec, scene: Any) -> None:
    base = np.eye(4)
    base[:3, :3] = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    base[:3, 3] = [1.0, 2.0, 0.5]
    here = build(panda).world.body.tool_in_world()
    there = build(replace(panda, base_in_world=base)).world.body.tool_in_world()
    assert np.allclose(there, base @ here, atol=1e-6)


def test_links_across_fixed_joints_are_adjacent(build: Build, panda: RobotSpec) -> None:
    body: RobotBody = build(panda).world.body
    link = body.link_index
    assert body.adjacent(link["panda_link7"], link["panda_hand"])
    assert body.adjacent(link["panda_link6"], link["panda_hand"])
    assert not body.adjacent(link["panda_link5"], link["panda_hand"])
    assert body.in_gripper(link["panda_leftfinger"])
    assert not body.in_gripper(link["panda_link6"])
