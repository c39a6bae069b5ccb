"""What a chunk has to join on to: the motion as executed after the gate, and what of it is still to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.errors import BadInputError
from interlock.hal.arrays import FloatArray, frozen_array
from interlock.hal.chunk import ActionChunk
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.stream.chunk_space import ChunkSpace, JointSpace, space_of

__all__ = ["Prefix", "PrefixMaker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """Actions around the observation, on the grid of the chunk that is asked for, in its channels.

    Attributes:
        past: as commanded after the gate, oldest first, the last one `dt_s` before step 0, shape (P, C).
        ahead: from step 0 on: step 0 as commanded, the others as the gate has them in force, shape (A, C).
        frozen: so many of `ahead` will be over when the chunk is handed over; from 1 to A.
        weights: how firmly each of `ahead` is to be kept, shape (A,): 1 while frozen, then falling.
    """

    past: FloatArray
    ahead: FloatArray
    frozen: int
    weights: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "ahead", frozen_array(self.ahead, (None, None), "prefix.ahead"))
        width = self.ahead.shape[1]
        object.__setattr__(self, "past", frozen_array(self.past, (None, width), "prefix.past"))
        object.__setattr__(self, "weights", frozen_array(self.weights, (len(self.ahead),), "prefix.weights"))


class PrefixMaker:
    """Expresses what was executed in the channels of an embodiment; relative ones from the observation on."""

    def __init__(self, context: PolicyContext) -> None:
        body = context.embodiment
        self._space: ChunkSpace = space_of(context)
        self._joints = JointSpace(context.robot.dof)
        self._fingerprint = body.fingerprint
        self._dt_ns = round(1e9 / body.rate_hz)
        self._steps = body.horizon
        self._has_gripper = body.has_gripper

    def make(self, observation: Observation, delay_s: float, lead_s: float = 0.0) -> Prefix:
        """The prefix of the chunk that is asked for now.

        Args:
            observation: what it is made from.
            delay_s: from the observation to the hand-over, [s].
            lead_s: from the observation to step 0, [s].
        """
        t0_ns = observation.stamp_ns + round(lead_s * 1e9)
        q = observation.state.q_commanded
        anchor = self._space.anchor(q)
        over = int(max(0.0, delay_s - lead_s) * 1e9 / self._dt_ns + 1e-6) + 1
        ahead = self._ahead(observation, t0_ns, anchor, min(over, self._steps))
        frozen = min(over, len(ahead))
        return Prefix(
            past=self._past(observation, t0_ns, anchor),
            ahead=ahead,
            frozen=frozen,
            weights=_weights(frozen, len(ahead)),
        )

    def _past(self, observation: Observation, t0_ns: int, anchor: FloatArray | None) -> FloatArray:
        done = observation.executed
        at_ns: list[int] = []
        if len(done):
            newest = min(t0_ns - self._dt_ns, int(done.stamps_ns[-1]))
            k = -(-(t0_ns - newest) // self._dt_ns)
            while t0_ns - k * self._dt_ns >= done.stamps_ns[0]:
                at_ns.insert(0, t0_ns - k * self._dt_ns)
                k += 1
        joints = np.array([done.q_at(each) for each in at_ns]).reshape(len(at_ns), done.q.shape[1])
        arm = self._chained(joints, anchor)
        at_ns = at_ns[len(at_ns) - len(arm) :]
        return self._with_widths(arm, [self._width_at(observation, each) for each in at_ns])

    def _chained(self, joints: FloatArray, anchor: FloatArray | None) -> FloatArray:
        """Steps that lead up to the anchor: one that is relative to the step before needs that."""
        if len(joints) == 0:
            return np.zeros((0, self._space.width))
        if not self._space.chained:
            return self._space.steps(joints, anchor)
        return self._space.steps(joints[1:], self._space.anchor(joints[0]))

    def _ahead(
        self, observation: Observation, t0_ns: int, anchor: FloatArray | None, over: int
    ) -> FloatArray:
        """Step 0 as commanded, then what is in force; where the arm stands, that it stands."""
        state, chunk = observation.state, observation.executed.in_force
        at_ns = [t0_ns + k * self._dt_ns for k in range(self._steps)]
        if chunk is not None:
            end_ns = chunk.t0_ns + round((chunk.samples.shape[1] - 1) * chunk.dt_s * 1e9)
            at_ns = [at_ns[0], *(each for each in at_ns[1:] if each <= end_ns)]
            arm = self._in_force(chunk, at_ns, observation, anchor)
        elif state.v_commanded.any():
            at_ns = at_ns[:1]  # it is braking: where it comes to rest is not known here
            arm = self._space.steps(state.q_commanded[None], anchor)
        else:
            at_ns = at_ns[:over]
            arm = self._space.steps(np.tile(state.q_commanded, (over, 1)), anchor)
        widths = [self._width_at(observation, observation.stamp_ns)]
        for each in at_ns[1:]:
            width = None if chunk is None else self._width_in(chunk, each)
            widths.append(widths[-1] if width is None else width)
        return self._with_widths(arm, widths)

    def _in_force(
        self, chunk: ActionChunk, at_ns: list[int], observation: Observation, anchor: FloatArray | None
    ) -> FloatArray:
        done = int(at_ns[0] <= observation.stamp_ns)  # step 0 is no longer to come: as it was commanded
        here = observation.state.q_commanded[None][:done]
        if chunk.embodiment != self._fingerprint:  # the gate changed it: joint positions
            rest = self._joints.again(chunk, at_ns[done:], None)
            return self._space.steps(np.concatenate([here, rest]), anchor)
        rest = self._space.again(chunk, at_ns[done:], anchor)
        return np.concatenate([self._space.steps(here, anchor), rest])

    def _width_in(self, chunk: ActionChunk, at_ns: int) -> float | None:
        if not self._has_gripper:
            return None
        k = int((at_ns - chunk.t0_ns) * 1e-9 / chunk.dt_s + 1e-9)
        return float(chunk.samples[0, min(max(k, 0), chunk.samples.shape[1] - 1), -1])

    def _width_at(self, observation: Observation, at_ns: int) -> float | None:
        """Width asked for last at that time, else the measured one, [m]; None without a gripper."""
        if not self._has_gripper:
            return None
        done, measured = observation.executed, observation.state.gripper
        if done.widths_m is not None and len(done):
            k = int(np.searchsorted(done.stamps_ns, at_ns, side="right")) - 1
            return float(done.widths_m[max(k, 0)])
        if measured is None:
            raise BadInputError(
                "the embodiment has a gripper and nobody measures it",
                field="observation.state.gripper",
                mend="Give a driver that reports its gripper.",
            )
        return measured.width_m

    def _with_widths(self, arm: FloatArray, widths: list[float | None]) -> FloatArray:
        if not self._has_gripper:
            return arm
        return np.concatenate([arm, np.array(widths, dtype=np.float64)[:, None]], axis=1)


def _weights(frozen: int, count: int) -> FloatArray:
    """The soft mask of Black, Galliker and Levine (2025), eq. 5, over `count` steps."""
    weights = np.ones(count)
    for k in range(frozen, count):
        share = (count - k) / (count - frozen + 1)
        weights[k] = share * np.expm1(share) / np.expm1(1.0)
    return weights
