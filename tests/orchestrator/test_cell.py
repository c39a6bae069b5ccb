"""The cells that ship hold together, for many seeds."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from interlock.hal.embodiment import ChannelKind
from interlock.hal.scene import ObjectKind
from interlock.hal.zone import ZoneKind
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.cell_folder import DEFAULT_CELL, shipped_cells
from interlock.planners.domain import Role

pytest.importorskip("pybullet_data")

SEEDS = range(100)
SHIPPED = ("panda_tabletop", "two_pandas", "xarm6_tabletop")


@pytest.fixture(scope="module", params=SHIPPED)
def cell(request: pytest.FixtureRequest) -> Cell:
    return Cell.load(request.param)


def test_ships_these_cells_and_the_default_is_one() -> None:
    assert tuple(shipped_cells()) == SHIPPED
    assert DEFAULT_CELL in SHIPPED


def test_same_file_by_name_and_by_path_is_the_same_cell(cell: Cell) -> None:
    again = Cell.load(shipped_cells()[cell.name])
    assert again.sha256 == cell.sha256
    assert again.embodiment().fingerprint == cell.embodiment().fingerprint


def test_home_is_inside_the_limits(cell: Cell) -> None:
    robot = cell.robot_spec()
    assert np.all(robot.home > robot.limits.q_min)
    assert np.all(robot.home < robot.limits.q_max)


def test_limits_are_the_data_sheets_times_the_derating(cell: Cell) -> None:
    section, limits = cell.file.robot.limits, cell.robot_spec().limits
    for index, (name, row) in enumerate(section.joints.items()):
        assert limits.names[index] == name
        assert (limits.q_min[index], limits.q_max[index]) == row.q_rad
        assert limits.v_max[index] == row.v_rad_s * section.derate.velocity
        assert limits.a_max[index] == row.a_rad_s2 * section.derate.acceleration
        assert limits.j_max[index] == row.j_rad_s3 * section.derate.jerk


def test_panda_limits_are_the_makers() -> None:
    limits = Cell.load("panda_tabletop").file.robot.limits.joints
    assert [row.q_rad[0] for row in limits.values()] == [
        -2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973
    ]  # fmt: skip
    assert [row.q_rad[1] for row in limits.values()] == [
        2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973
    ]  # fmt: skip
    assert [row.v_rad_s for row in limits.values()] == [2.175] * 4 + [2.61] * 3
    assert [row.a_rad_s2 for row in limits.values()] == [15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0]
    assert [row.j_rad_s3 for row in limits.values()] == [7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 1e4, 1e4]


def test_embodiment_names_the_arm_joints_then_the_gripper(cell: Cell) -> None:
    body, robot = cell.embodiment(), cell.robot_spec()
    assert tuple(c.name for c in body.channels[: robot.dof]) == robot.limits.names
    assert body.channels[-1].kind is ChannelKind.GRIPPER_WIDTH
    assert robot.gripper is not None
    assert (body.channels[-1].lower, body.channels[-1].upper) == (
        robot.gripper.min_width_m,
        robot.gripper.max_width_m,
    )
    assert (body.rate_hz, body.horizon) == (25.0, 16)


def test_the_same_seed_gives_the_same_scene_and_another_seed_another(cell: Cell) -> None:
    first, again, other = (cell.scene_objects(seed) for seed in (7, 7, 8))
    poses = [[o.object_in_world.tobytes() for o in objects] for objects in (first, again, other)]
    assert poses[0] == poses[1]
    assert poses[0] != poses[2]


def test_blocks_stay_inside_their_jitter_and_the_keep_in_zone_and_apart(cell: Cell) -> None:
    nominal = {o.name: o for o in cell.file.scene.objects}
    keep_in = next(z for z in cell.zones() if z.kind is ZoneKind.KEEP_IN)
    for seed in SEEDS:
        blocks = [o for o in cell.scene_objects(seed) if o.kind is ObjectKind.MOVABLE]
        assert len(blocks) == 4
        for block in blocks:
            section, at = nominal[block.name], block.object_in_world[:3, 3]
            assert section.position_m is not None
            off = np.abs(at - np.array(section.position_m))
            assert off[0] <= section.jitter.x_m + 1e-12
            assert off[1] <= section.jitter.y_m + 1e-12
            assert off[2] == 0.0
            yaw = math.atan2(block.object_in_world[1, 0], block.object_in_world[0, 0])
            assert abs(yaw - section.yaw_rad) <= section.jitter.yaw_rad + 1e-12
            assert np.all(at > keep_in.lower)
            assert np.all(at < keep_in.upper)
        for one, other in itertools.combinations(blocks, 2):
            gap = math.dist(one.object_in_world[:3, 3], other.object_in_world[:3, 3])
            assert gap >= cell.file.scene.min_separation_m


def test_blocks_never_overlap_a_fixed_thing_they_do_not_stand_on(cell: Cell) -> None:
    domain = cell.domain(0)
    fixed = [o for o in domain.objects if o.role in {Role.OBSTACLE, Role.SUPPORT} and o.name != "table"]
    for seed, thing in itertools.product(SEEDS, fixed):
        for block in (o for o in cell.domain(seed).objects if o.role is Role.MOVABLE):
            reach = math.hypot(block.size[0], block.size[1]) / 2.0
            apart = max(np.abs(np.subtract(block.position, thing.position)) - np.array(thing.size) / 2.0)
            assert apart > reach


def test_obstacles_keep_their_declared_bound_and_swing_whole(cell: Cell) -> None:
    times = np.linspace(0.0, 60.0, 6001)
    bounds = {o.name: o.max_speed_m_s for o in cell.scene_objects(0)}
    starts = set()
    for seed in (0, 1, 2):
        for name, motion in cell.motions(seed).items():
            path = np.array([motion.position(float(t)) for t in times])
            speed = np.linalg.norm(np.diff(path, axis=0), axis=1) / np.diff(times)
            assert 0.0 < speed.max() <= bounds[name]
            starts.add(path[0].tobytes())
    assert len(starts) == 3


def test_a_moving_obstacle_is_first_seen_where_its_motion_begins(cell: Cell) -> None:
    motions = cell.motions(5)
    assert motions
    for thing in cell.scene_objects(5):
        if thing.kind is ObjectKind.MOVING:
            assert np.array_equal(thing.object_in_world[:3, 3], motions[thing.name].position(0.0))
        else:
            assert thing.name not in motions
            assert thing.max_speed_m_s == 0.0


def test_what_a_planner_sees_stands_where_the_scene_says(cell: Cell) -> None:
    domain, scene = cell.domain(3), {o.name: o for o in cell.scene_objects(3)}
    for thing in domain.objects:
        if thing.role is Role.MOVABLE:
            assert np.allclose(thing.position, scene[thing.name].object_in_world[:3, 3], atol=0.0)
            table = domain.find(thing.on)
            assert table is not None
            top = table.position[2] + table.size[2] / 2.0
            assert thing.position[2] - thing.size[2] / 2.0 == pytest.approx(top, abs=1e-9)
    tray = domain.find("tray")
    assert tray is not None
    assert tray.role is Role.SUPPORT
    floor = next(o for o in cell.file.scene.objects if o.name == "tray").parts[0].box
    assert floor is not None
    assert tray.size == pytest.approx(floor.size_m)  # its floor, not its walls
    zones = {o.name: o.forbidden for o in domain.objects if o.role is Role.ZONE}
    assert zones == {"operator_side": True, "handover": False}


def test_every_object_has_a_colour_and_a_deviation(cell: Cell) -> None:
    names = {o.name for o in cell.scene_objects(0)}
    assert set(cell.colors()) == set(cell.position_stds_m()) == names
    assert all(len(rgba) == 4 for rgba in cell.colors().values())


def test_only_frictions_that_the_cell_states_reach_the_simulator(cell: Cell) -> None:
    stated = {o.name: o.friction for o in cell.file.scene.objects if o.friction is not None}
    assert cell.frictions() == stated


def test_the_gate_gets_the_zones_and_the_period(cell: Cell) -> None:
    config = cell.gate_config()
    assert config.period_s == 0.01
    assert {z.kind for z in config.zones} == {ZoneKind.KEEP_IN, ZoneKind.KEEP_OUT}
    assert config.plugins == ()


def test_a_cell_beside_its_urdf_is_found_by_relative_path(cell: Cell, tmp_path: Path) -> None:
    if not isinstance(cell.file.robot.urdf, str):
        pytest.skip("composed: see test_composition.py")
    text = cell.path.read_text()
    urdf = cell.robot_spec().urdf
    (tmp_path / "robot.urdf").write_bytes(urdf.read_bytes())
    moved = tmp_path / "own.yaml"
    moved.write_text(text.replace(cell.file.robot.urdf, "robot.urdf"))
    assert Cell.load(moved).robot_spec().urdf == (tmp_path / "robot.urdf").resolve()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_planner_is_told_what_moves_by_itself(name: str) -> None:
    cell = Cell.load(name)
    fast = {o.name for o in cell.scene_objects(0) if o.max_speed_m_s > 0.0}
    assert {o.name for o in cell.domain(0).objects if o.moves} == fast != set()
