"""The self-test of a cell on this computer: model, capsules, limits, solvers, timing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from interlock.errors import InterlockError
from interlock.guards.body import BodyModel
from interlock.guards.compile import NUMERIC_PATH
from interlock.guards.cross_check import worst_disagreement
from interlock.guards.gate import Gate
from interlock.guards.plugins import load_constraints
from interlock.orchestrator import body_check
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.check_result import CheckResult
from interlock.orchestrator.host_timing import sleep_lateness_us, tick_parts_us
from interlock.orchestrator.reachability import make_reachable
from interlock.orchestrator.run_command import chosen_cell
from interlock.orchestrator.stream_rules import longest_answer_s, stream_times_s
from interlock.orchestrator.trained_cell import LEARNED, checkpoint_of, require_statistics
from interlock.planners.domain import Role
from interlock.policy.vla.shipped_weights import name_of

__all__ = ["run"]

_SOLVER_TOLERANCE = 1e-5
_TICKS = 300
_WAKES = 200

Finding = tuple[bool, str]
"""Whether it holds, and the numbers behind it."""


def run(cell: Cell) -> list[CheckResult]:
    """Run every check; one that raises has failed, and the others still run.

    Raises:
        RobotModelError: if the cell's URDF cannot be used; there is nothing to check then.
    """
    body = BodyModel.build(cell.robot_spec())
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("kernels are compiled", _numeric_path),
        ("kinematics agree with Pinocchio", lambda: body_check.kinematics(body)),
        ("capsules cover the meshes", lambda: body_check.capsule_cover(body)),
        ("limits are inside the URDF's", lambda: body_check.limits(cell, body)),
        ("unjudged links meet always or never", lambda: body_check.unjudged_pairs(body)),
        ("home is free", lambda: body_check.home(cell, body)),
        ("constraints load", lambda: _constraints(cell, body)),
        ("solvers agree", _solvers),
        ("objects are in reach", lambda: _reach(cell)),
        ("the policy knows this body", lambda: _policy(cell)),
        ("chunks last until the next", lambda: _answers(cell)),
        ("the tick fits its period", lambda: _timing(cell)),
        ("this host wakes in time", lambda: _wake(cell)),
    ]
    return [_one(name, check) for name, check in checks]


def _one(name: str, check: Callable[[], Finding]) -> CheckResult:
    try:
        ok, detail = check()
    except InterlockError as error:
        ok, detail = False, error.message
    except Exception as error:
        ok, detail = False, f"{type(error).__name__}: {error}"
    return CheckResult(name=name, ok=bool(ok), detail=detail)


def _numeric_path() -> Finding:
    return NUMERIC_PATH == "compiled", f"numeric path: {NUMERIC_PATH}"


def _constraints(cell: Cell, body: BodyModel) -> Finding:
    config = cell.gate_config()
    constraints = load_constraints(config, body.robot)
    Gate(body, cell.embodiment(), config, constraints)
    return True, f"{len(constraints)} of the user's own; the program is convex and canonicalised"


def _solvers() -> Finding:
    worst, count = worst_disagreement()
    detail = f"{count} random programs, affine map + DAQP against Clarabel: {worst:.1e} rad/s"
    return worst < _SOLVER_TOLERANCE, detail


def _reach(cell: Cell) -> Finding:
    reachable = make_reachable(cell.robot_spec(), cell.zones())
    movable = [o for o in cell.domain(0).objects if o.role is Role.MOVABLE]
    missed = [f"{o.name}: {why}" for o in movable if (why := reachable(o.position)) is not None]
    return not missed, "; ".join(missed) or f"all {len(movable)} movable objects"


def _policy(cell: Cell) -> Finding:
    learned, name = chosen_cell(cell, None, None)
    if name != LEARNED:
        return True, name
    folder = checkpoint_of(learned)
    statistics = require_statistics(folder)
    skills = ", ".join(statistics.of(learned.embodiment()).skills) or "nobody knows which skills"
    named = name_of(folder)
    origin = f"the weights {named} that ship" if named else f"the checkpoint in {folder}"
    detail = f"{name} with {origin}, proposing in {learned.file.policy.action_space}"
    return True, f"{detail}; it knows {len(statistics.bodies)} bodies and {skills}"


def _answers(cell: Cell) -> Finding:
    latency_s, lead_s = stream_times_s(cell.options_of(cell.policy))
    longest_s, deadline_s = longest_answer_s(cell.file, lead_s), cell.file.guards.chunk_deadline_s
    detail = (
        f"an answer may take {1e3 * longest_s:.0f} ms (chunk_deadline_s {deadline_s:g}, "
        f"{cell.rates.horizon} steps at {cell.rates.chunk_rate_hz:g} Hz, replan_s {cell.rates.replan_s:g}); "
        f"simulated are {1e3 * latency_s:.0f} ms"
    )
    return longest_s >= latency_s and longest_s > 0.0, detail


def _timing(cell: Cell) -> Finding:
    parts = tick_parts_us(cell, _TICKS)
    total = np.sum(list(parts.values()), axis=0)
    p99, period_us = float(np.percentile(total, 99)), cell.period_s * 1e6
    each = ", ".join(
        f"{part} {np.median(times):.0f}/{np.percentile(times, 99):.0f}" for part, times in parts.items()
    )
    detail = f"CPU us, median/p99 of {_TICKS} ticks: {each}; whole {np.median(total):.0f}/{p99:.0f}"
    return p99 < period_us, f"{detail} of {period_us:.0f}, physics apart"


def _wake(cell: Cell) -> Finding:
    late = sleep_lateness_us(cell.period_s, _WAKES)
    p99 = float(np.percentile(late, 99))
    detail = f"late by {np.median(late):.0f} us (median), {p99:.0f} us (p99) at {1 / cell.period_s:.0f} Hz"
    return p99 < cell.period_s * 1e6, detail
