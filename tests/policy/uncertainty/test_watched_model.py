from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from tests.policy.stream.bodies import context_in, observe
from tests.policy.uncertainty.likely import calibration, question

from interlock.errors import ShapeError, UnsureError
from interlock.hal.chunk import Provenance
from interlock.policy.observation import Observation
from interlock.policy.stream.chunk_model import ChunkModel, Draft
from interlock.policy.stream.chunk_stream import ChunkStream
from interlock.policy.stream.prefix import Prefix
from interlock.policy.uncertainty.options import UncertaintyOptions
from interlock.policy.uncertainty.recorded_model import RecordedModel
from interlock.policy.uncertainty.shadowed import Shadowed
from interlock.policy.uncertainty.watched_model import WatchedModel

CONTEXT = context_in("joint_position")
CALIBRATION = calibration()
PROVENANCE = Provenance(policy="model", version="1", config_sha256="abc", seed=0)
SEEN = observe(CONTEXT.robot.home, 10_000_000)
SEEN = replace(SEEN, task=replace(SEEN.task, skill="pick", phase="approach"))


@dataclass
class Model:
    """Says the same with a spread, about an embedding that is shifted by as much as the next of `shifts`."""

    shifts: list[float] = field(default_factory=list)
    name: str = "model"
    provenance: Provenance = PROVENANCE
    asked: list[tuple[int, int]] = field(default_factory=list)
    embeds: bool = True

    def reset(self) -> None:
        self.asked.clear()

    def infer(self, observation: Observation, prefix: Prefix | None, samples: int, seed: int) -> Draft | None:
        self.asked.append((samples, seed))
        shift = self.shifts.pop(0) if self.shifts else 0.0
        noise = np.random.default_rng(seed).normal(size=(samples, 16, 3)) * [0.01, 0.2, 0.0]
        usual = question(np.random.default_rng(0)).embedding
        return Draft(
            samples=noise, spread=noise.std(axis=0), embedding=usual + shift if self.embeds else None
        )


def watched(model: ChunkModel, **options: float) -> WatchedModel:
    return WatchedModel(model, CALIBRATION, UncertaintyOptions(**options))


def decided(model: WatchedModel, count: int) -> list[str]:
    said = []
    for seed in range(count):
        try:
            draft = model.infer(SEEN, None, 1, seed)
        except UnsureError as error:
            said.append("planner" if error.plan_anew else "hold")
        else:
            said.append("none" if draft is None else f"pace {draft.pace:g}")
    return said


FAR = 50.0


def between() -> float:
    """A shift that is slowed: between the thresholds, by bisection."""
    low, high = 0.0, FAR
    for _ in range(60):
        middle = 0.5 * (low + high)
        judge = watched(Model(shifts=[middle]), asks=100)
        draft = judge.infer(SEEN, None, 1, 0)
        assert judge.last is not None
        if draft is not None and draft.pace < 1.0:
            return middle
        low, high = (middle, high) if judge.last.total <= CALIBRATION.slow else (low, middle)
    raise AssertionError("nothing lies between the thresholds")


def test_doubt_slows_asks_again_holds_and_goes_to_the_planner_and_the_counts_say_so() -> None:
    model = watched(Model(shifts=[0.0, between(), *[FAR] * 5, 0.0]), asks=1, holds=2, pace=0.4)
    assert decided(model, 7) == ["pace 1", "pace 0.4", "none", "hold", "hold", "planner", "none"]
    assert model.uncertainty.counts == {"trust": 1, "slow": 1, "ask_again": 2, "hold": 2, "ask_planner": 1}
    model.reset()
    assert set(model.uncertainty.counts.values()) == {0}
    assert decided(model, 1) == ["pace 1"]


def test_it_hands_over_the_models_own_first_samples_bit_for_bit() -> None:
    alone = Model().infer(SEEN, None, CALIBRATION.samples, 7)
    assert alone is not None
    for shift, pace in ((0.0, 1.0), (between(), 0.5)):
        draft = watched(Model(shifts=[shift])).infer(SEEN, None, 1, 7)
        assert draft is not None
        assert draft.pace == pace
        np.testing.assert_array_equal(draft.samples, alone.samples[:1])


def test_a_slow_chunk_takes_longer_for_the_same_steps() -> None:
    body = replace(CONTEXT.embodiment, channels=CONTEXT.embodiment.channels[:3])
    context = replace(CONTEXT, embodiment=body)
    chunks = []
    for shift in (0.0, between()):
        chunk = ChunkStream(watched(Model(shifts=[shift]), pace=0.25), context).propose(SEEN)
        assert chunk is not None
        chunks.append(chunk)
    assert chunks[1].dt_s == pytest.approx(4.0 * chunks[0].dt_s)
    assert (chunks[1].t0_ns, chunks[1].seq) == (chunks[0].t0_ns, chunks[0].seq)
    np.testing.assert_array_equal(chunks[1].samples, chunks[0].samples)


def test_as_many_samples_are_asked_for_as_were_calibrated_with_and_more_are_refused() -> None:
    model = Model()
    for wanted in (1, CALIBRATION.samples):
        draft = watched(model).infer(SEEN, None, wanted, 0)
        assert draft is not None
        assert len(draft.samples) == wanted
    for judge in (watched(model), RecordedModel(model, CALIBRATION.samples)):
        with pytest.raises(ShapeError, match=r"stream\.samples"):
            judge.infer(SEEN, None, CALIBRATION.samples + 1, 0)
    assert [samples for samples, _ in model.asked] == [CALIBRATION.samples] * 2


def test_a_model_without_an_embedding_proposes_nothing() -> None:
    with pytest.raises(ShapeError, match="an embedding"):
        watched(Model(embeds=False)).infer(SEEN, None, 1, 0)


def test_where_a_chunk_comes_from_names_calibration_and_options() -> None:
    hashes = {
        watched(Model()).provenance.config_sha256,
        watched(Model(), pace=0.6).provenance.config_sha256,
        WatchedModel(Model(), calibration(1), UncertaintyOptions()).provenance.config_sha256,
        Model().provenance.config_sha256,
    }
    assert len(hashes) == 4


def test_a_recorded_model_answers_as_it_would_and_can_be_asked_what_it_had_said_instead() -> None:
    recorded = RecordedModel(Model(), samples=4)
    draft = recorded.infer(SEEN, None, 1, 3)
    alone = Model().infer(SEEN, None, 4, 3)
    assert draft is not None
    assert alone is not None
    np.testing.assert_array_equal(draft.samples, alone.samples[:1])
    (asked,) = recorded.questions
    again = recorded.asked_instead(asked, asked.observation)
    assert again is not None
    np.testing.assert_array_equal(again.spread, asked.features.spread)
    np.testing.assert_array_equal(again.embedding, asked.features.embedding)
    assert asked.features.stage == "pick/approach"
    recorded.reset()
    assert recorded.questions == []


def test_a_shadow_is_asked_and_never_followed() -> None:
    body = replace(CONTEXT.embodiment, channels=CONTEXT.embodiment.channels[:3])
    context = replace(CONTEXT, embodiment=body)
    shadow = Model(embeds=False)
    followed = ChunkStream(Model(), context)
    both = Shadowed(followed, ChunkStream(watched(shadow), context))
    both.reset()
    chunk = both.propose(SEEN)  # what the shadow refuses changes nothing
    alone = ChunkStream(Model(), context).propose(SEEN)
    assert chunk is not None
    assert alone is not None
    assert chunk.digest == alone.digest
    assert len(shadow.asked) == 1
