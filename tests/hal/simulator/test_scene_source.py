from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from interlock.hal.motion import ShuttleMotion
from interlock.hal.robot import RobotSpec
from interlock.hal.simulator.scene_source import SimulatedSceneSource

Build = Callable[..., Any]
MOTION = ShuttleMotion(
    start=np.array([0.5, -0.4, 0.6]), end=np.array([0.5, 0.4, 0.6]), max_speed_m_s=0.25, phase_rad=0.3
)


def make(build: Build, panda: RobotSpec, scene: Any) -> Any:
    objects = (
        scene.table(),
        scene.pillar([0.6, 0.2, 0.15]),
        scene.block("red", [0.5, -0.2, 0.03]),
        scene.ball([0.0, 0.0, 0.0]),
    )
    arm = build(panda, *objects, motions={"ball": MOTION}, seed=3)
    arm.objects = objects
    return arm


def offsets(arm: Any, source: SimulatedSceneSource, ticks: int) -> dict[str, np.ndarray]:
    seen: dict[str, list[Any]] = {item.name: [] for item in arm.objects}
    for _ in range(ticks):
        for item in source.snapshot().objects:
            seen[item.name].append(item.object_in_world[:3, 3] - arm.world.object_in_world(item.name)[:3, 3])
        arm.wait(1)
    return {name: np.array(values) for name, values in seen.items()}


def test_noise_is_zero_mean_of_the_declared_size_and_never_beyond_3_sigma(
    build: Build, panda: RobotSpec, scene: Any
) -> None:
    arm = make(build, panda, scene)
    noise = offsets(arm, SimulatedSceneSource(arm.world, arm.objects), 300)["ball"]
    assert np.linalg.norm(noise, axis=1).max() <= 3.0 * 0.002
    assert np.abs(noise.mean(axis=0)).max() < 0.0004
    assert np.all((noise.std(axis=0) > 0.0016) & (noise.std(axis=0) < 0.0022))


def test_fixed_objects_are_seen_once_movable_ones_every_50_ms_moving_ones_every_period(
    build: Build, panda: RobotSpec, scene: Any
) -> None:
    arm = make(build, panda, scene)
    noise = offsets(arm, SimulatedSceneSource(arm.world, arm.objects), 20)
    looks = {name: len({tuple(np.round(row, 12)) for row in values}) for name, values in noise.items()}
    assert looks == {"table": 1, "pillar": 1, "red": 4, "ball": 20}


def test_noise_depends_on_seed_and_time_and_not_on_who_looks(
    build: Build, panda: RobotSpec, scene: Any
) -> None:
    arm = make(build, panda, scene)
    often, once, other = (SimulatedSceneSource(arm.world, arm.objects, seed) for seed in (3, None, 4))
    offsets(arm, often, 11)
    places = [
        np.concatenate([o.object_in_world for o in source.snapshot().objects])
        for source in (often, once, other)
    ]
    assert np.array_equal(places[0], places[1])
    assert not np.array_equal(places[0], places[2])


def test_orientation_is_exact_and_the_stamp_is_now(build: Build, panda: RobotSpec, scene: Any) -> None:
    arm = make(build, panda, scene)
    arm.wait(7)
    snapshot = SimulatedSceneSource(arm.world, arm.objects).snapshot()
    assert snapshot.stamp_ns == 70_000_000
    for item, declared in zip(snapshot.objects, arm.objects, strict=True):
        assert item.stamp_ns == 70_000_000
        assert np.array_equal(item.object_in_world[:3, :3], arm.world.object_in_world(item.name)[:3, :3])
        assert (item.kind, item.max_speed_m_s) == (declared.kind, declared.max_speed_m_s)
