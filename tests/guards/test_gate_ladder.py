"""Each step of the ladder by itself: the projector, the verifier and the retreat answer as they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from tests.guards.closed_loop import (
    CELLS,
    NOW_NS,
    ask,
    ball,
    body_of,
    chunk_of,
    gate_of,
    gate_with,
    hold,
    node_at_rest,
    seen_at,
    state_of,
)

from interlock.guards import gate as gate_module
from interlock.guards.broken import Broken
from interlock.guards.gate import Gate
from interlock.guards.projector import Candidate
from interlock.guards.proposal_space import JointSpace
from interlock.guards.stop import MAX_STOP_TICKS, stop_tail
from interlock.guards.verdict import Decision, Family, Rung
from interlock.guards.verifier import Finding, refused
from interlock.hal.driver import STANDSTILL_RAD_S
from interlock.hal.state import GripperState

PANDA = CELLS[0]
LIMITS = body_of(PANDA).robot.limits
HOME = body_of(PANDA).robot.home
NOBODY = seen_at([], NOW_NS)
CLEAR = Finding(clear=True, family="", reason="", margins=())
ONES = np.ones(7)
OFFERED = 0.08 * ONES
SLOW = 0.05 * ONES


@dataclass
class Script:
    """Answers for a gate's helpers, and what they were asked.

    Attributes:
        accepts: what the verifier admits, by the nodes; nothing unless told.
        retreats: what the retreat admits, by the nodes.
        offers: what the projector answers, one after the other; the last goes on.
        speed_m_s: speed of the slowed proposal.
        seen: nodes that the verifier was shown.
        shown: nodes that the retreat was shown.
        asked: what the projector was asked.
    """

    accepts: Callable[[np.ndarray], bool] = lambda nodes: False
    retreats: Callable[[np.ndarray], bool] = lambda nodes: False
    offers: tuple[Candidate, ...] = (Candidate(velocity=OFFERED, status="offered"),)
    speed_m_s: float = 0.05
    seen: list[np.ndarray] = field(default_factory=list)
    shown: list[np.ndarray] = field(default_factory=list)
    asked: list[tuple] = field(default_factory=list)
    gate: Gate = field(default_factory=lambda: gate_with(PANDA))

    def __post_init__(self) -> None:
        self.gate._verifier.verify = self._verify
        self.gate._retreat.judge = self._judge
        self.gate._retreat.slowed = lambda velocity, around: (SLOW, self.speed_m_s)
        self.gate._projector.project = self._project

    def _verify(self, nodes, around):
        self.seen.append(nodes)
        return CLEAR if self.accepts(nodes) else refused(Family.ENVIRONMENT, f"look {len(self.seen)}")

    def _judge(self, nodes, around, broken):
        self.shown.append(nodes)
        return CLEAR if self.retreats(nodes) else refused(Family.ZONES, f"retreat {len(self.shown)}")

    def _project(self, *asked, metric=None):
        self.asked.append(asked)
        return self.offers[min(len(self.asked), len(self.offers)) - 1]

    def decide(self, node=None, chunk=None):
        node = node_at_rest(HOME) if node is None else node
        return self.gate.decide(ask(PANDA, node, chunk or _creeping(), NOBODY))

    def velocity(self, nodes):
        """The look-ahead velocity that these nodes begin with."""
        box = self.gate._projector.box(nodes[0])
        return box.offset + box.gain * nodes[1, 2]


def _creeping(speed_rad_s: float = 0.01):
    """Every joint at the same slow speed, so slow that no limit is near."""
    return chunk_of(PANDA, HOME + speed_rad_s * 0.04 * np.arange(16)[:, None])


def test_what_is_refused_is_tried_projected_then_at_half_and_at_a_fifth_of_that():
    script = Script()
    output = script.decide()
    tried = [script.velocity(nodes) for nodes in script.seen[::2]]
    assert output.command is None
    assert len(tried) == 4
    np.testing.assert_allclose(tried[0], 0.01 * ONES, atol=0.002)
    np.testing.assert_allclose(tried[1:], [OFFERED, 0.5 * OFFERED, 0.2 * OFFERED], rtol=1e-12)
    assert output.verdict.refusals == tuple((Family.ENVIRONMENT, f"look {k}") for k in (1, 3, 5, 7))
    assert (output.verdict.guard, output.verdict.reason) == (Family.ENVIRONMENT, "look 7")


@pytest.mark.parametrize(
    ("share", "rung", "refused_before"),
    [(1.0, Rung.PROJECTED, 1), (0.5, Rung.SLOWED, 2), (0.2, Rung.SLOWED, 3)],
)
def test_the_first_rung_that_is_clear_is_released(share, rung, refused_before):
    script = Script()
    script.accepts = lambda nodes: np.allclose(script.velocity(nodes), share * OFFERED)
    output = script.decide()
    assert (output.verdict.decision, output.verdict.rung) == (Decision.MODIFY, rung)
    assert len(output.verdict.refusals) == refused_before
    assert (output.verdict.guard, output.verdict.reason) == (Family.ENVIRONMENT, "look 1")
    assert output.certificate.solver_status == "offered"
    assert output.command.end.tobytes() == script.seen[-1][1].tobytes()


def test_a_candidate_that_is_not_a_number_is_passed_over_and_said():
    script = Script(offers=(Candidate(velocity=np.array([np.nan, *OFFERED[1:]]), status="infeasible"),))
    refusals = script.decide().verdict.refusals
    assert refusals == (
        (Family.ENVIRONMENT, "look 1"),
        *[("projection", "no candidate (infeasible)")] * 3,
    )
    assert len(script.seen) == 2


def _moving():
    node = node_at_rest(HOME)
    node[1] = np.array([0.3, 0.1, 0.0, -0.2, 0.0, 0.0, 0.05])
    steps = HOME + node[1] * (0.04 * np.arange(16)[:, None])
    return node, chunk_of(PANDA, steps)


def _stop(end, together):
    return stop_tail(end, LIMITS.a_max, LIMITS.j_max, 0.01, together, MAX_STOP_TICKS)


@pytest.mark.parametrize("looks", [1, 2])
def test_joints_stop_together_where_that_is_clear_and_each_alone_where_only_that_is(looks):
    script = Script()
    script.accepts = lambda nodes: len(script.seen) == looks
    output = script.decide(*_moving())
    tail = _stop(output.command.end, looks == 1)
    assert output.verdict.rung is Rung.AS_PROPOSED
    assert len(script.seen) == looks
    assert output.command.tail.tobytes() == tail.tobytes()
    assert _stop(output.command.end, True).tobytes() != _stop(output.command.end, False).tobytes()


def test_a_motion_without_a_stop_behind_it_is_looked_at_once():
    script = Script(offers=(Candidate(velocity=np.zeros(7), status=""),))
    assert script.decide(chunk=hold(PANDA, HOME)).command is None
    assert [len(nodes) for nodes in script.seen] == [2] * 4


def test_follows_in_proportion_near_by_and_with_room_to_brake_far_off():
    script = Script()
    off = np.array([0.001, -0.001, 0.4, -0.4, 0.0, 0.0, 0.0])
    script.decide(chunk=hold(PANDA, HOME + off))
    _, wanted, *_ = script.asked[0]
    brake = (0.4 * LIMITS.a_max) ** 0.5
    far = [0.01, -0.01, brake[2], -brake[3], 0.0, 0.0, 0.0]
    assert brake[2] < 10.0 * 0.4
    np.testing.assert_allclose(wanted, far, rtol=1e-9, atol=1e-9)


def test_the_end_of_a_tick_is_a_whole_nanosecond(monkeypatch):
    asked = []
    monkeypatch.setattr(JointSpace, "reference_at", lambda space, chunk, at_ns, q: asked.append(at_ns))
    output = gate_with(PANDA, period_s=1.0 / 240.0).decide(
        ask(PANDA, node_at_rest(HOME), _creeping(), NOBODY)
    )
    assert output.command is None
    assert [(type(at), at) for at in asked] == [(int, NOW_NS + 4_166_667)]


def test_refuses_once_the_chunk_has_run_out():
    chunk = chunk_of(PANDA, np.tile(HOME, (16, 1)), t0_ns=NOW_NS - 10_000_000, dt_s=0.001)
    verdict = gate_of(PANDA).decide(ask(PANDA, node_at_rest(HOME), chunk, NOBODY)).verdict
    assert (verdict.decision, verdict.rung) == (Decision.REFUSE, Rung.BRAKING)
    assert verdict.refusals == ((Family.FRESHNESS, "the chunk has run out"),)
    assert verdict.before is None


def test_refuses_a_width_that_the_gripper_does_not_have():
    chunk = hold(PANDA, HOME, width_m=0.095)
    verdict = gate_of(PANDA).decide(ask(PANDA, node_at_rest(HOME), chunk, NOBODY)).verdict
    assert (verdict.decision, verdict.guard) == (Decision.REFUSE, Family.GRIPPER)
    assert verdict.reason.startswith("gripper width 0.095 m is outside [0.0, ")
    assert len(verdict.refusals) == 1


@pytest.fixture
def near(monkeypatch):
    """Something is too near already."""

    def told(hopeless: str = "") -> None:
        broken = Broken(
            pairs=np.zeros((1, 3), dtype=np.int64),
            slack_m=np.full(1, -0.001),
            where=("environment", "hand and post"),
            hopeless=hopeless,
        )
        monkeypatch.setattr(gate_module, "find_broken", lambda *_: broken)

    told()
    return told


def test_retreats_as_proposed_but_slow(near):
    script = Script(retreats=lambda nodes: True)
    output = script.decide()
    verdict = output.verdict
    assert (verdict.decision, verdict.rung) == (Decision.MODIFY, Rung.RETREATING)
    assert (verdict.guard, verdict.reason) == (
        Family.ENVIRONMENT,
        "hand and post: too near already, retreating",
    )
    np.testing.assert_allclose(script.velocity(script.shown[0]), SLOW, rtol=1e-12)
    assert output.certificate.solver_status == ""
    assert len(script.shown) == 1


def test_a_retreat_that_is_refused_is_asked_to_open_what_is_too_near(near):
    opening = Candidate(velocity=-SLOW, status="opened", bound_by=("zones", "cage"))
    script = Script(offers=(Candidate(velocity=OFFERED, status="offered"), opening))
    script.retreats = lambda nodes: np.allclose(script.velocity(nodes), -SLOW)
    output = script.decide()
    _, wanted, _, _, opening_m_s = script.asked[1]
    np.testing.assert_array_equal(wanted, SLOW)
    assert opening_m_s == pytest.approx(0.2 * 0.05)
    assert output.verdict.rung is Rung.RETREATING
    assert output.verdict.refusals[-1] == (Family.ZONES, "retreat 1")
    assert output.certificate.solver_status == "opened"
    np.testing.assert_allclose(script.velocity(script.shown[-1]), -SLOW, rtol=1e-12)


def test_retreats_that_are_refused_are_told_of(near):
    output = Script().decide()
    assert output.command is None
    assert output.verdict.refusals[-2:] == ((Family.ZONES, "retreat 1"), (Family.ZONES, "retreat 3"))
    assert len(output.verdict.refusals) == 6


def test_a_retreat_without_a_number_is_not_looked_at(near):
    nothing = Candidate(velocity=np.array([np.nan, *SLOW[1:]]), status="infeasible")
    script = Script(offers=(Candidate(velocity=OFFERED, status="offered"), nothing))
    assert script.decide().verdict.refusals[-1] == (Family.ZONES, "retreat 1")
    assert len(script.shown) == 2


def test_without_hope_nothing_is_tried_and_a_person_is_told_why(near):
    near("hand and post overlap already")
    script = Script(retreats=lambda nodes: True)
    output = script.decide()
    assert output.command is None
    assert output.verdict.refusals[-1] == (Family.ENVIRONMENT, "hand and post overlap already")
    assert script.shown == []


@pytest.mark.parametrize(("speed_m_s", "tried"), [(0.0, False), (1e-4, False), (1.5e-4, True)])
def test_standing_still_is_no_retreat(near, speed_m_s, tried):
    script = Script(speed_m_s=speed_m_s)
    assert script.decide().command is None
    assert bool(script.shown) == tried


def test_nothing_too_near_is_nothing_to_retreat_from():
    script = Script(retreats=lambda nodes: True)
    assert script.decide().command is None
    assert script.shown == []


def test_there_has_to_be_a_chunk_to_judge_whole():
    with pytest.raises(ValueError, match="no chunk"):
        gate_of(PANDA).preview(ask(PANDA, node_at_rest(HOME), None, NOBODY))


@pytest.mark.parametrize("change", [{"lateness_ns": -1}, {"last_seq": 5}])
def test_a_chunk_is_not_judged_whole_where_a_tick_of_it_would_be_refused(change):
    given = replace(ask(PANDA, node_at_rest(HOME), _creeping(), NOBODY), **change)
    seen = gate_of(PANDA).preview(given)
    assert seen.chunk is given.chunk
    assert (seen.rung, seen.guard) == (Rung.BRAKING, Family.FRESHNESS)
    assert seen.reason == gate_of(PANDA).decide(given).verdict.reason


@pytest.mark.parametrize("bound_by", [None, ("zones", "cage")])
def test_a_tick_of_a_changed_chunk_is_laid_to_what_changed_it_unless_the_tick_was_changed_again(bound_by):
    script = Script(offers=(Candidate(velocity=OFFERED, status="offered", bound_by=bound_by),))
    script.accepts = lambda nodes: bound_by is None or len(script.seen) == 3
    given = ask(PANDA, node_at_rest(HOME), _creeping(), NOBODY)
    verdict = script.gate.decide(replace(given, reshaped=("environment", "post is in the way"))).verdict
    assert (verdict.decision, verdict.rung) == (Decision.MODIFY, Rung.PROJECTED)
    assert (verdict.guard, verdict.reason) == (bound_by or ("environment", "post is in the way"))


def test_the_certificate_tells_how_far_the_joints_go_until_they_stand():
    node, chunk = _moving()
    output = gate_of(PANDA).decide(ask(PANDA, node, chunk, seen_at([ball("far", [3, 0, 0], 0.1)], NOW_NS)))
    way = np.abs(output.command.tail[-1, 0] - output.command.end[0])
    assert way[:2].min() > 1e-4
    standing = 7 * STANDSTILL_RAD_S * 0.01
    assert output.certificate.stop_distance_rad == pytest.approx(way.sum() + standing, rel=1e-3)


def test_the_digest_of_a_state_covers_every_bit_of_it():
    state = state_of(node_at_rest(HOME))
    others = [
        replace(state, **{name: np.nextafter(getattr(state, name), 9.0)})
        for name in ("q", "v", "q_commanded", "v_commanded", "a_commanded")
    ]
    others += [
        replace(state, stamp_ns=state.stamp_ns + 1),
        replace(state, standstill=not state.standstill),
        replace(state, gripper=None),
        replace(state, gripper=GripperState(width_m=float(np.nextafter(0.06, 1.0)), force_n=0.0)),
        replace(state, gripper=GripperState(width_m=0.06, force_n=1e-300)),
    ]
    digests = {gate_module._state_digest(other) for other in [state, *others]}
    assert len(digests) == 11
    assert all(len(digest) == 64 for digest in digests)


def test_the_proposal_is_asked_for_near_where_the_arm_is_a_period_from_now(monkeypatch):
    asked = []
    monkeypatch.setattr(JointSpace, "reference_at", lambda space, chunk, at_ns, q: asked.append(q))
    node = node_at_rest(HOME)
    node[1] = 0.1
    gate_of(PANDA).decide(ask(PANDA, node, hold(PANDA, HOME), NOBODY))
    np.testing.assert_allclose(asked[0], HOME + 0.001, atol=1e-12)
