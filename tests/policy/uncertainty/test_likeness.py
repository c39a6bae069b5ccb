from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.policy.uncertainty.likely import STAGES, calibration, question, rollout

from interlock.errors import CheckpointError, ShapeError
from interlock.policy.uncertainty.features import Features
from interlock.policy.uncertainty.likeness import Likeness


@pytest.fixture(scope="module")
def likeness() -> Likeness:
    generator = np.random.default_rng(0)
    return Likeness.fit([rollout(generator, 30) for _ in range(12)])


def test_usual_questions_score_about_one_at_most(likeness: Likeness) -> None:
    generator = np.random.default_rng(1)
    totals = [likeness.score(question(generator, STAGES[k % 3])).total for k in range(300)]
    assert 0.2 < float(np.median(totals)) < 1.0
    assert np.quantile(totals, 0.9) < 1.2


def test_distance_is_that_of_mahalanobis_where_the_law_is_known(likeness: Likeness) -> None:
    """The law of `likely.question`: variances 4, 1 and eight times 0.01."""
    generator = np.random.default_rng(2)
    true = np.array([2.0, 1.0] + [0.1] * 8)
    found, expected = [], []
    for _ in range(100):
        asked = question(generator)
        found.append(likeness.score(asked).distance * likeness.stages[asked.stage].units[1])
        expected.append(np.linalg.norm((asked.embedding - np.arange(10.0)) / true))
    assert np.corrcoef(found, expected)[0, 1] > 0.95
    assert float(np.median(np.array(found) / expected)) == pytest.approx(1.0, abs=0.1)


def test_more_spread_and_another_embedding_show_each_in_its_own_score(likeness: Likeness) -> None:
    generator = np.random.default_rng(3)
    wide, far = question(generator, spread=20.0), question(generator, shift=3.0)
    assert likeness.score(wide).spread > 5.0 > 2.0 > likeness.score(wide).distance
    assert likeness.score(far).distance > 5.0 > 2.0 > likeness.score(far).spread
    assert likeness.score(wide).total == likeness.score(wide).spread


def test_a_stage_is_measured_by_its_own_mean(likeness: Likeness) -> None:
    asked = question(np.random.default_rng(4), STAGES[0])
    assert likeness.score(asked).distance < 1.5
    assert likeness.score(replace(asked, stage=STAGES[2])).distance > 5.0


def test_an_unknown_stage_or_a_constant_channel_that_moves_is_infinitely_far(likeness: Likeness) -> None:
    asked = question(np.random.default_rng(5))
    assert likeness.score(replace(asked, stage="push/contact")).total == math.inf
    assert likeness.score(replace(asked, spread=asked.spread + np.array([0.0, 0.0, 1e-9]))).total == math.inf


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("field", ["spread", "embedding"])
def test_what_is_no_number_never_has_a_finite_score(likeness: Likeness, field: str, bad: float) -> None:
    asked = question(np.random.default_rng(6))
    for index in range(len(getattr(asked, field))):
        numbers = np.array(getattr(asked, field))
        numbers[index] = bad
        assert not math.isfinite(likeness.score(replace(asked, **{field: numbers})).total)


def test_features_of_another_body_or_model_are_refused(likeness: Likeness) -> None:
    asked = question(np.random.default_rng(7))
    for other in (replace(asked, spread=np.ones(4)), replace(asked, embedding=np.ones(9))):
        with pytest.raises(ShapeError, match="3 channels and 10 numbers"):
            likeness.score(other)


def test_what_does_not_vary_or_is_too_little_cannot_be_fitted_to() -> None:
    generator = np.random.default_rng(8)
    still = Features(stage="pick/approach", spread=np.zeros(3), embedding=np.ones(10))
    with pytest.raises(CheckpointError, match="do not vary"):
        Likeness.fit([[still] * 5] * 4)
    with pytest.raises(CheckpointError, match="3 successful rollouts"):
        Likeness.fit([rollout(generator), rollout(generator)])


def test_stages_that_are_met_once_alone_cannot_be_fitted_to() -> None:
    generator = np.random.default_rng(8)
    alone = [[replace(each, stage=f"{each.stage}{k}") for each in rollout(generator)] for k in range(4)]
    with pytest.raises(CheckpointError, match="no two of them"):
        Likeness.fit(alone)


def test_a_rollout_like_those_calibrated_with_seldom_exceeds_the_thresholds() -> None:
    made = calibration(rollouts=300)
    generator = np.random.default_rng(9)
    largest = [max(made.likeness.score(each).total for each in rollout(generator)) for _ in range(400)]
    assert np.mean(np.array(largest) > made.slow) == pytest.approx(0.3, abs=0.08)
    assert np.mean(np.array(largest) > made.doubt) == pytest.approx(0.1, abs=0.05)
