"""What the expert remembers of a noisy scene."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.hal.scene import Box, ObjectKind, Part, Scene, SceneObject
from interlock.policy.scene_memory import SceneMemory


def seen(position: np.ndarray, stamp_ns: int, kind: ObjectKind = ObjectKind.MOVABLE) -> Scene:
    pose = np.eye(4)
    pose[:3, 3] = position
    thing = SceneObject(
        name="thing",
        kind=kind,
        parts=(Part(shape=Box(half_extents_m=[0.02, 0.02, 0.03]), part_in_object=np.eye(4)),),
        object_in_world=pose,
        position_std_m=0.002,
        max_speed_m_s=0.25 if kind is ObjectKind.MOVING else 0.0,
        stamp_ns=stamp_ns,
    )
    return Scene(stamp_ns=stamp_ns, objects=(thing,))


def place(scene: Scene) -> np.ndarray:
    return scene.objects[0].object_in_world[:3, 3]


def test_averaging_comes_nearer_than_one_look() -> None:
    memory, draw, true = SceneMemory(), np.random.default_rng(0), np.array([0.5, 0.1, 0.03])
    for k in range(20):
        remembered = memory.see(seen(true + draw.normal(0.0, 0.002, 3), k))
    assert np.linalg.norm(place(remembered) - true) < 0.0015


def test_a_moved_thing_is_believed_at_once() -> None:
    memory = SceneMemory()
    for k in range(5):
        memory.see(seen(np.zeros(3), k))
    assert place(memory.see(seen(np.array([0.05, 0.0, 0.0]), 6)))[0] == 0.05


def test_the_same_snapshot_counts_once() -> None:
    memory = SceneMemory()
    memory.see(seen(np.zeros(3), 0))
    memory.see(seen(np.array([0.004, 0.0, 0.0]), 1))
    again = memory.see(seen(np.array([0.004, 0.0, 0.0]), 1))
    assert place(again)[0] == pytest.approx(0.002)


def test_an_obstacle_has_a_velocity_within_its_bound_and_a_trail() -> None:
    memory = SceneMemory()
    for k in range(30):
        memory.see(seen(np.array([0.02 * k, 0.0, 0.4]), k * 100_000_000, ObjectKind.MOVING))
    (obstacle,) = memory.obstacles()
    assert obstacle.velocity[0] == pytest.approx(0.2, abs=1e-3)
    assert obstacle.trail[:, 0].max() > 0.5
    memory.see(seen(np.array([5.0, 0.0, 0.4]), 3_100_000_000, ObjectKind.MOVING))
    assert np.linalg.norm(memory.obstacles()[0].velocity) <= 0.25 + 1e-9


def test_the_grip_is_averaged_in_the_tool_frame() -> None:
    memory, draw = SceneMemory(), np.random.default_rng(1)
    tool = np.eye(4)
    for k in range(15):
        tool[:3, 3] = 0.01 * k, 0.0, 0.3
        item = seen(tool[:3, 3] + [0.0, 0.0, -0.015] + draw.normal(0.0, 0.002, 3), k).objects[0]
        grip = memory.see_grip(item, tool)
    assert grip[:3, 3] == pytest.approx([0.0, 0.0, -0.015], abs=0.0015)
    assert memory.has_grip("thing")
    memory.forget_grip()
    assert memory.grip() is None
