"""Flow matching keeps its identities."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.policy.vla.models import seeded

from interlock.policy.vla.flow import between, draw_noise, draw_tau, euler_times, masked_error
from interlock.policy.vla.flow_settings import TauLaw
from interlock.policy.vla.preset import preset

FLOW = preset("tiny").flow
CLEAN, NOISE = torch.randn(2, 4, 8, 3, generator=seeded(2)).unbind(0)


def test_path_runs_from_the_clean_chunk_to_noise() -> None:
    assert torch.equal(between(CLEAN, NOISE, torch.zeros(4)), CLEAN)
    assert torch.equal(between(CLEAN, NOISE, torch.ones(4)), NOISE)


def test_velocity_of_the_path_is_noise_minus_clean_everywhere() -> None:
    early, late = torch.full((4,), 0.25), torch.full((4,), 0.75)
    speed = (between(CLEAN, NOISE, late) - between(CLEAN, NOISE, early)) / 0.5
    torch.testing.assert_close(speed, NOISE - CLEAN)


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_euler_steps_along_the_true_velocity_end_at_the_clean_chunk(steps: int) -> None:
    chunk = NOISE
    for tau in euler_times(steps):
        torch.testing.assert_close(chunk, between(CLEAN, NOISE, tau.expand(4)))
        chunk = chunk - (NOISE - CLEAN) / steps
    torch.testing.assert_close(chunk, CLEAN, atol=1e-5, rtol=1e-5)


def test_each_active_channel_weighs_the_same_whatever_its_steps() -> None:
    mask = torch.ones(1, 8, 3, dtype=torch.bool)
    mask[:, 2:, 1] = False  # channel 1 counts in two steps only
    mask[:, :, 2] = False  # channel 2 is padding
    predicted = torch.zeros(1, 8, 3)
    predicted[..., 0], predicted[..., 1], predicted[..., 2] = 1.0, 3.0, 100.0
    assert masked_error(predicted, torch.zeros(1, 8, 3), mask).item() == pytest.approx((1.0 + 9.0) / 2)


def test_padding_gets_no_gradient_even_if_it_is_nan() -> None:
    predicted = torch.randn(1, 8, 3, generator=seeded()).requires_grad_()
    wanted = torch.zeros(1, 8, 3)
    wanted[..., 2] = torch.nan
    mask = torch.ones(1, 8, 3, dtype=torch.bool)
    mask[..., 2] = False
    error = masked_error(predicted, wanted, mask)
    error.sum().backward()
    assert torch.isfinite(error).all()
    assert (predicted.grad[..., :2] != 0.0).all()
    assert (predicted.grad[..., 2] == 0.0).all()


def test_sigmoid_normal_has_its_middle_at_one_half() -> None:
    tau = draw_tau(TauLaw.SIGMOID_NORMAL, FLOW, 20_000, seeded())
    assert ((tau > 0.0) & (tau < 1.0)).all()
    assert tau.mean().item() == pytest.approx(0.5, abs=0.01)
    assert tau.logit().std().item() == pytest.approx(FLOW.normal_std, abs=0.02)


def test_beta_prefers_noise_and_stays_above_its_smallest() -> None:
    tau = draw_tau(TauLaw.BETA, replace(FLOW, tau_min=0.1), 20_000, seeded())
    assert tau.min().item() >= 0.1
    assert tau.max().item() <= 1.0
    assert tau.mean().item() == pytest.approx(0.1 + 0.9 * 1.5 / 2.5, abs=0.01)


@pytest.mark.parametrize("law", TauLaw)
def test_times_depend_on_the_seed_alone(law: TauLaw) -> None:
    first = draw_tau(law, FLOW, 50, seeded(7))
    torch.manual_seed(99)
    assert torch.equal(draw_tau(law, FLOW, 50, seeded(7)), first)
    assert not torch.equal(draw_tau(law, FLOW, 50, seeded(8)), first)


def test_first_of_many_noises_is_the_one_drawn_alone() -> None:
    assert torch.equal(draw_noise(5, 7, 3, seeded())[0], draw_noise(1, 7, 3, seeded())[0])
