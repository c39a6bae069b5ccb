from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.policy.training.taught import BODY, PROJECTION, write_set

from interlock.errors import BadInputError, CheckpointError
from interlock.hal.embodiment import ChannelKind, Reference
from interlock.policy.training import lessons
from interlock.policy.training.lessons import Lesson, Lessons
from interlock.policy.training.material import Material
from interlock.policy.training.photometry import Photometry
from interlock.policy.training.stage import Stage
from interlock.policy.training.word_noise import WordNoise
from interlock.policy.vla.model import QwenVla
from interlock.policy.vla.preset import preset
from interlock.policy.vla.relation import PAST_S, POSE_WIDTH
from interlock.policy.vla.slots import LENGTH_SCALE_M
from interlock.policy.vla.statistics import Statistics


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = write_set(tmp_path_factory.mktemp("sets") / "numbers")
    return Material.load((folder,), held_out=0.34, seed=1)


def lessons_of(material: Material, name: str) -> Lessons:
    config = preset(name)
    return Lessons(material.sets, config, material.tokenizer(config), material.statistics({}))


def test_whole_episodes_are_put_aside_and_the_rest_is_learned_from(material: Material) -> None:
    aside = {lesson.frame // 4 for lesson in material.looked_at}
    assert len(material.looked_at) == 8
    assert not aside & {lesson.frame // 4 for lesson in material.taught}
    assert len(material.taught) + len(material.looked_at) == 24


def test_the_skills_that_are_shown_are_told(material: Material) -> None:
    statistics = material.statistics({})
    assert statistics.bodies[0].skills == ("pick",)
    assert Statistics.from_json(json.loads(json.dumps(statistics.to_json()))) == statistics


def test_actions_are_the_experts_in_the_models_numbers(material: Material) -> None:
    lessons = lessons_of(material, "smoke")
    batch = lessons.batch([Lesson(0, 3), Lesson(0, 7)])
    assert batch.actions.shape == (2, 16, 16)
    assert not batch.actions[:, 8:].any()
    assert not batch.actions[:, :, 4:].any()
    way, width = lessons.errors(Lesson(0, 3), batch.actions[0].numpy())
    assert (way, width) == pytest.approx((0.0, 0.0), abs=1e-3)
    other = batch.actions[0].numpy().copy()
    shifted = material.sets[0].chunk[3].copy()
    shifted[-1, 0] += 0.001
    other[:8, :4] = material.statistics({}).bodies[0].scale_actions(shifted)
    assert lessons.errors(Lesson(0, 3), other)[0] == pytest.approx(1.0, rel=0.01)


def test_grounding_is_where_the_camera_draws_it_and_where_it_stands_from_the_base(material: Material) -> None:
    batch = lessons_of(material, "smoke").batch([Lesson(0, 5)])
    place = material.sets[0].task_object[0][5, :3]
    grounding = batch.grounding
    assert grounding is not None
    wanted = (place - [0.1, 0.0, 0.0]) / LENGTH_SCALE_M
    assert grounding.positions[0, 0].numpy() == pytest.approx(wanted, abs=1e-5)
    assert grounding.pixels[0, 0, 0].numpy() == pytest.approx((PROJECTION @ [*place, 1.0])[:2], abs=1e-5)
    assert grounding.pixel_mask[0].tolist()[1] == [False, False]  # nobody knew the wrist camera's matrix
    assert grounding.projections[0, 0].numpy() @ [*(LENGTH_SCALE_M * wanted), 1.0] == pytest.approx(
        PROJECTION @ [*place, 1.0], abs=1e-5
    )
    assert grounding.carried.tolist() == [[False, False]]
    assert batch.inputs.pictures is not None
    row, column = (int(128 * value) for value in reversed(place[:2].tolist()))
    assert batch.inputs.pictures[0, 0, row, column].tolist() == [220, 30, 30]


def test_stills_teach_where_things_are_and_no_motion(material: Material, tmp_path: Path) -> None:
    stills = write_set(tmp_path / "stills", episodes=3, seed=5, still=True)
    both = Material.load((material.sets[0].folder, stills), held_out=0.34, seed=1)
    assert both.looked_at == material.looked_at
    assert len(both.taught) == len(material.taught) + 12
    assert both.statistics({}) == material.statistics({})
    assert {lesson.demos for lesson in both.of(Stage.parse("t2a:1"))} == {0}
    assert {lesson.demos for lesson in Material.load((both.sets[0].folder, stills), 0.0, 1).sample(1)} == {0}
    lessons = lessons_of(both, "smoke")
    mixed, still = lessons.batch([Lesson(0, 3), Lesson(1, 3)]), lessons.batch([Lesson(1, 3)])
    assert mixed.acts is not None
    assert mixed.acts.tolist() == [True, False]
    torch.manual_seed(0)
    model = QwenVla(preset("smoke"))
    parts = model.loss(still, torch.Generator().manual_seed(0), draws=2)
    parts.total.backward()
    assert (float(parts.action), float(parts.grounding) > 0.0) == (0.0, True)
    assert not any(p.grad is not None and p.grad.any() for p in model.decoder.blocks.parameters())

    def action(acts: list[bool] | None, actions: torch.Tensor = mixed.actions) -> float:
        chosen = None if acts is None else torch.tensor(acts)
        batch = replace(mixed, acts=chosen, actions=actions)
        return float(model.loss(batch, torch.Generator().manual_seed(0), draws=2).action)

    assert 0.5 * (action([True, False]) + action([False, True])) == pytest.approx(action(None))
    other = mixed.actions + torch.tensor([0.0, 1.0])[:, None, None]
    assert action([True, False], other) == action([True, False])


def test_camera_that_the_tool_carries_is_known_by_its_matrices(tmp_path: Path) -> None:
    many = write_set(tmp_path / "many", wrist=True)
    one = write_set(tmp_path / "one", 1, 1, still=True, wrist=True)
    lessons = lessons_of(Material.load((many, one), 0.0, seed=1), "smoke")
    grounding = lessons.batch([Lesson(0, 0), Lesson(1, 0)]).grounding
    assert grounding is not None
    assert grounding.carried.tolist() == [[False, True], [False, False]]  # one frame shows nothing


def test_words_are_changed_for_learning_alone(material: Material) -> None:
    lessons = lessons_of(material, "smoke")
    picks = [Lesson(0, frame) for frame in range(8)]
    plain = lessons.batch(picks)
    noisy = lessons.batch(picks, words=WordNoise(np.random.default_rng(0)))
    assert torch.equal(plain.inputs.tokens, lessons.batch(picks).inputs.tokens)
    assert not torch.equal(plain.inputs.tokens, noisy.inputs.tokens)
    assert torch.equal(plain.actions, noisy.actions)


def test_stills_without_any_motion_are_refused(tmp_path: Path) -> None:
    stills = write_set(tmp_path / "stills", episodes=1, still=True)
    with pytest.raises(BadInputError, match="show no motion"):
        Material.load((stills,), held_out=0.0, seed=1)


def test_text_to_action_sees_no_picture_and_is_told_no_place(material: Material) -> None:
    batch = lessons_of(material, "smoke").batch([Lesson(0, 0)], text_only=True)
    assert batch.text_only
    assert batch.inputs.pictures is None
    assert batch.grounding is None


def test_scene_model_is_told_pose_and_size_and_shown_nothing(material: Material) -> None:
    batch = lessons_of(material, "tiny-scene").batch([Lesson(0, 5)])
    assert batch.inputs.pictures is None
    assert batch.inputs.scene is not None
    numbers = batch.inputs.scene[0, 0].numpy()
    assert numbers[3:9] == pytest.approx([1, 0, 0, 0, 1, 0])
    assert numbers[9:] * LENGTH_SCALE_M == pytest.approx([0.04, 0.04, 0.06])


def test_other_light_moves_nothing_and_follows_its_seed() -> None:
    picture = np.full((16, 16, 3), 90, np.uint8)
    picture[4:8, 4:8] = (220, 30, 30)
    changed = Photometry(np.random.default_rng(3)).change(picture)
    assert (changed == Photometry(np.random.default_rng(3)).change(picture)).all()
    assert (changed != picture).any()
    assert changed[4:8, 4:8, 0].mean() > changed[8:, 8:, 0].mean() + 60


@pytest.mark.parametrize("text", ["", "t2a", "t2a:0", "t2a:x", "rl:5", "t2a:5:a:b"])
def test_refuses_what_is_no_stage(text: str) -> None:
    with pytest.raises(BadInputError, match="KIND:STEPS"):
        Stage.parse(text)


def test_stage_is_written_as_it_is_read() -> None:
    for text in ("t2a:5", "pretrain:10", "finetune:3:panda_tabletop,xarm6_tabletop"):
        assert str(Stage.parse(text)) == text


def test_refuses_a_set_that_a_stage_names_and_nobody_has(material: Material) -> None:
    with pytest.raises(BadInputError, match="numbers"):
        material.of(Stage.parse("finetune:3:panda_tabletop"))


def test_refuses_two_sets_of_one_name(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "numbers", episodes=1)
    with pytest.raises(BadInputError, match="own name"):
        Material.load((folder, folder), held_out=0.0, seed=0)


def test_constant_that_moves_is_refused(material: Material) -> None:
    with pytest.raises(CheckpointError, match="seen elsewhere"):
        material.statistics({"tool_x": 0.0})


def test_the_way_that_the_tool_came_is_read_off_the_frame_before(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    demos = material.sets[0]
    told = lessons_of(material, "tiny-scene").batch([Lesson(0, frame) for frame in range(4, 8)]).inputs.tool
    assert told is not None
    assert not told[:, POSE_WIDTH:].any()  # these frames are all of one instant
    stamps = np.arange(len(demos)) * PAST_S
    monkeypatch.setitem(demos._numbers, "observation.time", stamps)
    ways = lessons._ways(demos)
    assert not ways[4].any()  # an episode's first
    assert ways[5:8] == pytest.approx(np.diff(demos.anchor[4:8, :3, 3], axis=0))
    waited = np.where(np.arange(len(demos)) > 5, stamps + 1.0, stamps)
    monkeypatch.setitem(demos._numbers, "observation.time", waited)
    assert not lessons._ways(demos)[6].any()


def test_the_way_is_known_at_the_first_frame_of_a_phase_that_begins_under_way(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    demos = material.sets[0]
    stamps = np.tile([0.0, 0.16, 0.21, 0.37], len(demos) // 4)  # a phase was granted at 0.21 s
    speed = np.array([0.1, -0.2, 0.05])
    anchors = demos.column("anchor").reshape(-1, 4, 4).copy()
    anchors[:, :3, 3] = stamps[:, None] * speed
    monkeypatch.setitem(demos._numbers, "observation.time", stamps)
    monkeypatch.setitem(demos._numbers, "anchor", anchors.reshape(-1, 16))
    ways = lessons._ways(demos)[4:8]
    assert not ways[0].any()
    assert ways[1:] == pytest.approx(np.tile(PAST_S * speed, (3, 1)))


def test_a_tool_stood_before_the_first_frame_of_its_episode(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    demos = material.sets[0]
    stamps = np.tile(
        [0.0, 0.15, 0.31, 0.47], len(demos) // 4
    )  # an observation is one tick old, but not the first
    monkeypatch.setitem(demos._numbers, "observation.time", stamps)
    place = demos.anchor[4:8, :3, 3]
    assert lessons._ways(demos)[5] == pytest.approx(place[1] - place[0])


def test_a_chunk_of_chained_steps_ends_where_all_of_them_lead(tmp_path: Path) -> None:
    chained = tuple(
        replace(channel, reference=Reference.PREVIOUS_STEP)
        if channel.kind is ChannelKind.TOOL_POSITION
        else channel
        for channel in BODY.channels
    )
    folder = write_set(tmp_path / "numbers", episodes=2, body=replace(BODY, channels=chained))
    material = Material.load((folder,), held_out=0.0, seed=1)
    steps = material.sets[0].chunk[3].copy()
    steps[2:5, 0] += 0.001
    numbers = np.zeros((16, 16))
    numbers[:8, :4] = material.statistics({}).bodies[0].scale_actions(steps)
    assert lessons_of(material, "smoke").errors(Lesson(0, 3), numbers)[0] == pytest.approx(3.0, rel=0.01)
