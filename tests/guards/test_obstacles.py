"""A scene is flattened to parts that hold it, inflated by what is not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.guards.closed_loop import NOW_NS, ball, box, rod, seen_at

from interlock.guards.config import GateConfig
from interlock.guards.obstacles import flatten
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
    assert found.is_box.tolist() == [True, False]
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
    "what", ["owner", "is_zone", "is_box", "rot", "pos", "half", "a", "b", "inflation_m"]
)
def test_the_digest_covers_every_number(what):
    found = flatten(seen_at([box("b", [1, 2, 3], [0.1, 0.2, 0.3])], NOW_NS), CONFIG, NOW_NS, None)
    value = getattr(found, what)
    if what == "owner":
        other = ("c",)
    elif value.dtype == bool:
        other = ~value
    else:
        other = np.nextafter(value, 9.0)
    assert replace(found, **{what: other}).digest != found.digest
