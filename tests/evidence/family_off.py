"""Each guard family switched off alone, by doctoring what the real gate is built from.

The product has no such switch. Driver, scene and referee keep the true limits: only the gate is deceived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from ungated import minted

from interlock.guards.body import BodyModel
from interlock.guards.config import GateConfig
from interlock.guards.gate import Gate, GateOutput
from interlock.guards.grip import Grip
from interlock.guards.intake import GateInput, Intake
from interlock.guards.plugins import load_constraints
from interlock.guards.reference import Reference
from interlock.guards.surveyor import Surveyor
from interlock.guards.verifier import Surroundings
from interlock.hal.chunk import ActionChunk
from interlock.hal.zone import ZoneKind
from interlock.orchestrator.cell import Cell

__all__ = ["TRIALS", "Trial"]

_FAR = 100.0  # rad
_MUCH = 20.0  # times a limit
_FOR_EVER_S = 1e9
_CELLS = ("panda_tabletop", "xarm6_tabletop")
_TRAY = "put the red block in the tray"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One family off, and the run that shows that it was needed.

    Attributes:
        name: the family, or the part of it that has a counter of its own.
        counter: the referee's counter that must trip with the family off.
        policy: a stock policy or a tailored one.
        doctor: builds the gate without the family from a cell and its true body.
        goal: goal in words.
        seeds: seeds of the runs; the counter has to trip in one of them.
        sim_time_s: how long each run lasts, [s].
        cells: the cells it is shown on.
    """

    name: str
    counter: str
    policy: str
    doctor: Callable[[Cell, BodyModel], Gate]
    goal: str = _TRAY
    seeds: tuple[int, ...] = (0, 1)
    sim_time_s: float = 6.0
    cells: tuple[str, ...] = _CELLS


class _AnyOrder(Intake):
    """Takes a chunk however old it is and whatever its number."""

    def _order(self, chunk: ActionChunk, given: GateInput) -> None:
        return None


class _AnyValue(Intake):
    """Takes a chunk whatever stands in it."""

    def _values(self, chunk: ActionChunk) -> None:
        return None


class _Credulous(Gate):
    """Releases a proposal that is not finite as it is; everything else goes the usual way."""

    def decide(self, given: GateInput) -> GateOutput:
        with np.errstate(all="ignore"):
            return super().decide(given)

    def _descend(self, given: GateInput, reference: Reference, grip: Grip) -> GateOutput:
        if np.isfinite(reference.q).all() and np.isfinite(reference.v).all():
            return super()._descend(given, reference, grip)
        state = given.state
        start = np.array([state.q_commanded, state.v_commanded, state.a_commanded])
        end = np.array([reference.q, reference.v, np.zeros(self.body.n)])
        return minted(given, self.body, self.config.period_s, start, end, None)


class _BlindSurveyor(Surveyor):
    """Sees the zones and nothing else around."""

    def survey(self, given: GateInput) -> Surroundings:
        nothing = replace(given.scene, objects=())
        seen = super().survey(given)
        bare = super().survey(replace(given, scene=nothing))
        return replace(
            bare, solid=seen.solid, skip=np.zeros((len(seen.solid.cap_link), bare.skip.shape[1]), bool)
        )


class _EmptyHandedSurveyor(Surveyor):
    """Does not know that anything moves with the tool."""

    def survey(self, given: GateInput) -> Surroundings:
        others = tuple(thing for thing in given.scene.objects if thing.name != given.phase.held)
        return super().survey(replace(given, scene=replace(given.scene, objects=others)))


class _HastySurveyor(Surveyor):
    """Does not slow the tool down where a contact is allowed."""

    def survey(self, given: GateInput) -> Surroundings:
        still = replace(given.state, v_commanded=np.zeros(len(given.state.q)))
        usual = super().survey(replace(given, state=still))
        return replace(usual, tool_speed_limit_m_s=self._body.robot.max_tool_speed_m_s)


def _build(cell: Cell, body: BodyModel, config: GateConfig | None = None, kind: type[Gate] = Gate) -> Gate:
    told = cell.gate_config() if config is None else config
    gate = kind(body, cell.embodiment(), told, load_constraints(told, body.robot))
    gate.config = cell.gate_config()  # what others read off the gate stays true
    return gate


def _with_limits(body: BodyModel, **factors: float) -> BodyModel:
    limits = body.robot.limits
    wider = {name: getattr(limits, name) * factor for name, factor in factors.items()}
    return replace(body, robot=replace(body.robot, limits=replace(limits, **wider)))


