"""What a model is trained to read is what it is given to read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("pybullet")

from tests.policy.dataset.two_cameras import two_cameras
from tests.policy.training.taught import SIDE, frame, write_set
from tests.policy.training.test_train import request_for
from tests.policy.vla.test_learned import STEP, cell_of, context_for, observation

from interlock.errors import BadInputError
from interlock.policy.dataset.episode import Episode
from interlock.policy.dataset.features import Features
from interlock.policy.dataset.head import Head
from interlock.policy.dataset.writer import DatasetWriter
from interlock.policy.training.command import main
from interlock.policy.training.lessons import Lesson, Lessons, prompts_of
from interlock.policy.training.material import Material
from interlock.policy.training.train import train
from interlock.policy.training.word_noise import WordNoise
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.decoder_shape import AttentionMode
from interlock.policy.vla.instruction import instruction_of
from interlock.policy.vla.learned_model import LearnedModel
from interlock.policy.vla.learned_options import LearnedOptions
from interlock.policy.vla.preset import preset
from interlock.policy.vla.prompt import write_prompt


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("sets") / "numbers")


@pytest.fixture(scope="module")
def panda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of the Panda's: its channels and joints, and made-up numbers."""
    cell, folder = cell_of("panda_tabletop"), tmp_path_factory.mktemp("sets") / "panda"
    body, joints = cell.embodiment(), cell.robot_spec().limits.names
    head = Head(
        features=Features(embodiment=body, joints=joints, cameras=two_cameras(SIDE), frame_rate_hz=6.25),
        cell="panda_tabletop",
        cell_sha256="0" * 64,
        base_in_world=tuple(np.eye(4).ravel().tolist()),
        command={"seed": 0},
        versions={},
    )
    writer = DatasetWriter(folder, head)
    for attempt in range(3):
        generator = np.random.default_rng(attempt)
        shown = tuple(
            replace(
                made,
                state=np.concatenate([made.state[:10], generator.uniform(-1.0, 1.0, len(joints))]),
                chunk=generator.uniform(0.01, 0.04, (body.horizon, len(body.channels))),
            )
            for made in (frame(generator) for _ in range(4))
        )
        writer.add(Episode(frames=shown, attempt=attempt, success=True))
    writer.seal(failed=0)
    return folder


