from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.policy.stream.bodies import context_in, observe

from interlock.hal.frame import Frame
from interlock.hal.scene import Box, ObjectKind, Part, Scene, SceneObject
from interlock.policy.observation import Observation
from interlock.policy.uncertainty.corruption import Corruption, corrupted

PICTURE = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype=np.uint8)


def thing(name: str, kind: ObjectKind = ObjectKind.MOVABLE) -> SceneObject:
    part = Part(shape=Box(half_extents_m=np.full(3, 0.02)), part_in_object=np.eye(4))
    return SceneObject(
        name=name,
        kind=kind,
        parts=(part,),
        object_in_world=np.eye(4),
        position_std_m=0.0,
        max_speed_m_s=0.0,
        stamp_ns=0,
    )


@pytest.fixture
def seen() -> Observation:
    plain = observe(context_in("joint_position").robot.home)
    frames = (
        Frame(camera="front", stamp_ns=0, rgb=PICTURE, role="base"),
        Frame(camera="hand", stamp_ns=0, rgb=PICTURE[:, ::2], role="wrist"),
    )
    task = replace(plain.task, skill="pick", arguments={"object": "red_block"}, step="pick up the red block")
    names = (thing("red_block"), thing("green_block"), thing("tray", ObjectKind.FIXED))
    return replace(plain, frames=frames, task=task, scene=Scene(stamp_ns=0, objects=names))


def changed(how: Corruption, seen: Observation) -> Observation:
    made = corrupted(how, seen, replace(seen, frames=seen.frames[::-1]))
    assert made is not None
    return made


def test_each_thing_wrong_with_pictures_is_what_its_name_says(seen: Observation) -> None:
    pictures = {how: changed(how, seen).frames[0].rgb for how in Corruption}
    assert not pictures[Corruption.BLACK].any()
    np.testing.assert_array_equal(pictures[Corruption.FROZEN], PICTURE[:, ::2])
    np.testing.assert_array_equal(pictures[Corruption.MIRRORED][:, 0], PICTURE[:, -1])
    np.testing.assert_array_equal(pictures[Corruption.BGR][..., 0], PICTURE[..., 2])
    np.testing.assert_array_equal(pictures[Corruption.SHIFTED][:, 12:], PICTURE[:, :-12])
    np.testing.assert_array_equal(pictures[Corruption.SHIFTED][:, 5], PICTURE[:, 0])


@pytest.mark.parametrize("how", Corruption)
def test_only_what_is_named_goes_wrong(how: Corruption, seen: Observation) -> None:
    made = changed(how, seen)
    words = how is Corruption.INSTRUCTION
    assert (made.task == seen.task) == (not words)
    assert (made.frames is seen.frames) == words
    assert [(frame.role, frame.rgb.shape, frame.rgb.dtype) for frame in made.frames if not words] == [
        (frame.role, frame.rgb.shape, frame.rgb.dtype)
        for frame in (seen.frames[::-1] if how is Corruption.FROZEN else seen.frames)
        if not words
    ]
    assert (made.state, made.scene, made.task.arguments, made.task.phase) == (
        seen.state, seen.scene, seen.task.arguments, seen.task.phase,
    )  # fmt: skip


def test_a_wrong_instruction_names_another_object_or_another_skill(seen: Observation) -> None:
    assert changed(Corruption.INSTRUCTION, seen).task.step == "pick up the green block"
    asked = replace(seen, task=replace(seen.task, step="take the red block"))
    assert changed(Corruption.INSTRUCTION, asked).task.step == "take the green block"
    asked = replace(seen, task=replace(seen.task, step="take the crimson block"))
    assert changed(Corruption.INSTRUCTION, asked).task.step == "pick up the green block"
    alone = replace(seen, scene=Scene(stamp_ns=0, objects=(thing("red_block"),)))
    assert changed(Corruption.INSTRUCTION, alone).task.step == "go home"
    home = replace(seen, task=replace(seen.task, skill="home", arguments={}, step="go home"))
    assert corrupted(Corruption.INSTRUCTION, home, home) is None


def test_a_policy_without_cameras_has_no_wrong_pictures(seen: Observation) -> None:
    blind = replace(seen, frames=())
    assert [how for how in Corruption if corrupted(how, blind, blind)] == [Corruption.INSTRUCTION]
