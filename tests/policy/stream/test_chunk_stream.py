"""A slow model as a policy: its stamps, its seeds, its delay."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from tests.policy.stream.bodies import context_in, executed_along, observe, swing

from interlock.errors import BadInputError, RefusedError, ShapeError
from interlock.hal.chunk import Provenance
from interlock.hal.provenance import CODE
from interlock.policy.observation import Observation
from interlock.policy.stream.chunk_model import Draft
from interlock.policy.stream.chunk_space import space_of
from interlock.policy.stream.chunk_stream import ChunkStream
from interlock.policy.stream.prefix import Prefix

PROVENANCE = Provenance(policy="model", version="7", config_sha256="abc", seed=-1)


@dataclass
class Model:
    """Draws numbers from its seed; each call lasts as long as the next of `lasts_s` says."""

    shape: tuple[int, ...] = (16, 8)
    lasts_s: list[float] = field(default_factory=list)
    now_ns: int = 10**15
    asked: list[tuple[Prefix | None, int, int]] = field(default_factory=list)
    waits: bool = False
    name: str = "model"
    provenance: Provenance = PROVENANCE

    def reset(self) -> None:
        self.asked.clear()

    def infer(self, observation: Observation, prefix: Prefix | None, samples: int, seed: int) -> Draft | None:
        self.asked.append((prefix, samples, seed))
        self.now_ns += round(1e9 * self.lasts_s.pop(0)) if self.lasts_s else 0
        if self.waits:
            return None
        drawn = np.random.default_rng(seed).normal(size=(samples, *self.shape))
        return Draft(samples=drawn, spread=drawn.std(axis=0))

    def clock(self) -> int:
        return self.now_ns


def stream_around(model: Model, space: str = "joint_position", **options: Any) -> ChunkStream:
    return ChunkStream(model, context_in(space, **options), clock=model.clock)


HOME = context_in("joint_position").robot.home


@pytest.mark.parametrize("space", ["joint_position", "tool_pose", "tool_delta", "tool_step"])
def test_a_chunk_says_what_it_was_made_from_and_when(space: str) -> None:
    model = Model(shape=(16, 8 if space == "joint_position" else 7))
    stream = stream_around(model, space, samples=3, lead_s=0.04)
    chunk = stream.propose(observe(HOME, 320_000_000))
    assert chunk is not None
    body = context_in(space).embodiment
    assert (chunk.t_obs_ns, chunk.t_ready_ns, chunk.t0_ns) == (320_000_000, 320_000_000, 360_000_000)
    assert (chunk.dt_s, chunk.embodiment, chunk.samples.shape[0]) == (0.04, body.fingerprint, 3)
    assert (chunk.provenance.policy, chunk.provenance.version, chunk.provenance.seed) == ("model", "7", 5)
    anchor = space_of(context_in(space)).anchor(HOME)
    assert (chunk.anchor is None) == (anchor is None)
    if anchor is not None:
        np.testing.assert_array_equal(chunk.anchor, anchor)


def test_chunks_count_up_and_a_question_without_answer_leaves_a_gap() -> None:
    model = Model()
    stream = stream_around(model)
    numbers = []
    for waits in (False, True, False):
        model.waits = waits
        chunk = stream.propose(observe(HOME))
        numbers.append(None if chunk is None else chunk.seq)
    assert numbers == [0, None, 2]


def test_same_seed_same_question_same_chunk_and_each_question_its_own_seed() -> None:
    runs = []
    for _ in range(2):
        stream = stream_around(Model())
        runs.append([stream.propose(observe(HOME, k * 10_000_000)) for k in range(3)])
    digests = [[chunk.digest for chunk in run if chunk is not None] for run in runs]
    assert digests[0] == digests[1]
    assert len({chunk.samples.tobytes() for chunk in runs[0] if chunk is not None}) == 3


def test_a_question_that_is_refused_is_not_drawn_with_the_same_noise_again() -> None:
    class Unsure(Model):
        def infer(self, *question: Any) -> Draft | None:
            super().infer(*question)
            raise RefusedError("unsure")

    model = Unsure(lasts_s=[0.25] * 6)
    context = replace(context_in("joint_position", cold_calls=0), real_time=True)
    stream = ChunkStream(model, context, clock=model.clock)
    for _ in range(3):
        with pytest.raises(RefusedError, match="unsure"):
            stream.propose(observe(HOME))
    assert len({seed for _, _, seed in model.asked}) == 3
    assert stream.delay_s == pytest.approx(0.25)  # a refusal took its time too


@pytest.mark.parametrize("pace", [0.0, -0.5, 1.5, float("nan"), float("inf")])
def test_a_pace_that_is_no_share_of_the_models_own_is_refused(pace: float) -> None:
    with pytest.raises(ShapeError, match=r"draft\.pace"):
        Draft(samples=np.zeros((1, 16, 8)), pace=pace)


def test_a_chunk_names_the_seed_of_its_question_and_where_it_was_made() -> None:
    model = Model()
    stream = stream_around(model)
    origins = [chunk.provenance for chunk in (stream.propose(observe(HOME)) for _ in range(2)) if chunk]
    assert [origin.question_seed for origin in origins] == [seed for _, _, seed in model.asked]
    assert {(origin.code, origin.transport) for origin in origins} == {(CODE, "inline")}


def test_a_reset_stream_starts_again() -> None:
    stream = stream_around(Model())
    digests = []
    for _ in range(2):
        stream.reset()
        chunk = stream.propose(observe(HOME))
        assert chunk is not None
        digests.append(chunk.digest)
    assert digests[0] == digests[1]


def test_the_options_are_part_of_where_a_chunk_comes_from() -> None:
    hashes = set()
    for options in ({}, {"rtc": True}, {"blend_s": 0.3}):
        chunk = stream_around(Model(), **options).propose(observe(HOME))
        assert chunk is not None
        hashes.add(chunk.provenance.config_sha256)
    assert len(hashes) == 3


def test_in_real_time_the_delay_is_measured_without_the_cold_start() -> None:
    model = Model(lasts_s=[20.0, 5.0, 0.1, 0.3])
    stream = stream_around(model, real_time=True, latency_s=0.2)
    known, spent = [], []
    for k in range(4):
        chunk = stream.propose(observe(HOME, k * 10_000_000))
        assert chunk is not None
        known.append(stream.delay_s)
        spent.append((chunk.t_ready_ns - chunk.t_obs_ns) * 1e-9)
    assert known == pytest.approx([0.2, 0.2, 0.1, 0.3])
    assert spent == pytest.approx([20.0, 5.0, 0.1, 0.3])


def test_in_lockstep_the_machines_clock_is_never_looked_at() -> None:
    def clock() -> int:
        raise AssertionError("it has no say here")

    stream = ChunkStream(Model(), context_in("joint_position", latency_s=0.15, rtc=True), clock=clock)
    for _ in range(4):
        assert stream.propose(observe(HOME)) is not None
    assert stream.delay_s == 0.15


def test_a_model_is_told_what_to_join_on_to_only_if_asked_for() -> None:
    q = swing(context_in("joint_position"), 0.01 * np.arange(30))
    seen = observe(q[-1], 290_000_000, executed_along(q), np.ones(7))
    plain, chunking = Model(), Model()
    stream_around(plain).propose(seen)
    stream_around(chunking, rtc=True).propose(seen)
    assert plain.asked[0][0] is None
    assert isinstance(chunking.asked[0][0], Prefix)
    assert plain.asked[0][2] == chunking.asked[0][2]


def test_frozen_covers_the_delay_and_a_tick_on_either_side() -> None:
    q = np.tile(HOME, (30, 1))
    model = Model()
    stream_around(model, rtc=True, latency_s=0.15).propose(observe(HOME, 290_000_000, executed_along(q)))
    prefix = model.asked[0][0]
    assert prefix is not None
    assert prefix.frozen == 5  # steps at 0, 0.04, 0.08, 0.12 and 0.16 s; handed over by 0.17 s


@pytest.mark.parametrize("shape", [(15, 8), (16, 7), (16, 9), (1, 8)])
def test_an_answer_of_another_shape_is_no_chunk(shape: tuple[int, int]) -> None:
    with pytest.raises(ShapeError, match=r"\(K, 16, 8\)"):
        stream_around(Model(shape=shape)).propose(observe(HOME))


def test_an_answer_without_samples_is_no_chunk() -> None:
    class Empty(Model):
        def infer(self, *told: Any) -> Draft:
            return Draft(samples=np.zeros((0, 16, 8)))

    with pytest.raises(ShapeError):
        stream_around(Empty()).propose(observe(HOME))


def test_the_spread_is_kept_with_the_number_of_the_question() -> None:
    stream = stream_around(Model(), samples=4)
    chunk = stream.propose(observe(HOME))
    assert chunk is not None
    np.testing.assert_array_equal(chunk.spread, chunk.samples.std(axis=0))
    assert stream.last is not None
    seq, draft = stream.last
    assert (seq, draft is not None) == (chunk.seq, True)
    np.testing.assert_array_equal(draft.spread, chunk.samples.std(axis=0))  # type: ignore[union-attr]


def test_a_spread_of_another_shape_is_none() -> None:
    with pytest.raises(ShapeError):
        Draft(samples=np.zeros((2, 16, 8)), spread=np.zeros((2, 16, 8)))


def test_an_option_that_cannot_be_used_stops_the_stream_from_being_built() -> None:
    with pytest.raises(BadInputError, match="latency_s"):
        stream_around(Model(), latency_s=-1.0)
