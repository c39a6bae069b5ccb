"""How a run ended, in one JSON object."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from interlock.errors import ExitCode, InterlockError, RefusedError, StoppedError
from interlock.orchestrator.swap_record import SwapRecord

__all__ = ["Outcome", "RefereeSummary", "RunSummary"]


class Outcome(StrEnum):
    """The four ways a run ends."""

    ACHIEVED = "achieved"
    REFUSED = "refused"
    STOPPED = "stopped"
    GAVE_UP = "gave_up"


_EXIT_CODES = {
    Outcome.ACHIEVED: ExitCode.ACHIEVED,
    Outcome.REFUSED: ExitCode.REFUSED,
    Outcome.STOPPED: ExitCode.STOPPED,
    Outcome.GAVE_UP: ExitCode.GAVE_UP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RefereeSummary:
    """What the simulator's referee counted.

    Attributes:
        contacts: contacts while moving, but for the allowed ones.
        contacts_into_standing_arm: contacts that began while the arm was at measured standstill.
        min_distance_m: smallest distance seen, [m]; None if none was measured.
        limit_violations: violated limits of position, speed, acceleration and jerk.
        max_tcp_speed_m_s: highest speed of the tool centre point, [m/s].
    """

    contacts: int = 0
    contacts_into_standing_arm: int = 0
    min_distance_m: float | None = None
    limit_violations: int = 0
    max_tcp_speed_m_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """The outcome of a run; its fields are the keys that `interlock run --json` prints.

    Attributes:
        outcome: how it ended.
        goal: the goal in words.
        plan: the tasks in order, e.g. "pick(red_block)".
        reason: why it ended so, one sentence; "" if achieved.
        ticks: control ticks.
        sim_time_s: simulated time, [s].
        interventions: for each guard, ticks in which it changed a proposal.
        refusals: for each guard, how often it refused on the way down the ladder.
        released_fraction: share of ticks in which a proposal was released, 0 to 1.
        uncertainty: how often each was decided about a learned policy's answers; empty without a calibration.
        path_length_rad: sum over joints of the path commanded, [rad].
        min_margin_m: smallest distance margin, [m]; None if none was measured.
        referee: what the referee counted.
        trace: path of the trace, or None.
        report: path of the report, or None.
        seed: the run's seed.
        swaps: checkpoints that were to take over meanwhile, and how that went.
    """

    outcome: Outcome
    goal: str
    plan: tuple[str, ...] = ()
    reason: str = ""
    ticks: int = 0
    sim_time_s: float = 0.0
    interventions: Mapping[str, int] = field(default_factory=dict)
    refusals: Mapping[str, int] = field(default_factory=dict)
    released_fraction: float = 0.0
    uncertainty: Mapping[str, int] = field(default_factory=dict)
    path_length_rad: float = 0.0
    min_margin_m: float | None = None
    referee: RefereeSummary = field(default_factory=RefereeSummary)
    trace: str | None = None
    report: str | None = None
    seed: int = 0
    swaps: tuple[SwapRecord, ...] = ()

    @classmethod
    def not_started(cls, error: InterlockError, *, goal: str, seed: int) -> RunSummary | None:
        """The summary of a run that `error` kept from starting; None for bad input, which is no outcome."""
        if isinstance(error, RefusedError):
            return cls(outcome=Outcome.REFUSED, goal=goal, reason=error.message, seed=seed)
        if isinstance(error, StoppedError):
            return cls(outcome=Outcome.STOPPED, goal=goal, reason=error.message, seed=seed)
        return None

    @property
    def exit_code(self) -> ExitCode:
        """What the process returns."""
        return _EXIT_CODES[self.outcome]

    def to_json(self) -> str:
        """One line of strict JSON; a number that is not finite becomes null."""
        return json.dumps(_strict(asdict(self)), allow_nan=False)


def _strict(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _strict(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(inner) for inner in value]
    return value
