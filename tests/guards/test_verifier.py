"""The verifier refuses each broken limit under its own name, and admits what keeps them all."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from tests.guards.closed_loop import CELLS, IDLE, NOW_NS, ask, ball, body_of, box, hold, node_at_rest, seen_at
from tests.properties.released import oracle_of

from interlock.guards import verifier
from interlock.guards.config import GateConfig
from interlock.guards.curve import next_node
from interlock.guards.stop import MAX_STOP_TICKS, stop_tail
from interlock.guards.surveyor import Surveyor
from interlock.guards.sweep import (
    CLEAR,
    ENV_PAIR,
    KEEP_IN,
    SELF_PAIR,
    TOOL_SPEED,
    UNCLEAR,
    VIOLATED,
)
from interlock.guards.verdict import Family
from interlock.guards.verifier import Verifier
from interlock.hal.zone import Zone, ZoneKind

PANDA = CELLS[0]
BODY = body_of(PANDA)
LIMITS = BODY.robot.limits
HOME = BODY.robot.home
PERIOD = 0.01


def _config(*zones: Zone) -> GateConfig:
    return GateConfig(period_s=PERIOD, zones=zones)


def _around(*objects, config: GateConfig | None = None, held: str | None = None):
    given = ask(
        PANDA, node_at_rest(HOME), hold(PANDA, HOME), seen_at(objects, NOW_NS), phase=replace(IDLE, held=held)
    )
    return Surveyor(BODY, config or _config()).survey(given)


def _verify(nodes, *objects, zones=(), held=None, limit=None, constraints=()):
    config = _config(*zones)
    around = _around(*objects, config=config, held=held)
    if limit is not None:
        around = replace(around, tool_speed_limit_m_s=limit)
    return Verifier(BODY, config, constraints).verify(nodes, around)


def _turn(joint: int = 6, acceleration: float = 1.0, ticks: int = 5) -> np.ndarray:
    """One joint speeds up from home and stops again."""
    nodes = [node_at_rest(HOME)]
    for _ in range(ticks):
        end = np.zeros(7)
        end[joint] = acceleration
        nodes.append(next_node(nodes[-1], end, PERIOD))
    tail = stop_tail(nodes[-1], LIMITS.a_max, LIMITS.j_max, PERIOD, True, MAX_STOP_TICKS)
    return np.concatenate([np.array(nodes), tail])


def _scaled(**limits) -> Verifier:
    changed = replace(LIMITS, **{k: getattr(LIMITS, k) * v for k, v in limits.items()})
    return Verifier(replace(BODY, robot=replace(BODY.robot, limits=changed)), _config())


def test_admits_a_small_motion_and_says_how_much_was_left():
    finding = _verify(_turn(), box("far", [3, 0, 0], [0.1, 0.1, 0.1]), zones=(_wide(),))
    assert finding.clear
    left = {margin.family: margin for margin in finding.margins}
    assert set(left) == {
        Family.POSITION,
        Family.VELOCITY,
        Family.ACCELERATION,
        Family.JERK,
        Family.ENVIRONMENT,
        Family.SELF_COLLISION,
        Family.ZONES,
        Family.TOOL_SPEED,
    }
    assert all(margin.value > 0.0 and margin.where for margin in finding.margins)


def _wide() -> Zone:
    return Zone(name="wide", kind=ZoneKind.KEEP_IN, lower=[-2, -2, -2], upper=[2, 2, 2])


def test_an_arm_at_rest_is_a_motion_too():
    assert _verify(np.stack([node_at_rest(HOME)] * 2)).clear


# A limit may be met to within 1e-9 of itself, and no more.
@pytest.mark.parametrize(
    ("limit", "family"),
    [("v_max", Family.VELOCITY), ("a_max", Family.ACCELERATION), ("j_max", Family.JERK)],
)
@pytest.mark.parametrize(
    ("factor", "clear"), [(1.0, True), (1.0 - 5e-10, True), (1.0 - 1.5e-9, False), (0.5, False)]
)
def test_a_limit_is_kept_to_the_last_bits(limit, family, factor, clear):
    nodes = _turn(acceleration=2.0)
    _, v, a = nodes[:, :, 6].T
    crossing = np.flatnonzero(a[:-1] * a[1:] < 0)  # the speed is highest there, between two nodes
    between = v[crossing] + 0.5 * PERIOD * a[crossing] ** 2 / (a[crossing] - a[crossing + 1])
    jerk = np.abs(np.diff(a)).max() / PERIOD
    top = {"v_max": max(v.max(), between.max()), "a_max": np.abs(a).max(), "j_max": jerk}[limit]
    scale = factor * top / getattr(LIMITS, limit)[6]
    finding = _scaled(**{limit: scale}).verify(nodes, _around())
    assert finding.clear == clear
    assert clear or finding.family == family
    assert clear or "panda_joint7" in finding.reason
    if factor == 0.5:
        assert f" exceeded by {0.5 * top:.4g} rad/s" in finding.reason


@pytest.mark.parametrize(("side", "sign"), [("q_max", 1.0), ("q_min", -1.0)])
@pytest.mark.parametrize(("beyond_rad", "clear"), [(-1e-9, True), (1e-9, False)])
def test_a_position_limit_is_kept_off_by_the_tracking_tube(side, sign, beyond_rad, clear):
    nodes = _turn(joint=0, acceleration=sign)
    extreme = nodes[:, 0, 0].max() if sign > 0 else nodes[:, 0, 0].min()
    bound = np.array(getattr(LIMITS, side))
    bound[0] = extreme + sign * (BODY.robot.tube.position_rad - beyond_rad)
    changed = replace(LIMITS, **{side: bound})
    verifier = Verifier(replace(BODY, robot=replace(BODY.robot, limits=changed)), _config())
    finding = verifier.verify(nodes, _around())
    assert finding.clear == clear
    assert clear or (finding.family == Family.POSITION and "panda_joint1" in finding.reason)


@pytest.mark.parametrize(
    ("below", "above", "left", "where"),
    [
        (0.2, 0.1, 0.1, "upper limit"),
        (0.1, 0.2, 0.1, "lower limit"),
        (0.1, 0.1, 0.1, "lower limit"),
    ],
)
def test_the_margin_of_a_position_is_that_of_the_nearer_limit(below, above, left, where):
    q_min, q_max = np.array(LIMITS.q_min), np.array(LIMITS.q_max)
    q_min[0], q_max[0] = -below, above
    robot = replace(BODY.robot, limits=replace(LIMITS, q_min=q_min, q_max=q_max))
    finding = Verifier(replace(BODY, robot=robot), _config()).verify(
        np.stack([node_at_rest(HOME)] * 2), _around()
    )
    (margin,) = (m for m in finding.margins if m.family == Family.POSITION)
    assert margin.value == left - BODY.robot.tube.position_rad
    assert margin.where == f"panda_joint1 {where}"


def test_refuses_a_motion_that_does_not_end_at_rest():
    nodes = _turn()
    for cut in (nodes[:3], nodes[:-1]):
        assert _verify(cut).family == Family.ACCELERATION


@pytest.mark.parametrize("row", [1, 2])
@pytest.mark.parametrize("joint", [0, 6])
def test_refuses_a_motion_with_one_joint_not_at_rest_at_its_end(row, joint):
    nodes = _turn()
    nodes[-1, row, joint] = 1e-14
    assert _verify(nodes).family == Family.ACCELERATION


@pytest.mark.parametrize(("leap_rad", "clear"), [(1e-9, True), (1.5e-9, False)])
def test_a_leap_is_told_from_rounding(leap_rad, clear):
    nodes = np.stack([node_at_rest(HOME)] * 2)
    assert HOME[0] == 0.0
    nodes[1, 0, 0] = leap_rad
    finding = _verify(nodes)
    assert finding.clear == clear
    assert clear or finding.family == Family.INTEGRITY


def test_refuses_a_motion_that_leaps():
    nodes = _turn()
    nodes[4:, 0, 2] += 1e-6
    finding = _verify(nodes)
    assert finding.family == Family.INTEGRITY
    assert "one curve" in finding.reason


def test_refuses_a_stop_that_there_is_none_of():
    nodes = np.concatenate([_turn()[:4], np.full((1, 3, 7), np.nan)])
    assert not _verify(nodes).clear


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", range(3))
def test_refuses_not_a_number_in_any_node(bad, row):
    for node in range(len(_turn())):
        nodes = _turn()
        nodes[node, row, 4] = bad
        assert not _verify(nodes).clear


def test_names_the_pair_and_the_millimetres():
    tool = oracle_of(PANDA, 0.03).tool(HOME)
    finding = _verify(_turn(), ball("pearl", tool, 0.01))
    assert finding.family == Family.ENVIRONMENT
    assert "pearl" in finding.reason
    assert "panda_" in finding.reason
    assert "mm too little" in finding.reason
    assert finding.margins == ()


def test_names_the_zone_that_is_left_and_the_zone_that_is_entered():
    tool = oracle_of(PANDA, 0.03).tool(HOME)
    small = Zone(name="cage", kind=ZoneKind.KEEP_IN, lower=tool + 0.1, upper=tool + 0.2)
    finding = _verify(_turn(), zones=(small,))
    assert (finding.family, "cage" in finding.reason) == (Family.ZONES, True)
    wall = Zone(name="wall", kind=ZoneKind.KEEP_OUT, lower=tool - 0.01, upper=tool + 0.01)
    finding = _verify(_turn(), zones=(wall,))
    assert (finding.family, "wall" in finding.reason) == (Family.ZONES, True)


def test_names_the_speed_of_the_tool():
    finding = _verify(_turn(joint=1), limit=1e-4)
    assert finding.family == Family.TOOL_SPEED
    assert "m/s" in finding.reason


def test_names_links_that_meet():
    folded = np.array(HOME)
    folded[1], folded[3], folded[5] = LIMITS.q_max[1], LIMITS.q_min[3], LIMITS.q_min[5]
    tube = BODY.robot.tube.position_rad
    still = node_at_rest(np.clip(folded, LIMITS.q_min + tube, LIMITS.q_max - tube))
    finding = _verify(np.stack([still, still]))
    assert finding.family == Family.SELF_COLLISION
    assert finding.reason.count("panda_") == 2


def test_names_what_is_held():
    tool = oracle_of(PANDA, 0.03).tool(HOME)
    load, wall = box("load", tool, [0.02, 0.02, 0.03]), box("wall", tool - [0, 0, 0.05], [0.1, 0.1, 0.015])
    finding = _verify(_turn(), load, wall, held="load")
    assert finding.family == Family.HELD_OBJECT
    assert "load and wall" in finding.reason


def test_what_is_held_is_told_from_the_links_it_may_meet():
    around = _around(box("load", oracle_of(PANDA, 0.03).tool(HOME), [0.02, 0.02, 0.03]), held="load")
    held = around.solid.held_from
    assert around.solid.cap_link[held] == "load"
    assert around.self_pair(0, held) == (Family.HELD_OBJECT, f"{around.solid.cap_link[0]} and load")
    assert around.self_pair(0, held - 1)[0] == Family.SELF_COLLISION


_FAR = box("far", [3, 0, 0], [0.1, 0.1, 0.1])


def _told(monkeypatch, status, *, fault=(), margin=(), pair=(), shown=()):
    """What the verifier makes of such an answer of the sweep."""

    def answer(*arguments):
        for out, values in zip(arguments[-4:], (margin, pair, fault, shown), strict=True):
            out[...] = np.inf if out.dtype == np.float64 else -1
            if len(values):
                out[: len(values)] = values
        return status

    monkeypatch.setattr(verifier, "sweep", answer)
    return _verify(_turn(), _FAR, zones=(_wide(),))


@pytest.mark.parametrize(
    ("status", "fault", "family", "reason"),
    [
        (VIOLATED, (ENV_PAIR, 4, 0, -0.002, 4.0), Family.ENVIRONMENT, "2 mm too little 0.040 s ahead"),
        (VIOLATED, (SELF_PAIR, 0, 4, -0.03, 4.5), Family.SELF_COLLISION, "30 mm too little 0.045 s ahead"),
        (VIOLATED, (KEEP_IN, 0, -1, -0.5, 0.0), Family.ZONES, "500 mm too little 0.000 s ahead"),
        (VIOLATED, (TOOL_SPEED, -1, -1, -0.25, 30.0), Family.TOOL_SPEED, "0.25 m/s too little 0.300 s ahead"),
        (
            UNCLEAR,
            (ENV_PAIR, 4, 0, 0.003, 4.0),
            Family.ENVIRONMENT,
            "not shown clear 0.040 s ahead (slack 3 mm)",
        ),
        (UNCLEAR, (-1, 0, 0, 0, 0), Family.ENVIRONMENT, "not shown clear within the budget of intervals"),
    ],
)
def test_a_refusal_tells_what_where_how_much_and_when(monkeypatch, status, fault, family, reason):
    links = BODY.cap_link
    where = {
        ENV_PAIR: f"{links[4]} and far: ",
        SELF_PAIR: f"{links[0]} and {links[4]}: ",
        KEEP_IN: "tool and wide: ",
        TOOL_SPEED: "tool speed: ",
        -1: "",
    }[fault[0]]
    finding = _told(monkeypatch, status, fault=fault)
    assert not finding.clear
    assert finding.intervals == 0
    assert (finding.family, finding.reason) == (family, where + reason)


def test_margins_tell_family_unit_and_place(monkeypatch):
    pair = [[4, 0], [0, 4], [0, -1], [-1, -1]]
    finding = _told(
        monkeypatch, CLEAR, margin=[0.1, 0.2, 0.3, 0.4], pair=pair, shown=[0.03, 0.01, 0.02, 0.001, 7]
    )
    links = BODY.cap_link
    assert [(m.family, m.value, m.unit, m.where) for m in finding.margins[-4:]] == [
        (Family.ENVIRONMENT, 0.1, "m", f"{links[4]} and far"),
        (Family.SELF_COLLISION, 0.2, "m", f"{links[0]} and {links[4]}"),
        (Family.ZONES, 0.3, "m", "tool and wide"),
        (Family.TOOL_SPEED, 0.4, "m/s", "tool speed"),
    ]
    assert (finding.shown_m, finding.intervals) == (0.01, 7)


def _distances(*objects, zones=(), held=None) -> dict[str, tuple[float, str]]:
    finding = _verify(_turn(), *objects, zones=zones, held=held)
    assert finding.clear, finding.reason
    told = [(m.family, (m.value, m.where)) for m in finding.margins if m.unit == "m"]
    assert len(dict(told)) == len(told), "a family is told twice"
    return dict(told)


@pytest.mark.parametrize("away_m", [0.12, 0.3, 1.5])
def test_margins_are_the_smallest_of_each_family_whatever_else_is_near(away_m):
    tool = oracle_of(PANDA, 0.03).tool(HOME)
    at, size = tool + np.array([away_m, -0.1, -0.1]), np.array([0.1, 0.2, 0.2])
    out = Zone(name="out", kind=ZoneKind.KEEP_OUT, lower=at, upper=at + size)
    cage = Zone(name="cage", kind=ZoneKind.KEEP_IN, lower=tool - 1.0, upper=tool + 1.0)
    stone = ball("stone", tool - [0.3, 0.0, 0.0], 0.02)
    alone = [_distances(zones=(out,)), _distances(zones=(cage,)), _distances(stone)]
    together = _distances(stone, zones=(out, cage))
    assert together == {
        Family.ZONES: min(alone[0][Family.ZONES], alone[1][Family.ZONES]),
        Family.ENVIRONMENT: alone[2][Family.ENVIRONMENT],
        Family.SELF_COLLISION: alone[2][Family.SELF_COLLISION],
    }


@pytest.mark.parametrize("below_m", [0.06, 0.2, 2.0])
def test_margins_of_what_is_held_are_the_smallest_to_links_and_world(below_m):
    tool = oracle_of(PANDA, 0.03).tool(HOME)
    load = box("load", tool, [0.02, 0.02, 0.03])
    wall = box("wall", tool - [0.0, 0.0, below_m + 0.05], [0.1, 0.1, 0.01])
    to_links = _distances(load, held="load")[Family.HELD_OBJECT]
    together = _distances(load, wall, held="load")
    found, bare = together[Family.HELD_OBJECT], _distances(wall)
    assert found[0] <= to_links[0]
    assert found == to_links or found[1] == "load and wall"
    assert together[Family.ENVIRONMENT] == bare[Family.ENVIRONMENT]
    assert together[Family.SELF_COLLISION] == bare[Family.SELF_COLLISION]


def test_without_anything_near_no_distance_is_shown(monkeypatch):
    nothing = [np.inf] * 3
    finding = _told(monkeypatch, CLEAR, margin=[*nothing, 0.4], pair=[[-1, -1]] * 4, shown=[*nothing, 0.1, 1])
    assert finding.clear
    assert finding.shown_m is None
    assert finding.margins[-1].family == Family.TOOL_SPEED
    assert {m.unit for m in finding.margins}.isdisjoint({"m"})


class Own:
    """A constraint with any answer, which also scribbles over what it is given."""

    name, unit = "own", "pt"

    def __init__(self, answer) -> None:
        self.answer = answer

    def program(self, velocity):
        return []

    def slack(self, nodes, period_s):
        nodes[:] = np.nan
        return self.answer, "here"


def test_a_plug_in_is_asked_and_its_slack_is_a_margin():
    finding = _verify(_turn(), constraints=(Own(0.5), Own(0.0)))
    assert [m.value for m in finding.margins if m.family == "own"] == [0.5, 0.0]


@pytest.mark.parametrize("answer", [-1e-300, -1.0, float("nan"), -float("inf")])
def test_a_plug_in_that_says_no_or_nothing_refuses(answer):
    finding = _verify(_turn(), constraints=(Own(1.0), Own(answer)))
    assert not finding.clear
    assert finding.family == "own"
    assert "here" in finding.reason
    if answer == -1.0:
        assert finding.reason == "here: 1 pt too little"


@pytest.mark.parametrize("answer", [None, "wide", np.ones(3), 1j, float("nan"), float("inf")])
def test_a_plug_in_with_no_number_never_passes(answer):
    finding = _verify(_turn(), constraints=(Own(answer),))
    assert not finding.clear
    assert finding.family == "own"
    assert "not a finite number" in finding.reason


class Odd(Own):
    """A constraint whose answer is no slack and place."""

    def slack(self, nodes, period_s):
        return self.answer


class Unprintable:
    def __repr__(self):
        raise ArithmeticError("no text")


@pytest.mark.parametrize(
    "answer",
    [
        1.0,
        None,
        "ab",
        [1.0, "here"],
        (1.0,),
        (1.0, "here", "there"),
        (1.0, None),
        (10**400, "here"),
        (-(10**400), "here"),
        (10**5000, "here"),
        (Fraction(10**400), "here"),
        (True, "here"),
        (np.True_, "here"),
        (Unprintable(), "here"),
        Unprintable(),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_a_plug_in_that_gives_no_slack_and_place_refuses_by_its_name(answer):
    finding = _verify(_turn(), constraints=(Own(1.0), Odd(answer)))
    assert not finding.clear
    assert finding.family == "own"
    assert finding.reason
    assert "too little" not in finding.reason  # there is no number that it could be short by


@pytest.mark.parametrize("answer", [0, 1, 0.0, np.float64(0.5), np.float32(0.5), np.int64(2)])
def test_a_plug_in_may_give_any_finite_number(answer):
    assert _verify(_turn(), constraints=(Own(answer),)).clear


def _digest(config=None, constraints=(), **robot) -> str:
    return Verifier(
        replace(BODY, robot=replace(BODY.robot, **robot)), config or _config(), constraints
    ).digest


def test_the_digest_covers_every_limit_to_the_last_bit():
    up = replace(LIMITS, v_max=np.nextafter(LIMITS.v_max, 9.0))
    zone = _wide()
    moved = replace(zone, upper=np.nextafter(zone.upper, 9.0))
    digests = [
        _digest(),
        _digest(limits=up),
        _digest(max_tool_speed_m_s=np.nextafter(BODY.robot.max_tool_speed_m_s, 9.0)),
        _digest(tube=replace(BODY.robot.tube, position_rad=1e-3)),
        _digest(gripper=None),
        _digest(gripper=replace(BODY.robot.gripper, max_force_n=1.0)),
        _digest(_config(zone)),
        _digest(_config(moved)),
        _digest(replace(_config(), self_margin_m=np.nextafter(0.005, 1.0))),
        _digest(constraints=(Own(1.0),)),
    ]
    assert len(set(digests)) == len(digests)
    assert _digest() == digests[0]


def test_the_digest_of_the_surroundings_covers_what_may_touch_and_how_fast_the_tool_may_be():
    around = _around(_FAR)
    allowed = around.skip.copy()
    allowed[4, 0] = True
    faster = np.nextafter(around.tool_speed_limit_m_s, 9.0)
    others = [replace(around, skip=allowed), replace(around, tool_speed_limit_m_s=faster), _around()]
    digests = {around.digest, *(other.digest for other in others)}
    assert len(digests) == 4
    assert _around(_FAR).digest == around.digest
