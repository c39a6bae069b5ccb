"""The whole model: same seed, same chunk; padding is nothing; it learns."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.policy.vla.models import lesson, lively, micro, observations, one_of, seeded

from interlock.errors import ShapeError
from interlock.policy.vla.config import Grounding, InputKind, VlaConfig
from interlock.policy.vla.decoder_shape import AttentionMode
from interlock.policy.vla.euler_schedule import EulerSchedule
from interlock.policy.vla.flow import draw_noise
from interlock.policy.vla.model import QwenVla

KINDS = {
    "cached": micro(),
    "joint": micro(attention=AttentionMode.JOINT),
    "scene": micro(inputs=InputKind.SCENE),
    "published": micro(attention=AttentionMode.JOINT, grounding=Grounding.OFF, state_width=0),
}
each_kind = pytest.mark.parametrize("config", KINDS.values(), ids=KINDS.keys())


@each_kind
def test_same_seed_gives_the_same_chunk_bit_for_bit(config: VlaConfig) -> None:
    model, inputs = lively(config), observations(config)
    first = model.sample(inputs, seeded(1), samples=3)
    torch.manual_seed(12345)
    assert torch.equal(model.sample(inputs, seeded(1), samples=3), first)
    other = model.sample(inputs, seeded(2), samples=3)
    assert not torch.isclose(other, first)[..., :7].any()
    assert first.shape == (2, 3, config.horizon, config.channels)


@each_kind
def test_schedule_that_is_made_once_changes_nothing(config: VlaConfig) -> None:
    model, inputs = lively(config), observations(config)
    schedule = EulerSchedule.of(model.decoder, 4)
    assert schedule.times == (1.0, 0.75, 0.5, 0.25)
    for seed in range(2):
        found = model.sample(inputs, seeded(seed), samples=2, steps=schedule)
        assert torch.equal(found, model.sample(inputs, seeded(seed), samples=2, steps=4))


@each_kind
def test_chunk_is_what_euler_steps_of_the_velocity_make(config: VlaConfig) -> None:
    model, inputs = lively(config), observations(config)
    noise = draw_noise(2, config.horizon, config.channels, seeded())
    mask = inputs.step_mask[:, :, None] & inputs.channel_mask[:, None, :]
    encoded, chunk = model.encode(inputs), noise * mask
    with torch.no_grad():
        prefix = model.decoder.open(encoded.prefix)
        for tau in (1.0, 0.75, 0.5, 0.25):
            conditions = model.decoder.conditions(torch.tensor([tau]))
            chunk = (chunk - model.decoder.velocity(chunk, conditions, prefix, inputs.step_mask) / 4) * mask
    found = model.integrate(encoded, inputs, noise, steps=4)
    torch.testing.assert_close(found[:, 0], chunk, atol=1e-6, rtol=1e-5)


@each_kind
def test_each_of_many_samples_is_the_one_made_alone(config: VlaConfig) -> None:
    model, inputs = lively(config), observations(config, 1)
    together = model.sample(inputs, seeded(), samples=4)
    noise = draw_noise(4, config.horizon, config.channels, seeded())
    encoded = model.encode(inputs)
    for index in range(4):
        alone = model.integrate(encoded, inputs, noise[index : index + 1], steps=config.flow.euler_steps)
        torch.testing.assert_close(together[:, index], alone[:, 0], atol=1e-5, rtol=1e-4)


@each_kind
def test_each_of_many_observations_is_answered_as_if_alone(config: VlaConfig) -> None:
    model, inputs = lively(config), observations(config, 2, words=(9, 4))
    noise = draw_noise(4, config.horizon, config.channels, seeded())
    both = model.integrate(model.encode(inputs), inputs, noise, steps=4)
    for index in range(2):
        single = one_of(inputs, index)
        alone = model.integrate(model.encode(single), single, noise[2 * index : 2 * index + 2], steps=4)
        torch.testing.assert_close(both[index], alone[0], atol=1e-4, rtol=1e-3)


@each_kind
def test_padding_channels_are_zero_and_change_nothing(config: VlaConfig) -> None:
    model, batch = lively(config), lesson(config, 2, channels=4)
    chunk = model.sample(batch.inputs, seeded())
    assert (chunk[..., 4:] == 0.0).all()
    spoilt = replace(batch, actions=batch.actions + 9.0 * (torch.arange(config.channels) >= 4))
    first, second = model.loss(batch, seeded()), model.loss(spoilt, seeded())
    assert torch.equal(first.total, second.total)


def test_padding_channels_get_no_gradient() -> None:
    config = micro()
    model, batch = lively(config), lesson(config, 2, channels=4)
    model.loss(batch, seeded()).total.backward()
    last, first = model.decoder.action_out[-1], model.decoder.action_in[0]
    assert (last.weight.grad[4:] == 0.0).all()
    assert (last.bias.grad[4:] == 0.0).all()
    assert (first.weight.grad[:, 4:] == 0.0).all()
    assert (last.weight.grad[:4] != 0.0).any()
    assert (first.weight.grad[:, :4] != 0.0).any()


def test_steps_behind_a_bodys_horizon_change_nothing() -> None:
    config = micro()
    model, batch = lively(config), lesson(config, 2)
    short = replace(batch.inputs, step_mask=batch.inputs.step_mask & (torch.arange(8) < 5))
    first = model.loss(replace(batch, inputs=short), seeded())
    spoilt = replace(batch, inputs=short, actions=batch.actions + 9.0 * (torch.arange(8) >= 5)[:, None])
    assert torch.equal(model.loss(spoilt, seeded()).total, first.total)
    assert (model.sample(short, seeded())[:, :, 5:] == 0.0).all()


def test_gradients_are_finite_where_prompts_are_padded_and_a_camera_is_missing() -> None:
    config = micro()
    batch = lesson(config, 2, words=(9, 2))
    mask = batch.inputs.camera_mask.clone()
    mask[1, 0] = False
    model = lively(config)
    model.loss(replace(batch, inputs=replace(batch.inputs, camera_mask=mask)), seeded()).total.backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name


def test_a_missing_camera_is_not_looked_at() -> None:
    config = micro()
    inputs = observations(config)
    mask = inputs.camera_mask.clone()
    mask[:, 1] = False
    without = replace(inputs, camera_mask=mask)
    other = inputs.pictures.clone()
    other[:, 1] = 255 - other[:, 1]
    model = lively(config)
    first = model.sample(without, seeded())
    torch.testing.assert_close(model.sample(replace(without, pictures=other), seeded()), first)
    assert not torch.allclose(model.sample(inputs, seeded()), first)


@pytest.mark.parametrize("part", ["state", "pictures", "tokens"])
def test_every_input_matters(part: str) -> None:
    config = micro()
    inputs, model = observations(config, 1), lively(config)
    given = getattr(inputs, part)
    changed = replace(inputs, **{part: 255 - given if part == "pictures" else given.roll(1, -1)})
    assert not torch.allclose(model.sample(inputs, seeded()), model.sample(changed, seeded()), atol=1e-6)


@pytest.mark.parametrize("slot", [0, 1])
def test_each_slot_of_a_scene_matters(slot: int) -> None:
    config = micro(inputs=InputKind.SCENE)
    inputs, model = observations(config, 1), lively(config)
    scene = inputs.scene.clone()
    scene[:, slot] += 1.0
    first = model.sample(inputs, seeded())
    assert not torch.allclose(model.sample(replace(inputs, scene=scene), seeded()), first, atol=1e-6)
    mask = inputs.scene_mask.clone()
    mask[:, slot] = False
    hidden = replace(inputs, scene_mask=mask)
    torch.testing.assert_close(
        model.sample(replace(hidden, scene=scene), seeded()), model.sample(hidden, seeded())
    )


@each_kind
def test_half_precision_says_nearly_the_same(config: VlaConfig) -> None:
    model, inputs = lively(config), observations(config)
    first = model.sample(inputs, seeded())
    half = model.bfloat16().sample(inputs, seeded())
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, first, atol=0.1, rtol=0.1)


def test_temperature_zero_starts_from_the_middle() -> None:
    config = micro()
    model, inputs = lively(config), observations(config, 1)
    first = model.sample(inputs, seeded(1), temperature=0.0)
    assert torch.equal(model.sample(inputs, seeded(2), temperature=0.0), first)


def test_embedding_tells_observations_apart_and_ignores_padding() -> None:
    config = micro()
    model, inputs = lively(config), observations(config, 2, words=(9, 4))
    with torch.no_grad():
        both = model.encode(inputs).embedding
        alone = model.encode(one_of(inputs, 1)).embedding
    torch.testing.assert_close(both[1:], alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(both[0], both[1], atol=1e-3)


@each_kind
def test_learns_one_batch(config: VlaConfig) -> None:
    torch.manual_seed(0)
    model, batch, generator = QwenVla(config), lesson(config, 4), seeded()
    batch = replace(batch, actions=batch.actions[:, :1] * torch.linspace(0.2, 1.0, 8)[:, None])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(45):
        parts = model.loss(batch, generator)
        optimizer.zero_grad()
        parts.total.backward()
        optimizer.step()
        losses.append((parts.action.item(), parts.grounding.item()))
    first, last = (torch.tensor(part).mean(0) for part in (losses[:10], losses[-10:]))
    assert last[0] < 0.7 * first[0]
    if config.grounding is not Grounding.OFF:
        assert last[1] < 0.5 * first[1]


def test_text_alone_trains_the_decoder_and_leaves_the_eyes_alone() -> None:
    config = micro()
    batch = lesson(config)
    blind = replace(batch.inputs, pictures=None, camera_mask=None)
    model = lively(config)
    model.loss(replace(batch, inputs=blind, grounding=None, text_only=True), seeded()).total.backward()
    eyes = [w.grad for n, w in model.named_parameters() if "visual" in n]
    assert eyes
    assert all(grad is None for grad in eyes)
    assert model.decoder.blocks[0].qkv.weight.grad.abs().sum() > 0.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pictures", torch.zeros(2, 2, 64, 64, 3, dtype=torch.uint8)),
        ("pictures", torch.zeros(2, 2, 32, 32, 3)),
        ("pictures", torch.zeros(2, 1, 32, 32, 3, dtype=torch.uint8)),
        ("pictures", None),
        ("camera_mask", None),
        ("camera_mask", torch.tensor([[True, True], [False, False]])),
        ("state", torch.zeros(2, 5)),
        ("state", None),
        ("tokens", torch.zeros(2, 9)),
        ("token_mask", torch.ones(2, 8, dtype=torch.bool)),
        ("channel_mask", torch.ones(2, 9, dtype=torch.bool)),
        ("step_mask", torch.ones(2, 8)),
    ],
)
def test_refuses_inputs_of_another_shape_or_type(field: str, value: torch.Tensor | None) -> None:
    config = micro()
    with pytest.raises(ShapeError, match=field):
        lively(config).sample(replace(observations(config), **{field: value}), seeded())


def test_refuses_a_batch_without_pictures_unless_it_is_text_only() -> None:
    config = micro()
    batch = lesson(config)
    blind = replace(batch.inputs, pictures=None, camera_mask=None)
    with pytest.raises(ShapeError, match="needs pictures"):
        lively(config).loss(replace(batch, inputs=blind), seeded())
    with pytest.raises(ShapeError, match="sees no pictures"):
        lively(config).loss(replace(batch, text_only=True), seeded())


def test_first_sample_alone_is_colder_and_the_shape_may_say_how_cold() -> None:
    config = micro()
    model, inputs = lively(config), observations(config, 2)
    warm = model.sample(inputs, seeded(), samples=3, temperature=1.0)
    cold = model.sample(inputs, seeded(), samples=3, temperature=0.0)
    assert not torch.equal(cold[:, 0], warm[:, 0])
    assert torch.equal(cold[:, 1:], warm[:, 1:])
    assert torch.equal(model.sample(inputs, seeded(9), samples=3, temperature=0.0)[:, 0], cold[:, 0])
    assert torch.equal(model.sample(inputs, seeded(), samples=3), warm)
    model.config = replace(config, flow=replace(config.flow, temperature=0.0))
    assert torch.equal(model.sample(inputs, seeded(), samples=3), cold)
