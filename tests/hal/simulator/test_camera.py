from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from interlock.hal.camera_spec import CameraSpec
from interlock.hal.robot import RobotSpec
from interlock.hal.simulator.camera import SimulatedCamera

Build = Callable[..., Any]


def test_sees_a_red_block_where_it_looks(build: Build, panda: RobotSpec, scene: Any) -> None:
    red = scene.block("red", [0.6, 0.0, 0.05], (0.05, 0.05, 0.05))
    arm = build(panda, scene.table(), red, colors={"red": (0.9, 0.05, 0.05, 1.0)})
    arm.wait(1)
    camera = SimulatedCamera(
        arm.world,
        spec("overhead", (0.6, -0.5, 0.6), (0.6, 0.0, 0.05), fov_deg=40.0, width=96, height=64),
    )
    frame = camera.capture()
    assert (frame.camera, frame.stamp_ns) == ("overhead", 10_000_000)
    assert frame.rgb.shape == (64, 96, 3)
    assert frame.rgb.dtype == np.uint8
    r, g, b = frame.rgb[30:34, 46:50].reshape(-1, 3).mean(axis=0)
    assert r > 2.0 * max(g, b)


def test_taking_a_picture_changes_nothing_in_the_world(build: Build, panda: RobotSpec) -> None:
    arms = build(panda), build(panda)
    camera = SimulatedCamera(arms[0].world, spec("side", (1.0, 1.0, 1.0), (0.0, 0.0, 0.3)))
    for k in range(10):
        camera.capture()
        for arm in arms:
            arm.step(np.full(7, 0.5 - 0.1 * k))
    states = [arm.world.driver.observe() for arm in arms]
    assert np.array_equal(states[0].q, states[1].q)


def spec(
    name: str,
    eye: Any,
    target: Any,
    *,
    fov_deg: float = 60.0,
    width: int = 32,
    height: int = 32,
    link: str = "",
) -> CameraSpec:
    return CameraSpec(
        name=name,
        width_px=width,
        height_px=height,
        vertical_fov_deg=fov_deg,
        eye_m=eye,
        target_m=target,
        rate_hz=10.0,
        role="base",
        link=link,
    )