def _no_position(cell: Cell, body: BodyModel) -> Gate:
    limits = replace(body.robot.limits, q_min=np.full(body.n, -_FAR), q_max=np.full(body.n, _FAR))
    return _build(cell, replace(body, robot=replace(body.robot, limits=limits)))


def _no_velocity(cell: Cell, body: BodyModel) -> Gate:
    return _build(cell, _with_limits(body, v_max=_MUCH))


def _no_acceleration(cell: Cell, body: BodyModel) -> Gate:
    return _build(cell, _with_limits(body, a_max=_MUCH))


def _no_jerk(cell: Cell, body: BodyModel) -> Gate:
    return _build(cell, _with_limits(body, j_max=_MUCH))


def _no_tool_speed(cell: Cell, body: BodyModel) -> Gate:
    fast = replace(body.robot, max_tool_speed_m_s=_MUCH * body.robot.max_tool_speed_m_s)
    return _build(cell, replace(body, robot=fast))


def _no_contact_speed(cell: Cell, body: BodyModel) -> Gate:
    gate = _build(cell, body)
    gate._surveyor = _HastySurveyor(body, gate.config)
    return gate


def _no_zones(kind: ZoneKind) -> Callable[[Cell, BodyModel], Gate]:
    def build(cell: Cell, body: BodyModel) -> Gate:
        config = cell.gate_config()
        return _build(cell, body, replace(config, zones=tuple(z for z in config.zones if z.kind is not kind)))

    return build


def _no_self_collision(cell: Cell, body: BodyModel) -> Gate:
    none, no_lever = np.empty((0, 2), dtype=np.int64), np.empty((0, body.n))
    return _build(cell, replace(body, self_pairs=none, pair_lever=no_lever))


def _no_environment(cell: Cell, body: BodyModel) -> Gate:
    gate = _build(cell, body)
    gate._surveyor = _BlindSurveyor(body, gate.config)
    return gate


def _no_held_object(cell: Cell, body: BodyModel) -> Gate:
    gate = _build(cell, body)
    gate._surveyor = _EmptyHandedSurveyor(body, gate.config)
    return gate


def _no_integrity(cell: Cell, body: BodyModel) -> Gate:
    gate = _build(cell, body, kind=_Credulous)
    gate._intake = _AnyValue(body.robot, cell.embodiment(), gate.config)
    return gate


def _no_freshness(cell: Cell, body: BodyModel) -> Gate:
    for_ever = replace(
        cell.gate_config(),
        chunk_deadline_s=_FOR_EVER_S,
        state_deadline_s=_FOR_EVER_S,
        scene_deadline_s=_FOR_EVER_S,
    )
    gate = _build(cell, body, for_ever)
    gate._intake = _AnyOrder(body.robot, cell.embodiment(), for_ever)
    return gate


TRIALS: dict[str, Trial] = {
    trial.name: trial
    for trial in (
        Trial(name="integrity", counter="non_finite", policy="nan", doctor=_no_integrity, sim_time_s=2.0),
        Trial(name="freshness", counter="stale", policy="stale", doctor=_no_freshness, sim_time_s=3.0),
        Trial(name="position", counter="position", policy="past_the_limit", doctor=_no_position),
        Trial(name="velocity", counter="velocity", policy="fast_wrist", doctor=_no_velocity),
        Trial(name="acceleration", counter="acceleration", policy="jerky_wrist", doctor=_no_acceleration),
        Trial(name="jerk", counter="jerk", policy="jerky_wrist", doctor=_no_jerk),
        Trial(name="tool_speed", counter="tool_speed", policy="swing", doctor=_no_tool_speed),
        Trial(
            name="contact_speed",
            counter="tool_speed_in_contact",
            policy="hasty_lift",
            doctor=_no_contact_speed,
            sim_time_s=20.0,
        ),
        Trial(
            name="zones_keep_in",
            counter="zone_keep_in",
            policy="base_turn",
            doctor=_no_zones(ZoneKind.KEEP_IN),
        ),
        Trial(
            name="zones_keep_out",
            counter="zone_keep_out",
            policy="stretch",
            doctor=_no_zones(ZoneKind.KEEP_OUT),
        ),
        Trial(name="self_collision", counter="contact_self", policy="fold", doctor=_no_self_collision),
        Trial(
            name="environment",
            counter="contact_environment",
            policy="reckless",
            doctor=_no_environment,
            seeds=(0, 1, 2),
            sim_time_s=10.0,
        ),
        Trial(
            name="held_object",
            counter="contact_held",
            policy="into_the_table",
            doctor=_no_held_object,
            sim_time_s=20.0,
        ),
    )
}
"""Every family by name."""
