from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from interlock.errors import RobotModelError
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.look import Light, Look, Pattern, Texture
from interlock.hal.robot import RobotSpec
from interlock.hal.simulator.camera import SimulatedCamera
from interlock.hal.simulator.mirror import MirrorPlan
from interlock.hal.simulator.mirror_cameras import MirrorCameras
from interlock.hal.simulator.paint import paint
from interlock.hal.simulator.posture import stand

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


@pytest.mark.parametrize("link", ["", "panda_hand"])
def test_camera_matrix_takes_a_point_to_where_it_is_drawn(
    build: Build, panda: RobotSpec, scene: Any, link: str
) -> None:
    place = np.array([0.6, 0.06, 0.03])
    red = scene.block("red", place.tolist(), (0.02, 0.02, 0.02))
    arm = build(panda, scene.table(), red, colors={"red": (0.9, 0.05, 0.05, 1.0)})
    eye, target = ((-0.1, 0.0, 0.0), (0.0, 0.0, 0.4)) if link else ((0.9, -0.5, 0.6), (0.5, 0.1, 0.05))
    frame = SimulatedCamera(arm.world, spec("c", eye, target, width=160, height=120, link=link)).capture()
    assert frame.projection is not None
    column, row, depth = frame.projection @ [*place, 1.0]
    assert depth > 0.0
    rgb = frame.rgb.astype(float)
    rows, columns = np.nonzero(rgb[..., 0] > 2.0 * rgb[..., 1:].max(axis=-1))
    assert column / depth == pytest.approx((columns.mean() + 0.5) / 160, abs=0.01)
    assert row / depth == pytest.approx((rows.mean() + 0.5) / 120, abs=0.01)


def test_taking_a_picture_changes_nothing_in_the_world(build: Build, panda: RobotSpec) -> None:
    arms = build(panda), build(panda)
    camera = SimulatedCamera(arms[0].world, spec("side", (1.0, 1.0, 1.0), (0.0, 0.0, 0.3)))
    for k in range(10):
        camera.capture()
        for arm in arms:
            arm.step(np.full(7, 0.5 - 0.1 * k))
    states = [arm.world.driver.observe() for arm in arms]
    assert np.array_equal(states[0].q, states[1].q)


def test_a_camera_on_a_link_goes_where_the_link_goes(build: Build, panda: RobotSpec, scene: Any) -> None:
    arm = build(panda, scene.table())
    wrist = spec("wrist", (-0.1, 0.0, 0.03), (0.01, 0.0, 0.13), link="panda_hand")
    cameras = SimulatedCamera(arm.world, wrist), SimulatedCamera(arm.world, BASE)
    before = [camera.capture().rgb for camera in cameras]
    stand(arm.world.body, arm.world.bodies, replace(arm.world.posture(), joints=(0.8, *[0.0] * 8)))
    after = [camera.capture().rgb for camera in cameras]
    assert all((one != other).any() for one, other in zip(before, after, strict=True))
    assert cameras[0].capture().role == "base"


def test_refuses_a_camera_on_a_link_that_is_not_there(build: Build, panda: RobotSpec) -> None:
    with pytest.raises(RobotModelError, match=r"cameras.wrist.link.*hand_of_god"):
        SimulatedCamera(build(panda).world, spec("wrist", (0.1, 0, 0), (0, 0, 1), link="hand_of_god"))


def test_pictures_are_the_same_for_the_same_world_and_differ_when_a_block_moves(
    build: Build, panda: RobotSpec, scene: Any
) -> None:
    def seen(x: float) -> Any:
        red = scene.block("red", [x, 0.0, 0.05], (0.05, 0.05, 0.05))
        arm = build(panda, scene.table(), red, colors={"red": (0.9, 0.05, 0.05, 1.0)}, look=LOOK)
        return SimulatedCamera(arm.world, BASE, LOOK).capture().rgb

    assert (seen(0.6) == seen(0.6)).all()
    assert (seen(0.6) != seen(0.57)).any()


@pytest.mark.parametrize(
    "change",
    [
        {"light": Light(direction=(1, 0, 1), color=(1, 1, 1), ambient=0.3, diffuse=0.6, specular=0.1)},
        {"background": ((0.1, 0.2, 0.3), (0.9, 0.8, 0.7))},
        {
            "textures": {
                "table": Texture(
                    pattern=Pattern.DOTS, first=(0.9, 0.1, 0.1), second=(0.1, 0.1, 0.9), count=20, seed=1
                )
            }
        },
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_a_look_says_is_seen_and_nothing_else_changes(
    build: Build, panda: RobotSpec, scene: Any, change: Any
) -> None:
    arms = [build(panda, scene.table(), look=look) for look in (LOOK, replace(LOOK, **change))]
    pictures = [
        SimulatedCamera(arm.world, BASE, look).capture().rgb
        for arm, look in zip(arms, (LOOK, replace(LOOK, **change)), strict=True)
    ]
    assert (pictures[0] != pictures[1]).any()
    for arm in arms:
        arm.step(np.full(7, 0.4))
    assert arms[0].world.driver.observe().q.tolist() == arms[1].world.driver.observe().q.tolist()


@pytest.mark.parametrize("pattern", list(Pattern))
def test_a_texture_is_painted_the_same_each_time_in_its_two_colours(pattern: Pattern) -> None:
    texture = Texture(pattern=pattern, first=(1.0, 0.0, 0.0), second=(0.0, 0.0, 1.0), count=8, seed=3)
    picture = paint(texture)
    assert (picture == paint(texture)).all()
    assert (picture[:, :, 1] == 0).all()
    assert np.ptp(picture[:, :, 0]) > 100


def test_a_mirror_shows_what_the_world_shows_and_its_death_means_no_pictures(
    build: Build, panda: RobotSpec, scene: Any
) -> None:
    red = scene.block("red", [0.6, 0.0, 0.05], (0.05, 0.05, 0.05))
    world = build(panda, scene.table(), red, look=LOOK).world
    plan = MirrorPlan(robot=panda, objects=world.objects, colors={}, cameras=(BASE,), look=LOOK)
    mirror = MirrorCameras(plan, world.posture())
    try:
        direct = SimulatedCamera(world, BASE, LOOK).capture()
        (frame,) = mirror.frames()
        assert (frame.rgb == direct.rgb).all()
        assert (frame.camera, frame.role, frame.stamp_ns) == ("base", "base", world.now_ns)
        assert mirror.pid is not None
        os.kill(mirror.pid, signal.SIGKILL)
        mirror.wait_end(30.0)
        for _ in range(3):
            mirror.send(world.posture())
        assert mirror.frames() == ()
        assert not mirror.alive
    finally:
        mirror.close()


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


BASE = spec("base", (0.9, -0.5, 0.6), (0.5, 0.0, 0.05))
LOOK = Look()
