from __future__ import annotations

import math
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, ObjectKind, Part, Scene, SceneObject
from interlock.traces.encoding import unpacked
from interlock.traces.foxglove import SCENE_UPDATE
from interlock.traces.scene_log import SceneLog


def test_solids_are_told_once_and_poses_every_time(synthetic: ModuleType) -> None:
    log = SceneLog()
    first, second = (log.record(synthetic.scene(t)) for t in (0, 40_000_000))
    assert [o["parts"] is None for o in first["objects"]] == [False, False]
    assert [o["parts"] is None for o in second["objects"]] == [True, True]
    ball = synthetic.scene(40_000_000).find("ball")
    assert unpacked(second["objects"][1]["pose"]).tobytes() == ball.object_in_world.tobytes()


def test_solid_that_changes_is_told_again(synthetic: ModuleType) -> None:
    log = SceneLog()
    scene = synthetic.scene(0)
    log.record(scene)
    wider = (Part(shape=Box(half_extents_m=np.array([0.1, 0.1, 0.1])), part_in_object=np.eye(4)),)
    changed = replace(scene, objects=(replace(scene.objects[0], parts=wider), scene.objects[1]))
    assert [o["parts"] is None for o in log.record(changed)["objects"]] == [False, True]


def test_markers_come_ten_times_a_second_at_most(synthetic: ModuleType) -> None:
    log = SceneLog()
    drawn = [log.markers(synthetic.scene(t * 10_000_000)) is not None for t in range(100)]
    assert sum(drawn) == 10


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 2, 3.0, math.pi])
def test_markers_carry_the_pose_of_each_part(angle: float) -> None:
    c, s = math.cos(angle), math.sin(angle)
    pose = np.array([[c, -s, 0, 1.0], [s, c, 0, 2.0], [0, 0, 1, 3.0], [0, 0, 0, 1]])
    thing = SceneObject(
        name="post",
        kind=ObjectKind.FIXED,
        parts=(Part(shape=Capsule(radius_m=0.1, length_m=1.0), part_in_object=np.eye(4)),),
        object_in_world=pose,
        position_std_m=0.0,
        max_speed_m_s=0.0,
        stamp_ns=0,
    )
    log = SceneLog()
    log.move_tool((0.1, 0.2, 0.3))
    update = log.markers(Scene(stamp_ns=0, objects=(thing,)))
    assert update is not None
    entity, tool = update["entities"]
    turn = entity["cylinders"][0]["pose"]["orientation"]
    assert turn["w"] ** 2 + turn["z"] ** 2 == pytest.approx(1.0)
    assert 2 * math.atan2(turn["z"], turn["w"]) == pytest.approx(angle, abs=1e-9)
    assert [ball["pose"]["position"]["z"] for ball in entity["spheres"]] == [2.5, 3.5]
    assert tool["spheres"][0]["pose"]["position"] == {"x": 0.1, "y": 0.2, "z": 0.3}


def test_markers_draw_a_hull_and_a_half_space_where_they_are() -> None:
    tetrahedron = ConvexHull(vertices_m=[[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    slope = HalfSpace(normal=[0.6, 0.0, 0.8], offset_m=0.5)
    pose = np.eye(4)
    pose[:3, 3] = 1.0, 2.0, 3.0
    thing = SceneObject(
        name="both",
        kind=ObjectKind.FIXED,
        parts=tuple(Part(shape=shape, part_in_object=np.eye(4)) for shape in (tetrahedron, slope)),
        object_in_world=pose,
        position_std_m=0.0,
        max_speed_m_s=0.0,
        stamp_ns=0,
    )
    update = SceneLog().markers(Scene(stamp_ns=0, objects=(thing,)))
    assert update is not None
    Draft202012Validator(SCENE_UPDATE).validate(update)
    entity = update["entities"][0]
    drawn, board = entity["triangles"][0], entity["cubes"][0]
    assert drawn["pose"]["position"] == {"x": 1.0, "y": 2.0, "z": 3.0}
    points = np.array([[p["x"], p["y"], p["z"]] for p in drawn["points"]])
    corners = points[np.array(drawn["indices"]).reshape(-1, 3)]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (
        np.einsum("ij,ij->i", normals, corners[:, 0] - points.mean(axis=0)) > 0.0
    ).all()  # seen from outside
    middle = np.array([board["pose"]["position"][axis] for axis in "xyz"]) - pose[:3, 3]
    assert middle @ slope.normal == pytest.approx(slope.offset_m - board["size"]["z"] / 2.0)


class Torus:
    """A shape of somebody else's."""


def test_a_shape_that_is_not_known_is_told_and_not_drawn(synthetic: ModuleType) -> None:
    scene, log = synthetic.scene(0), SceneLog()
    strange = (Part(shape=Torus(), part_in_object=np.eye(4)),)  # type: ignore[arg-type]
    scene = replace(scene, objects=(replace(scene.objects[0], parts=strange), scene.objects[1]))
    (told,) = log.record(scene)["objects"][0]["parts"]
    assert (told["shape"], told["class"]) == ("unknown", "Torus")
    update = log.markers(scene)
    assert update is not None
    Draft202012Validator(SCENE_UPDATE).validate(update)
    drawn = [entity["cubes"] + entity["spheres"] + entity["cylinders"] for entity in update["entities"]]
    assert [bool(solids) for solids in drawn] == [False, True]
