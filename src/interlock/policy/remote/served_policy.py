"""One of our policies, for one client at a time."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from interlock.errors import RemotePolicyError
from interlock.hal.arrays import FloatArray
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.chunk import ActionChunk
from interlock.hal.embodiment import Embodiment
from interlock.policy.policy import Policy
from interlock.policy.remote.native import describe
from interlock.policy.remote.observation_reader import ObservationReader

__all__ = ["ServedPolicy"]


class ServedPolicy:
    """Answers observations with chunks; the client's gate judges them, and nothing here moves anything.

    Args:
        policy: the policy.
        embodiment: the body that it makes chunks for.
        reader: makes observations of what a client sends.
        cameras: those of the cell that it looks through.
        skills: what it was taught; none if it does not say.

    Attributes:
        embodiment: as given.
        reader: as given.
        cameras: as given.
    """

    def __init__(
        self,
        policy: Policy,
        embodiment: Embodiment,
        reader: ObservationReader,
        cameras: tuple[CameraSpec, ...],
        skills: frozenset[str],
    ) -> None:
        self._policy = policy
        self.embodiment = embodiment
        self.reader = reader
        self.cameras = cameras
        self._skills = skills
        self._taken = threading.Lock()

    def describe(self) -> dict[str, Any]:
        """What it is, for a client to check."""
        return describe(self.embodiment, self._policy.name, self.cameras, self._skills)

    def take(self, patience_s: float = 0.0) -> bool:
        """Begin a new episode for a client, unless another one has the policy.

        Args:
            patience_s: how long to wait for one that is just leaving, [s].
        """
        if not self._taken.acquire(timeout=patience_s):
            return False
        try:
            self._policy.reset()
        except BaseException:
            self._taken.release()
            raise
        return True

    def restart(self) -> None:
        """Begin a new episode for the client that has it."""
        self._policy.reset()

    def leave(self) -> None:
        """The client has gone."""
        self._taken.release()

    def answer(
        self, states: Mapping[str, object], pictures: Mapping[str, object], prompt: object, more: object
    ) -> FloatArray:
        """The steps of the chunk for an observation, shape (T, C), channel units; (0, C) means to wait.

        Raises:
            RemotePolicyError: if the observation cannot be read, or the policy fails at it.
        """
        observation = self.reader.read(states, pictures, prompt, more)
        try:
            chunk = self._policy.propose(observation)
        except Exception as error:
            raise RemotePolicyError(
                f"failed ({type(error).__name__}: {error})",
                field=f"policy {self._policy.name}",
                mend="Mend what it says where the policy is served.",
            ) from error
        if chunk is None:
            return _none(self.embodiment)
        if not isinstance(chunk, ActionChunk):
            raise RemotePolicyError(
                "made no chunk",
                field=f"policy {self._policy.name}",
                value=type(chunk).__name__,
                mend="Mend the policy: propose returns an ActionChunk, or None to wait.",
            )
        if not math.isclose(chunk.dt_s * self.embodiment.rate_hz, 1.0):
            return _none(self.embodiment)  # bare steps cannot say that they are to be followed slowly
        steps: FloatArray = chunk.samples[0]
        return steps


def _none(embodiment: Embodiment) -> FloatArray:
    return np.zeros((0, len(embodiment.channels)))
