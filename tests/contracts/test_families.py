"""Every family that ships keeps the contract."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from tests.contracts.guard_contract import (
    JOINTS,
    PANDA,
    GuardContract,
    at,
    creeping,
    gate_with_limit,
    gate_with_robot,
    home,
    line,
    poison,
)
from tests.guards.closed_loop import (
    IDLE,
    NOW_NS,
    ball,
    body_of,
    box,
    cell_of,
    chunk_of,
    embodiment_of,
    gate_of,
    gate_with,
    seen_at,
)
from tests.properties.released import oracle_of

from interlock.guards.constraint import ConstraintContext
from interlock.guards.gate import Gate
from interlock.guards.speed_budget import SpeedBudget
from interlock.guards.verdict import Family
from interlock.hal.scene import ObjectKind
from interlock.hal.state import GripperState
from interlock.hal.zone import Zone, ZoneKind

ROBOT = body_of(PANDA).robot
LIMITS = ROBOT.limits
WRIST = 6


def _turn(speed: float, joint: int = WRIST) -> np.ndarray:
    velocity = np.zeros(JOINTS)
    velocity[joint] = speed
    return velocity


def _nan_limits(field: str):
    """A gate whose limit of one joint is NaN."""
    limits = ROBOT.limits
    return gate_with_robot(limits=replace(limits, **{field: poison(getattr(limits, field))}))


class TestIntegrity(GuardContract):
    family = Family.INTEGRITY

    def harmful(self):
        given = creeping()
        return replace(given, chunk=replace(given.chunk, embodiment="another"))

    def poisoned(self):
        given = creeping()
        for field in ("q", "v", "q_commanded", "v_commanded", "a_commanded"):
            state = replace(given.state, **{field: poison(getattr(given.state, field))})
            yield self.gate(), replace(given, state=state)
        chunk = replace(given.chunk, samples=poison(given.chunk.samples, (0, 9, 1)))
        yield self.gate(), replace(given, chunk=chunk)


class TestFreshness(GuardContract):
    family = Family.FRESHNESS

    def harmful(self):
        given = creeping()
        return replace(given, chunk=replace(given.chunk, t_obs_ns=NOW_NS - 600_000_000))

    def poisoned(self):
        given = creeping()
        yield self.gate(), replace(given, chunk=replace(given.chunk, dt_s=float("nan")))

    def without(self):
        return gate_with(PANDA, chunk_deadline_s=9.0)


class TestTracking(GuardContract):
    family = Family.TRACKING

    def harmful(self):
        given = creeping()
        q = np.array(given.state.q)
        q[2] += 1.01 * ROBOT.tube.position_rad
        return replace(given, state=replace(given.state, q=q))

    def poisoned(self):
        given = creeping()
        for field in ("q", "v"):
            state = replace(given.state, **{field: poison(getattr(given.state, field))})
            yield self.gate(), replace(given, state=state)
        tube = replace(ROBOT.tube, position_rad=float("nan"))
        yield gate_with_robot(tube=tube), given
        yield gate_with_robot(tube=replace(ROBOT.tube, velocity_rad_s=float("nan"))), given

    def without(self):
        return gate_with_robot(tube=replace(ROBOT.tube, position_rad=2 * ROBOT.tube.position_rad))


class TestPosition(GuardContract):
    family = Family.POSITION

    def harmful(self):
        node = home()
        node[0, WRIST] = LIMITS.q_max[WRIST] - ROBOT.tube.position_rad - 2e-3
        return at(node, line(node, _turn(0.03)))

    def poisoned(self):
        for field in ("q_min", "q_max"):
            yield _nan_limits(field), creeping()

    def without(self):
        return gate_with_limit("q_max", 2.0)


class TestVelocity(GuardContract):
    family = Family.VELOCITY

    def harmful(self):
        node = home()
        node[1, WRIST] = 0.96 * LIMITS.v_max[WRIST]
        return at(node, line(node, _turn(0.999 * LIMITS.v_max[WRIST])))

    def poisoned(self):
        yield _nan_limits("v_max"), creeping()

    def without(self):
        return gate_with_limit("v_max", 2.0)


class TestAcceleration(GuardContract):
    family = Family.ACCELERATION

    def harmful(self):
        node = home()
        node[2, WRIST] = 0.99 * LIMITS.a_max[WRIST]
        ramp = np.ceil(LIMITS.a_max[WRIST] / (LIMITS.j_max[WRIST] * 0.01))
        ahead = 0.005 * (1.0 + ramp)
        wanted = 0.005 * node[2, WRIST] + ahead * 1.05 * LIMITS.a_max[WRIST]
        return at(node, line(node, _turn(wanted)))

    def poisoned(self):
        yield _nan_limits("a_max"), creeping()

    def without(self):
        return gate_with_limit("a_max", 1.5)


class TestJerk(GuardContract):
    family = Family.JERK

    def harmful(self):
        return at(home(), line(home(), _turn(0.3)))

    def poisoned(self):
        yield _nan_limits("j_max"), creeping()

    def without(self):
        return gate_with_limit("j_max", 10.0)


class TestToolSpeed(GuardContract):
    family = Family.TOOL_SPEED

    def gate(self) -> Gate:
        return _slow_gate()

    def harmful(self):
        # the shoulder moves the tool by more than half a metre for each radian
        return at(home(), line(home(), _turn(0.05, joint=1)))

    def poisoned(self):
        yield gate_with_robot(max_tool_speed_m_s=float("nan")), creeping()

    def without(self):
        return gate_of(PANDA)


class TestZones(GuardContract):
    family = Family.ZONES

    def gate(self) -> Gate:
        return gate_with(PANDA, zones=(self.zone(),))

    def zone(self) -> Zone:
        tool = oracle_of(PANDA, 0.03).tool(home()[0])
        reach = np.array([0.5, 0.0002 + _tool_tube(), 0.5])
        return Zone(name="cage", kind=ZoneKind.KEEP_IN, lower=tool - 0.5, upper=tool + reach)

    def harmful(self):
        # turn the base to the left, at a speed from which it cannot stop within 0.2 mm
        node = home()
        node[1, 0] = 0.05
        return at(node, line(node, _turn(0.05, joint=0)))

    def poisoned(self):
        # a zone of NaN cannot be built into a gate (test_config); a tool of NaN can
        body = body_of(PANDA)
        nowhere = replace(body, tool_pos=poison(body.tool_pos, 1))
        yield Gate(nowhere, embodiment_of(PANDA), self.gate().config), creeping()

    def without(self):
        return gate_of(PANDA)


def _tool_tube() -> float:
    return float(body_of(PANDA).tool_lever.sum()) * ROBOT.tube.position_rad


class TestEnvironment(GuardContract):
    family = Family.ENVIRONMENT

    def harmful(self):
        tool = oracle_of(PANDA, 0.03).tool(home()[0])
        return replace(creeping(), scene=seen_at([ball("pearl", tool, 0.01)], NOW_NS))

    def poisoned(self):
        given = creeping()
        body = body_of(PANDA)
        for field in ("cap_a", "cap_radius", "lever"):
            spoilt = replace(body, **{field: poison(getattr(body, field), 12)})
            yield Gate(spoilt, embodiment_of(PANDA), cell_of(PANDA).gate_config()), given
        pearl = ball("pearl", [0.0, np.nan, 0.0], 0.01)
        yield self.gate(), replace(given, scene=seen_at([pearl], NOW_NS))


class TestSelfCollision(GuardContract):
    family = Family.SELF_COLLISION

    def harmful(self):
        node = home()
        tube = ROBOT.tube.position_rad
        node[0, [1, 3, 5]] = LIMITS.q_max[1] - tube, LIMITS.q_min[3] + tube, LIMITS.q_min[5] + tube
        return replace(at(node, np.tile(node[0], (16, 1))), scene=seen_at([], NOW_NS))

    def gate(self) -> Gate:
        return _free_gate()

    def poisoned(self):
        body = body_of(PANDA)
        spoilt = replace(body, pair_lever=poison(body.pair_lever, 12))
        yield Gate(spoilt, embodiment_of(PANDA), cell_of(PANDA).gate_config()), creeping()


class TestHeldObject(GuardContract):
    family = Family.HELD_OBJECT

    def _held(self, wall_z: float):
        tool = oracle_of(PANDA, 0.03).tool(home()[0])
        load = box("load", tool, [0.02, 0.02, 0.03], kind=ObjectKind.MOVABLE)
        wall = box("wall", tool + np.array([0.0, 0.0, wall_z]), [0.1, 0.1, 0.01])
        given = creeping()
        return replace(
            given,
            state=replace(given.state, gripper=GripperState(width_m=0.04, force_n=10.0)),
            scene=seen_at([load, wall], NOW_NS),
            phase=replace(IDLE, held="load", gripper_may_open=True),
        )

    def harmful(self):
        return self._held(-0.045)

    def harmless(self):
        return self._held(-0.2)

    def poisoned(self):
        given = self.harmless()
        load = replace(given.scene.objects[0], position_std_m=float("nan"))
        scene = replace(given.scene, objects=(load, *given.scene.objects[1:]))
        yield self.gate(), replace(given, scene=scene)


class TestGripper(GuardContract):
    family = Family.GRIPPER

    def harmful(self):
        given = creeping()
        steps = given.chunk.samples[0, :, :JOINTS]
        return replace(
            given,
            chunk=chunk_of(PANDA, steps, width_m=0.07),
            phase=replace(IDLE, gripper_may_open=False),
        )

    def poisoned(self):
        given = creeping()
        hand = GripperState(width_m=float("nan"), force_n=0.0)
        yield self.gate(), replace(given, state=replace(given.state, gripper=hand))
        yield (
            self.gate(),
            replace(given, chunk=chunk_of(PANDA, given.chunk.samples[0, :, :JOINTS], width_m=np.nan)),
        )


class TestSpeedBudget(GuardContract):
    """A plug-in owes the same."""

    family = "speed_budget"

    def gate(self) -> Gate:
        return _thrifty_gate()

    def harmful(self):
        node = home()
        node[1] = 0.025
        return at(node, line(node, np.full(JOINTS, 0.03)))

    def poisoned(self):
        class Blank(SpeedBudget):
            def slack(self, nodes, period_s):
                return float("nan"), "nowhere"

        yield gate_with(PANDA, (Blank(_context()),)), creeping()

    def without(self):
        return gate_of(PANDA)


def _context() -> ConstraintContext:
    return ConstraintContext(robot=ROBOT, period_s=0.01, parameters={"budget_rad_s": 0.2})


@cache
def _slow_gate() -> Gate:
    return gate_with_robot(max_tool_speed_m_s=0.006)


@cache
def _free_gate() -> Gate:
    return gate_with(PANDA, zones=())


@cache
def _thrifty_gate() -> Gate:
    return gate_with(PANDA, (SpeedBudget(_context()),))


def test_every_family_that_ships_keeps_the_contract():
    kept = {contract.family for contract in GuardContract.__subclasses__()}
    assert {str(family) for family in Family} <= {str(family) for family in kept}
