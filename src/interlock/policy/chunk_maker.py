"""Puts joint positions and widths into chunks of one embodiment."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.provenance import CODE, INLINE
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.tool_channels import ToolChannels

__all__ = ["ChunkMaker"]

_VERSION = "1"


class ChunkMaker:
    """Numbers and stamps the chunks of one policy.

    Attributes:
        dt_s: time between steps, [s].
        steps: number of steps T.
        dof: number of arm joints, n.
        has_gripper: whether a width goes with every step.
    """

    def __init__(self, name: str, context: PolicyContext) -> None:
        text = json.dumps(dict(context.options), sort_keys=True, default=str)
        self._provenance = Provenance(
            policy=name,
            version=_VERSION,
            config_sha256=hashlib.sha256(text.encode()).hexdigest(),
            seed=context.seed,
            code=CODE,
            transport=INLINE,
        )
        self._fingerprint = context.embodiment.fingerprint
        self._tool = None if context.embodiment.tool_reference is None else ToolChannels(context)
        self.dt_s = 1.0 / context.embodiment.rate_hz
        self.steps = context.embodiment.horizon
        self.dof = context.robot.dof
        self.has_gripper = context.embodiment.has_gripper
        self._seq = 0

    def restart(self) -> None:
        """Count from 0 again."""
        self._seq = 0

    def make(self, observation: Observation, joints: FloatArray, widths: FloatArray) -> ActionChunk:
        """A chunk of one sample that starts now, in the channels of the embodiment.

        Args:
            observation: what it was made from.
            joints: joint positions of the steps, shape (T, n), [rad].
            widths: gripper widths of the steps, shape (T,), [m]; left out without a gripper.
        """
        steps, anchor = joints, None
        if self._tool is not None:
            steps, anchor = self._tool.of(joints, observation.state.q_commanded)
        sample = np.concatenate((steps, widths[:, None]), axis=1) if self.has_gripper else steps
        chunk = ActionChunk(
            seq=self._seq,
            embodiment=self._fingerprint,
            samples=sample[None],
            t_obs_ns=observation.stamp_ns,
            t_ready_ns=observation.stamp_ns,
            t0_ns=observation.stamp_ns,
            dt_s=self.dt_s,
            provenance=self._provenance,
            anchor=anchor,
        )
        self._seq += 1
        return chunk

    def adopt(self, chunk: ActionChunk) -> ActionChunk:
        """The chunk of another policy as this one's own, numbered and named anew."""
        adopted = replace(chunk, seq=self._seq, provenance=self._provenance)
        self._seq += 1
        return adopted
