"""Smooth, seeded noise on the motion of a chunk, so that demonstrations also show how to come back.

Laskey, Lee, Fox, Dragan, Goldberg: DART: Noise Injection for Robust Imitation Learning, CoRL 2017.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interlock.errors import BadInputError
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.hal.embodiment import ChannelKind, Embodiment, Reference

__all__ = ["MotionNoise"]

_STD = {
    ChannelKind.TOOL_POSITION: 0.05,  # [m] at the end of a chunk, of which about a tenth is played
    ChannelKind.TOOL_ROTATION: 0.04,  # [rad]
    ChannelKind.JOINT_POSITION: 0.06,  # [rad]
    ChannelKind.GRIPPER_WIDTH: 0.0,  # fingers that wander drop what they hold
}
_DEAD = 0.15  # share of the standard deviation up to which a chunk counts as standing
_KEPT = 0.8  # share of the offset that stays from one chunk to the next
_SHARES = {
    **dict.fromkeys(("grasp", "push"), 0.3),  # beside things to touch
    **dict.fromkeys(("lower", "release"), 0.0),  # these end at a standstill, which even 1 mm a chunk prevents
    **dict.fromkeys(("lift", "carry"), 0.3),  # what is shaken turns between the fingers
}


class MotionNoise:
    """Pushes each chunk off its way by an offset that wanders slowly.

    Within a chunk the offset grows from nothing, with neither speed nor acceleration at its start, so that
    chunks still join. A chunk that hardly moves is hardly pushed: phases end at a measured standstill. The
    gate judges what comes of it as it judges any proposal.

    Args:
        embodiment: whose channels the chunks are in.
        level: times the standard deviations; 0 for none.
        seed: decides the noise.

    Raises:
        BadInputError: if the level is negative or not finite.
    """

    def __init__(self, embodiment: Embodiment, level: float, seed: int) -> None:
        if not (np.isfinite(level) and level >= 0.0):
            raise BadInputError(
                "is no level of noise", field="noise", value=level, mend="Give 0 for none, or about 1."
            )
        self._plain = np.array([_STD[channel.kind] for channel in embodiment.channels])
        self._std = level * self._plain
        if embodiment.tool_reference is Reference.ABSOLUTE:  # a rotation vector near half a turn has no room
            turning = [c.kind is ChannelKind.TOOL_ROTATION for c in embodiment.channels]
            self._std[np.array(turning)] = 0.0
        self._chained = embodiment.tool_reference is Reference.PREVIOUS_STEP
        self._generator = np.random.default_rng([seed, 0xDA27])
        self._offset = self._generator.standard_normal(len(self._std))

    def disturb(self, chunk: ActionChunk, phase: str) -> ActionChunk:
        """The chunk with noise on it, for the phase it was made for."""
        fresh = self._generator.standard_normal(len(self._std))
        self._offset = _KEPT * self._offset + np.sqrt(1.0 - _KEPT**2) * fresh
        if not self._std.any():
            return chunk
        share = _SHARES.get(phase, 1.0) * self._motion(chunk.samples[0])
        push = _rise(chunk.samples.shape[1])[:, None] * (share * self._std * self._offset)
        if self._chained:
            push = np.diff(push, axis=0, prepend=0.0)
        return replace(chunk, samples=chunk.samples + push)

    def _motion(self, steps: FloatArray) -> float:
        """How far a clean chunk goes, from 0 for nearly standing to 1 for as far as the noise would push.

        Without the dead band an offset would ask for a correction, and the correction for an offset.
        """
        moved = self._plain > 0.0
        way = np.abs(np.cumsum(steps, axis=0) if self._chained else steps - steps[0])[:, moved]
        share = float((way / self._plain[moved]).max())
        return min(1.0, max(0.0, (share - _DEAD) / (1.0 - _DEAD)))


def _rise(steps: int) -> FloatArray:
    """From 0 to 1 with no speed and no acceleration at either end, shape (steps,)."""
    u = np.linspace(0.0, 1.0, steps)
    return np.asarray(u**3 * (10.0 - 15.0 * u + 6.0 * u**2))