@pytest.fixture(scope="module")
def rich(panda: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of both options, from the command line."""
    out = tmp_path_factory.mktemp("trained")
    asked = ["--data", str(panda), "--out", str(out), "--preset", "smoke", "--batch", "4", "--device", "cpu"]
    steps = ["--stage", "t2a:1", "--stage", "pretrain:2", "--stage", "action:1"]
    assert main([*asked, *steps, "--rich-prompt", "--attention", "joint"]) == 0
    return out / "checkpoint"


def test_model_that_was_trained_on_the_richer_sentence_is_given_it(rich: Path) -> None:
    context, seen = context_for(rich), observation(cell_of("panda_tabletop"))
    text = write_prompt(context.embodiment, instruction_of(STEP, "approach"), rich=True)
    assert "gripper_width in m from 0 to" in text
    model = LearnedModel(context, LearnedOptions.read(context.options))
    draft = model.infer(seen, None, 2, 0)
    assert draft is not None
    assert draft.prompt_sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_training_shows_what_running_asks(panda: Path, rich: Path) -> None:
    found, material = Checkpoint.load(rich), Material.load((panda,), 0.0, 0)
    (demos,) = material.sets
    lessons = Lessons(material.sets, found.config, found.tokenizer, found.statistics)
    shown = lessons.batch([Lesson(0, demos.words("phase").index("approach"))]).inputs.tokens[0]
    text = write_prompt(demos.embodiment, instruction_of(STEP, "approach"), rich=True)
    assert shown.tolist() == list(found.tokenizer.encode(text))


def test_step_without_a_phase_is_read_alone(rich: Path) -> None:
    context, seen = context_for(rich), observation(cell_of("panda_tabletop"))
    model = LearnedModel(context, LearnedOptions.read(context.options))
    draft = model.infer(replace(seen, task=replace(seen.task, phase="")), None, 1, 0)
    assert draft is not None
    text = write_prompt(context.embodiment, STEP, rich=True)
    assert draft.prompt_sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_both_options_are_kept_by_the_checkpoint_and_its_card(rich: Path) -> None:
    written = json.loads((rich / "config.json").read_text())
    assert written["decoder"]["attention"] == "joint"
    assert written["rich_prompt"] is True
    found = Checkpoint.load(rich)
    assert found.config.decoder.attention is AttentionMode.JOINT
    assert replace(found.config, rich_prompt=False, decoder=preset("smoke").decoder) == preset("smoke")
    assert "--rich-prompt --attention joint" in found.card


def test_a_model_of_neither_says_nothing_of_them(numbers: Path, tmp_path: Path) -> None:
    done = Path(train(request_for(numbers, tmp_path, "t2a:1")).checkpoint)
    written = json.loads((done / "config.json").read_text())
    assert "rich_prompt" not in written
    assert written["decoder"]["attention"] == "cached"
    card = Checkpoint.load(done).card
    assert "--rich-prompt" not in card
    assert "--attention" not in card


def test_weights_that_are_gone_on_with_keep_sentence_and_attention(
    panda: Path, numbers: Path, rich: Path, tmp_path: Path
) -> None:
    plain = Path(train(request_for(numbers, tmp_path / "plain", "t2a:1")).checkpoint)
    again = replace(request_for(numbers, tmp_path / "again", "t2a:1"), begin_from=plain)
    with pytest.raises(BadInputError, match=r"--rich-prompt") as refused:
        train(replace(again, rich_prompt=True))
    assert refused.value.field == "rich_prompt"
    with pytest.raises(BadInputError, match=r"cached.*--attention") as refused:
        train(replace(again, attention=AttentionMode.JOINT))
    assert refused.value.field == "attention"
    on = replace(request_for(panda, tmp_path / "on", "t2a:1"), begin_from=rich)
    config = Checkpoint.load(rich).config
    for number, asked in enumerate((on, replace(on, rich_prompt=True, attention=AttentionMode.JOINT))):
        done = train(replace(asked, out=tmp_path / f"on{number}"))
        assert Checkpoint.load(Path(done.checkpoint)).config == config
    with pytest.raises(BadInputError) as refused:
        train(replace(on, attention=AttentionMode.CACHED))
    assert refused.value.field == "attention"


def test_a_run_of_another_sentence_or_attention_is_not_gone_on_with(numbers: Path, tmp_path: Path) -> None:
    asked = request_for(numbers, tmp_path, "t2a:2")
    train(asked)
    for other in (replace(asked, rich_prompt=True), replace(asked, attention=AttentionMode.JOINT)):
        with pytest.raises(BadInputError, match="begun with something else") as refused:
            train(other)
        assert refused.value.field in ("rich_prompt", "attention")


def test_a_run_from_before_there_were_these_options_is_gone_on_with(numbers: Path, tmp_path: Path) -> None:
    asked = request_for(numbers, tmp_path, "t2a:2")
    train(asked)
    for state in (tmp_path / "states").glob("*/state.json"):
        head = json.loads(state.read_text())
        for name in ("rich_prompt", "attention"):
            del head["info"]["decisive"][name]
        state.write_text(json.dumps(head))
    assert train(asked).done
    with pytest.raises(BadInputError, match="begun with something else"):
        train(replace(asked, rich_prompt=True))


def limited(material: Material, tokens: int, *, rich: bool) -> Lessons:
    config = replace(preset("smoke"), max_text_tokens=tokens, rich_prompt=rich)
    return Lessons(material.sets, config, material.tokenizer(config), material.statistics({}))


def test_a_sentence_longer_than_the_model_reads_ends_a_training_before_its_first_step(numbers: Path) -> None:
    material = Material.load((numbers,), 0.0, 0)
    assert limited(material, 60, rich=False)
    with pytest.raises(BadInputError, match=r"longer than the 60 tokens.*--rich-prompt") as refused:
        limited(material, 60, rich=True)
    assert refused.value.field == "data numbers"
    with pytest.raises(BadInputError, match="longer than the 5 tokens") as refused:
        limited(material, 5, rich=False)
    assert "--rich-prompt" not in refused.value.mend


def test_noise_that_makes_a_sentence_too_long_is_left_out(numbers: Path) -> None:
    material = Material.load((numbers,), 0.0, 0)
    config = replace(preset("smoke"), rich_prompt=True)
    known = material.tokenizer(config)
    longest = max(len(known.encode(text)) for text in prompts_of(material.sets[0], rich=True))
    lessons = limited(material, longest, rich=True)
    picks = [Lesson(0, frame) for frame in range(24)]
    plain, roomy = lessons.batch(picks), limited(material, 256, rich=True)
    noisy = lessons.batch(picks, words=WordNoise(np.random.default_rng(0)))
    assert roomy.batch(picks, words=WordNoise(np.random.default_rng(0))).inputs.tokens.shape[1] > longest
    assert noisy.inputs.tokens.shape[1] == longest
    assert torch.equal(noisy.actions, plain.actions)
