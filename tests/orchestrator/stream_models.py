"""Chunk models for tests of the stream: test doubles of a learned model, not of the robot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from interlock.hal.chunk import Provenance
from interlock.policy.observation import Observation
from interlock.policy.policy import Policy, PolicyContext
from interlock.policy.registry import create
from interlock.policy.stream.chunk_model import Draft
from interlock.policy.stream.chunk_stream import ChunkStream
from interlock.policy.stream.prefix import Prefix

PROVENANCE = Provenance(policy="double", version="1", config_sha256="", seed=0)


Change = Callable[[np.ndarray, Prefix | None, int], np.ndarray | None]


def unchanged(made: np.ndarray, prefix: Prefix | None, count: int) -> np.ndarray:
    return made


class Double:
    """Answers with what another policy proposes; keeps what it was asked.

    Args:
        source: the policy.
        change: what is made of its samples, given those, the prefix and the number of the question.
    """

    name = "double"
    provenance = PROVENANCE

    def __init__(
        self,
        source: Policy,
        change: Callable[[np.ndarray, Prefix | None, int], np.ndarray | None] = lambda made, prefix, count: (
            made
        ),
    ) -> None:
        self._source = source
        self._change = change
        self.asked: list[tuple[Observation, Prefix | None, int, int]] = []

    def reset(self) -> None:
        self._source.reset()
        self.asked = []

    def infer(self, observation: Observation, prefix: Prefix | None, samples: int, seed: int) -> Draft | None:
        self.asked.append((observation, prefix, samples, seed))
        made = self._source.propose(observation)
        if made is None:
            return None
        changed = self._change(np.array(made.samples), prefix, len(self.asked))
        return None if changed is None else Draft(samples=changed)


def stream_of(
    context: PolicyContext,
    options: dict[str, object],
    *,
    source: str = "scripted",
    change: Change = unchanged,
) -> tuple[ChunkStream, Double]:
    """A stream around a double of `source`, with these options."""
    double = Double(create(source, context), change)
    return ChunkStream(double, replace(context, options={"stream": options})), double
