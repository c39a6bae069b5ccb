"""The first door: shape, embodiment, finiteness, freshness and order of everything that comes in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.guards.body import BodyModel
from interlock.guards.channels import check_channels, in_joints
from interlock.guards.config import GateConfig
from interlock.guards.scene_check import scene_fault
from interlock.guards.sightings import sighting_fault
from interlock.guards.verdict import Family
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.hal.embodiment import Embodiment, Reference
from interlock.hal.phase import Phase
from interlock.hal.scene import Scene
from interlock.hal.state import RobotState

__all__ = ["GateInput", "Intake"]

_MAX_SAMPLES = 64
_FAR_NS = 600_000_000_000  # a chunk that begins further from now than this is a mistake
_MAX_STEPS = 512  # a chunk longer than this is not a chunk
_MAX_POINTS = 4096  # of all samples together: judging them has an end
_RIGID = 1e-6
_ROUNDING_M = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInput:
    """All that one decision depends on; recording it is enough to decide again.

    Attributes:
        seq: sequence number of the command to be released.
        epoch: epoch of the drive.
        now_ns: start of the tick, [ns].
        lateness_ns: how late the tick began, judged by the drive, [ns].
        state: measured and commanded state at `now_ns`.
        scene: the world as known.
        chunk: the proposal in force, or None.
        last_seq: sequence number of the chunk accepted before `chunk`, -1 if none.
        phase: what the task allows now.
        reshaped: family and reason for which `chunk` is not what was proposed, and gives joint positions (see
            `preview`); or None.
        earlier: scenes that earlier decisions were based on, which this one has to follow from; the drive
            gives the last sighting of each object and the oldest scene of `GateConfig.sight_window_s`.
    """

    seq: int
    epoch: int
    now_ns: int
    lateness_ns: int
    state: RobotState
    scene: Scene
    chunk: ActionChunk | None
    last_seq: int
    phase: Phase
    reshaped: tuple[str, str] | None = None
    earlier: tuple[Scene, ...] = ()


class Intake:
    """Says why an input may not be used: (family, reason), or None if it may.

    A chunk comes in the embodiment's own channels; one that the gate changed gives joint positions.

    Raises:
        BadInputError: if the embodiment is not one of this robot that `channels` allows.

    Attributes:
        in_joints: the embodiment with the arm's joints as channels; the given one if it has them already.
    """

    def __init__(self, body: BodyModel, embodiment: Embodiment, config: GateConfig) -> None:
        robot = body.robot
        check_channels(robot, embodiment)
        self._robot = robot
        self._links = frozenset((*body.cap_link, *body.model.links()))
        self._tool_centre, self._tool_reach_m = body.tool_ball()
        self.in_joints = in_joints(robot, embodiment)
        # a third of a decision if computed each tick
        self._proposed = embodiment, embodiment.fingerprint
        self._changed = self.in_joints, self.in_joints.fingerprint
        self._config = config

    def robot_fault(self, given: GateInput) -> tuple[str, str] | None:
        """What is wrong with the state or the scene."""
        return self._state(given) or self._tracking(given) or self._scene(given)

    def chunk_fault(self, given: GateInput) -> tuple[str, str] | None:
        """What is wrong with the proposal."""
        chunk = given.chunk
        if chunk is None:
            return Family.FRESHNESS, "no proposal"
        body, fingerprint = self._proposed if given.reshaped is None else self._changed
        if chunk.embodiment != fingerprint:
            return Family.INTEGRITY, f"chunk is for another embodiment ({chunk.embodiment[:12]}…)"
        return (
            _form(chunk, body)
            or self._anchor(chunk, body)
            or self._order(chunk, given)
            or _values(chunk, body)
        )

    def _state(self, given: GateInput) -> tuple[str, str] | None:
        state, n = given.state, self._robot.dof
        if len(state.q) != n:
            return Family.INTEGRITY, f"state has {len(state.q)} joints, the robot has {n}"
        for name in ("q", "v", "q_commanded", "v_commanded", "a_commanded"):
            if not np.isfinite(getattr(state, name)).all():
                return Family.INTEGRITY, f"state.{name} is not finite"
        hand = state.gripper
        if hand is not None and not (np.isfinite(hand.width_m) and np.isfinite(hand.force_n)):
            return Family.INTEGRITY, "state.gripper is not finite"
        age_s = (given.now_ns - state.stamp_ns) * 1e-9
        if not 0.0 <= age_s <= self._config.state_deadline_s:
            return Family.FRESHNESS, f"state is {age_s:.3f} s old, deadline {self._config.state_deadline_s} s"
        late_s, period_s = given.lateness_ns * 1e-9, self._config.period_s
        if not 0.0 <= late_s <= period_s:
            return Family.FRESHNESS, f"the tick began {late_s:.3f} s late, its period is {period_s} s"
        return None

    def _tracking(self, given: GateInput) -> tuple[str, str] | None:
        tube, state = self._robot.tube, given.state
        for what, measured, commanded, bound, unit in (
            ("position", state.q, state.q_commanded, tube.position_rad, "rad"),
            ("velocity", state.v, state.v_commanded, tube.velocity_rad_s, "rad/s"),
        ):
            error = np.abs(measured - commanded)
            worst = int(np.argmax(error))
            if not error[worst] <= bound:
                joint = self._robot.limits.names[worst]
                return (
                    Family.TRACKING,
                    f"{joint} {what} is {error[worst]:.4g} {unit} off, tube {bound} {unit}",
                )
        return None

    def _scene(self, given: GateInput) -> tuple[str, str] | None:
        return scene_fault(
            given.scene, given.phase, given.now_ns, self._config.scene_deadline_s, self._links
        ) or sighting_fault(given.scene, given.earlier, self._config.position_sigmas)

    def _anchor(self, chunk: ActionChunk, body: Embodiment) -> tuple[str, str] | None:
        """A relative chunk starts from the pose that the tool had: one that it could have."""
        if body.tool_reference in (None, Reference.ABSOLUTE):
            return None
        if chunk.anchor is None or not _is_pose(chunk.anchor):
            return Family.INTEGRITY, f"chunk {chunk.seq} is relative, and its anchor is no pose"
        away_m = float(np.abs(chunk.anchor[:3, 3] - self._tool_centre).max())
        if away_m <= self._tool_reach_m:  # no square of it overflows
            away_m = float(np.linalg.norm(chunk.anchor[:3, 3] - self._tool_centre))
        if away_m <= self._tool_reach_m + _ROUNDING_M:
            return None
        return Family.INTEGRITY, (
            f"chunk {chunk.seq} has its anchor {away_m:.4g} m from the arm's first joint, the tool gets no "
            f"further than {self._tool_reach_m:.4g} m; another unit?"
        )

    def _order(self, chunk: ActionChunk, given: GateInput) -> tuple[str, str] | None:
        if chunk.seq <= given.last_seq:
            return Family.FRESHNESS, f"chunk {chunk.seq} comes after chunk {given.last_seq}"
        if not chunk.t_obs_ns <= chunk.t_ready_ns <= given.now_ns:
            return Family.FRESHNESS, f"chunk {chunk.seq} has stamps out of order"
        if not max(abs(chunk.t0_ns - given.now_ns), given.now_ns - chunk.t_obs_ns) <= _FAR_NS:
            return Family.FRESHNESS, f"chunk {chunk.seq} is not for now: it begins or was made minutes away"
        age_s = (given.now_ns - chunk.t_obs_ns) * 1e-9
        if age_s > self._config.chunk_deadline_s:
            return Family.FRESHNESS, (
                f"chunk {chunk.seq} was made from an observation {age_s:.2f} s old, "
                f"deadline {self._config.chunk_deadline_s} s"
            )
        return None


def _form(chunk: ActionChunk, body: Embodiment) -> tuple[str, str] | None:
    samples, steps, channels = chunk.samples.shape
    if channels != len(body.channels):
        return Family.INTEGRITY, f"chunk has {channels} channels, {body.tag} has {len(body.channels)}"
    few = samples * steps <= _MAX_POINTS
    if not (1 <= samples <= _MAX_SAMPLES and 2 <= steps <= _MAX_STEPS and few):
        return Family.INTEGRITY, f"chunk has {samples} samples of {steps} steps"
    if not (np.isfinite(chunk.dt_s) and 1e-3 <= chunk.dt_s <= 1.0):
        return Family.INTEGRITY, f"chunk.dt_s is {chunk.dt_s!r}"
    return None


def _is_pose(anchor: FloatArray) -> bool:
    if not np.isfinite(anchor).all() or np.abs(anchor[3] - (0.0, 0.0, 0.0, 1.0)).max() > 0.0:
        return False
    turn = anchor[:3, :3]
    return bool(np.abs(turn @ turn.T - np.eye(3)).max() < _RIGID and np.linalg.det(turn) > 0.0)


def _values(chunk: ActionChunk, body: Embodiment) -> tuple[str, str] | None:
    if not np.isfinite(chunk.samples).all():
        sample, step, channel = (int(i) for i in np.argwhere(~np.isfinite(chunk.samples))[0])
        name = body.channels[channel].name
        return Family.INTEGRITY, f"chunk {chunk.seq} sample {sample} step {step}: {name} is not finite"
    lower = np.array([c.lower for c in body.channels])
    upper = np.array([c.upper for c in body.channels])
    # a policy may ask for a little more than a limit (the gate corrects that); another unit is far off
    room = 0.25 * (upper - lower)
    outside = (chunk.samples < lower - room) | (chunk.samples > upper + room)
    if outside.any():
        sample, step, channel = (int(i) for i in np.argwhere(outside)[0])
        name, unit = body.channels[channel].name, body.channels[channel].unit
        value = float(chunk.samples[sample, step, channel])
        return Family.INTEGRITY, (
            f"chunk {chunk.seq} step {step}: {name} = {value:.4g} {unit} is far outside "
            f"[{lower[channel]:.4g}, {upper[channel]:.4g}]; another unit?"
        )
    return None
