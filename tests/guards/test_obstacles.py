"""A scene is flattened to parts that hold it, inflated by what is not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.guards.closed_loop import NOW_NS, WEDGE, ball, box, hull, plane, rod, seen_at

from interlock.guards.config import GateConfig
from interlock.guards.obstacles import flatten
from interlock.guards.part_kind import BOX, HALF_SPACE, HULL, SEGMENT
from interlock.hal.scene import Box, Capsule, ObjectKind, Part, SceneObject, Sphere
from interlock.hal.zone import Zone, ZoneKind

CONFIG = GateConfig(period_s=0.01, environment_margin_m=0.008, position_sigmas=3.0)
QUARTER = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
TIPPED = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])


def test_no_objects_and_no_zones_give_no_parts():
    found = flatten(seen_at([], NOW_NS), CONFIG, NOW_NS, None)
    assert found.owner == ()
    assert found.rot.shape == (0, 3, 3)
    assert found.a.shape == (0, 3)


def test_a_box_keeps_its_pose_and_a_ball_its_radius():
    scene = seen_at(
        [box("b", [1, 2, 3], [0.1, 0.2, 0.3], rotation=QUARTER), ball("s", [4, 5, 6], 0.7)], NOW_NS
    )
    found = flatten(scene, CONFIG, NOW_NS, None)
    assert found.owner == ("b", "s")
    assert found.kind.tolist() == [BOX, SEGMENT]
    np.testing.assert_array_equal(found.rot[0], QUARTER)
    np.testing.assert_array_equal(found.pos, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(found.half[0], [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(found.a[1], found.b[1])
    np.testing.assert_allclose(found.inflation_m, [0.008, 0.708])


def test_a_capsule_lies_along_its_own_z_axis():
    found = flatten(seen_at([rod("r", [1, 0, 0], 0.05, 0.4, rotation=TIPPED)], NOW_NS), CONFIG, NOW_NS, None)
    np.testing.assert_allclose(sorted([found.a[0].tolist(), found.b[0].tolist()]), [[0.8, 0, 0], [1.2, 0, 0]])
    np.testing.assert_allclose(found.inflation_m, 0.058)


def test_every_part_of_an_object_stands_where_both_poses_put_it():
    aside = np.eye(4)
    aside[:3, 3] = [0.1, 0.0, 0.0]
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = QUARTER, [1.0, 1.0, 0.0]
    parts = (
        Part(shape=Box(half_extents_m=[0.1, 0.1, 0.1]), part_in_object=aside),
        Part(shape=Sphere(radius_m=0.2), part_in_object=np.eye(4)),
        Part(shape=Capsule(radius_m=0.2, length_m=0.2), part_in_object=aside),
    )
    thing = SceneObject(
        name="t",
        kind=ObjectKind.FIXED,
        parts=parts,
        object_in_world=pose,
        position_std_m=0.0,
        max_speed_m_s=0.0,
        stamp_ns=NOW_NS,
    )
    found = flatten(seen_at([thing], NOW_NS), CONFIG, NOW_NS, None)
    assert found.owner == ("t", "t", "t")
    np.testing.assert_allclose(found.pos, [[1.0, 1.1, 0.0], [1.0, 1.0, 0.0], [1.0, 1.1, 0.0]], atol=1e-12)


def test_inflates_by_margin_deviation_and_what_it_may_have_moved_since_it_was_seen():
    thing = ball("s", [0, 0, 0], 0.05, std_m=0.002, speed_m_s=0.25, kind=ObjectKind.MOVING)
    found = flatten(seen_at([thing], NOW_NS, age_ns=80_000_000), CONFIG, NOW_NS, None)
    np.testing.assert_allclose(found.inflation_m, 0.05 + 0.008 + 3 * 0.002 + 0.25 * 0.08)
    np.testing.assert_allclose(found.speed_m_s, 0.25)


def test_a_keep_out_zone_is_a_box_with_the_same_margin_and_a_keep_in_zone_is_not_there():
    zones = (
        Zone(name="out", kind=ZoneKind.KEEP_OUT, lower=[0, 0, 0], upper=[1, 2, 4]),
        Zone(name="in", kind=ZoneKind.KEEP_IN, lower=[0, 0, 0], upper=[1, 2, 4]),
    )
    found = flatten(seen_at([], NOW_NS), replace(CONFIG, zones=zones), NOW_NS, None)
    assert found.owner == ("out",)
    assert found.is_zone.all()
    np.testing.assert_allclose(found.pos, [[0.5, 1, 2]])
    np.testing.assert_allclose(found.half, [[0.5, 1, 2]])
    np.testing.assert_allclose(found.inflation_m, CONFIG.environment_margin_m)
    np.testing.assert_allclose(found.speed_m_s, 0.0)


def test_what_is_held_is_left_out_and_nothing_else():
    scene = seen_at([ball("a", [0, 0, 0], 0.1), ball("b", [0, 0, 0], 0.1)], NOW_NS)
    assert flatten(scene, CONFIG, NOW_NS, "a").owner == ("b",)
    assert flatten(scene, CONFIG, NOW_NS, None).owner == ("a", "b")


@pytest.mark.parametrize(
    "what",
    [
        "owner",
        "is_zone",
        "kind",
        "rot",
        "pos",
        "half",
        "a",
        "b",
        "inflation_m",
        "span",
        "facets",
        "edges",
        "corners",
    ],
)
def test_the_digest_covers_every_number(what):
    things = [box("b", [1, 2, 3], [0.1, 0.2, 0.3]), hull("h", [0, 0, 0], WEDGE)]
    found = flatten(seen_at(things, NOW_NS), CONFIG, NOW_NS, None)
    value = getattr(found, what)
    if what == "owner":
        other = ("c", "h")
    elif value.dtype == bool:
        other = ~value
    elif value.dtype.kind == "i":
        other = value + value.dtype.type(1)
    else:
        other = np.nextafter(value, 9.0)
    assert replace(found, **{what: other}).digest != found.digest


def test_hulls_share_tables_and_each_keeps_its_own_rows():
    cube = 0.1 * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    things = [
        hull("wedge", [1, 2, 3], WEDGE, rotation=QUARTER),
        ball("s", [0, 0, 0], 0.1),
        hull("cube", [4, 5, 6], cube),
    ]
    found = flatten(seen_at(things, NOW_NS), CONFIG, NOW_NS, None)
    assert found.kind.tolist() == [HULL, SEGMENT, HULL]
    assert found.span.tolist() == [[0, 5, 0, 9, 0, 6], [0] * 6, [5, 11, 9, 21, 6, 14]]
    np.testing.assert_array_equal(found.rot[0], QUARTER)
    np.testing.assert_array_equal(found.corners[6:], cube)
    np.testing.assert_allclose(found.inflation_m, [0.008, 0.108, 0.008])


def test_a_hull_stands_where_its_vertices_are_however_far_off_their_frame_is():
    away = np.array([900.0, -950.0, 999.0])
    things = [
        hull("near", [1, 2, 3], WEDGE, rotation=QUARTER),
        hull("far", QUARTER @ -away + [1, 2, 3], WEDGE + away, rotation=QUARTER),
    ]
    found = flatten(seen_at(things, NOW_NS), CONFIG, NOW_NS, None)
    np.testing.assert_allclose(found.pos[0], found.pos[1], atol=1e-12)
    np.testing.assert_allclose(found.corners[:6], found.corners[6:], atol=1e-12)
    where = found.pos[0] + found.corners[:6] @ found.rot[0].T
    np.testing.assert_allclose(where, np.array(WEDGE) @ QUARTER.T + [1, 2, 3], atol=1e-12)


def test_a_half_space_keeps_a_point_of_its_plane_and_its_normal():
    thing = plane("wall", [0.5, 0, 0], [0, 1.0, 0], 0.25, rotation=QUARTER)
    found = flatten(seen_at([thing], NOW_NS), CONFIG, NOW_NS, None)
    assert found.kind.tolist() == [HALF_SPACE]
    np.testing.assert_allclose(found.rot[0, :, 2], [-1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(found.pos[0], [0.25, 0, 0], atol=1e-15)
    np.testing.assert_allclose(found.rot[0].T @ found.rot[0], np.eye(3), atol=1e-15)


def test_a_ball_about_each_part_holds_it_and_none_holds_a_half_space():
    things = [
        box("b", [1, 2, 3], [0.1, 0.2, 0.2]),
        rod("r", [1, 0, 0], 0.05, 0.4),
        hull("h", [0, 1, 0], WEDGE),
        plane("p", [0, 0, 0], [0, 0, 1.0], 0.0),
    ]
    centre, size = flatten(seen_at(things, NOW_NS), CONFIG, NOW_NS, None).balls()
    middle = (np.min(WEDGE, axis=0) + np.max(WEDGE, axis=0)) / 2.0
    np.testing.assert_allclose(centre[:3], [[1, 2, 3], [1, 0, 0], np.add([0, 1, 0], middle)])
    np.testing.assert_allclose(size, [0.3, 0.2, np.linalg.norm(WEDGE - middle, axis=1).max(), np.inf])
