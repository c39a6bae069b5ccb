"""The hand-over: a chunk that was asked for some time ago meets the arm where it really is.

Nothing is cut off a chunk and nothing is averaged. Its steps keep their times, so those before the hand-over
are skipped by time, as many as were really executed meanwhile. Where nothing was released, nothing was
executed: a chunk is put off by as long as the arm stood or was stopping since the observation. (With
real-time chunking the model was told that it would stand, and the chunk says so itself.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from interlock.errors import RefusedError
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.policy.executed import Executed
from interlock.policy.policy import PolicyContext
from interlock.policy.stream.chunk_space import space_of
from interlock.policy.stream.options import StreamOptions

__all__ = ["HandOver", "Joined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """How the last chunk was handed over.

    Attributes:
        seq: its sequence number.
        skipped: steps before the hand-over, which nobody will follow.
        delay_s: from the observation to the hand-over, [s].
        jump: largest jump as a share of its bound, of the sample that jumps least; 0 where nothing was known.
        blended: whether every sample was moved to join.
        waited_s: how long nothing was released since the observation: the chunk was put off by that, [s].
    """

    seq: int
    skipped: int
    delay_s: float
    jump: float
    blended: bool
    waited_s: float


class HandOver:
    """Fits chunks to the instant at which they go to the drive.

    Args:
        context: of the policy.
        options: how chunks are joined.

    Attributes:
        latency_ns: simulated time from question to answer in lockstep, [ns].
        last: how the last chunk was handed over; None before the first.
    """

    def __init__(self, context: PolicyContext, options: StreamOptions) -> None:
        self._space = space_of(context)
        self._options = options
        arm = context.embodiment.channels[: self._space.width]
        self._names = tuple(channel.name for channel in arm)
        self._units = tuple(channel.unit for channel in arm)
        self._bounds = np.array([options.bound(channel) for channel in arm])
        self.latency_ns = round(options.latency_s * 1e9)
        self.last: Joined | None = None

    def take(
        self,
        chunk: ActionChunk,
        *,
        now_ns: int,
        ready_ns: int | None = None,
        executed: Executed,
        here: FloatArray | None,
    ) -> ActionChunk:
        """The chunk as it goes to the drive at `now_ns`.

        Args:
            chunk: as it was made.
            now_ns: the instant of the hand-over, [ns].
            ready_ns: when it was ready, if that was simulated, [ns].
            executed: what was commanded until now.
            here: joint positions commanded at `now_ns`, shape (n,), [rad]; None if nobody knows.

        Raises:
            RefusedError: if it has run out already, or begins too far from the arm and may not be blended.
        """
        waited_ns = 0 if self._options.rtc else executed.stopped_ns(chunk.t_obs_ns, now_ns)
        # a machine that is faster than the simulated world is ready before the world is
        ready_ns = min(chunk.t_ready_ns, now_ns) if ready_ns is None else ready_ns
        chunk = replace(chunk, t_ready_ns=ready_ns, t0_ns=chunk.t0_ns + waited_ns)
        skipped = _steps_before(chunk, now_ns)
        if _steps_before(chunk, now_ns + 1) == chunk.samples.shape[1]:
            raise _run_out(chunk, now_ns)
        joined, jump = chunk, 0.0
        if here is not None and np.isfinite(chunk.samples).all():  # else it is for the gate to refuse
            offsets = self._space.offsets(chunk, now_ns, here)
            jumps = (np.abs(offsets) / self._bounds).max(axis=1)
            jump = float(jumps.min())
            joined = self._join(chunk, now_ns, offsets, jumps)
        self.last = Joined(
            seq=chunk.seq,
            skipped=skipped,
            delay_s=(now_ns - chunk.t_obs_ns) * 1e-9,
            jump=jump,
            blended=jump > 1.0,
            waited_s=waited_ns * 1e-9,
        )
        return joined

    def _join(self, chunk: ActionChunk, now_ns: int, offsets: FloatArray, jumps: FloatArray) -> ActionChunk:
        """The chunk without the samples that jump too far, the others moved to where the arm is."""
        near = jumps <= self._options.refuse_above
        if not near.any():
            raise self._jumps(chunk, offsets[int(np.argmin(jumps))])
        if not near.all():
            chunk, offsets, jumps = replace(chunk, samples=chunk.samples[near]), offsets[near], jumps[near]
        if (jumps <= 1.0).all():
            return chunk
        moves = np.where(jumps[:, None] <= 1.0, 0.0, offsets)
        return replace(chunk, samples=self._space.moved(chunk, moves, self._shares(chunk, now_ns)))

    def _shares(self, chunk: ActionChunk, now_ns: int) -> FloatArray:
        """How far each step is moved to where the arm is, shape (T,): wholly until now, then less."""
        steps = np.arange(chunk.samples.shape[1])
        first = _steps_before(chunk, now_ns)
        done = np.clip((steps - first) * chunk.dt_s / self._options.blend_s, 0.0, 1.0)
        return np.asarray(1.0 - done * done * (3.0 - 2.0 * done))

    def _jumps(self, chunk: ActionChunk, offset: FloatArray) -> RefusedError:
        worst = int(np.argmax(np.abs(offset) / self._bounds))
        return RefusedError(
            f"chunk {chunk.seq} begins {abs(offset[worst]):.3g} {self._units[worst]} from where the arm is, "
            f"bound {self._options.refuse_above * self._bounds[worst]:.3g}",
            field=f"chunk.{self._names[worst]}",
            mend="Set policy.options.stream.rtc to true, or refuse_above higher.",
        )


def _steps_before(chunk: ActionChunk, now_ns: int) -> int:
    """How many steps of a chunk lie before `now_ns`: their time is over. From 0 to T."""
    steps = chunk.samples.shape[1]
    times = chunk.t0_ns + np.round(np.arange(steps) * chunk.dt_s * 1e9)
    return int(np.count_nonzero(times < now_ns))


def _run_out(chunk: ActionChunk, now_ns: int) -> RefusedError:
    return RefusedError(
        f"chunk {chunk.seq} had run out when it came",
        field="chunk.t_obs_ns",
        value=f"{(now_ns - chunk.t_obs_ns) * 1e-9:.3f} s ago",
        mend="Use a faster model, or a longer horizon.",
    )
