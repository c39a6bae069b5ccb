"""What is called clear is clear, what is called a violation is one, and what is not shown is not clear."""

from __future__ import annotations

from dataclasses import replace

import coal
import numpy as np
import pytest
from tests.guards.closed_loop import (
    CELLS,
    IDLE,
    NOW_NS,
    WEDGE,
    ask,
    ball,
    body_of,
    box,
    cell_of,
    hold,
    hull,
    node_at_rest,
    plane,
    rod,
    seen_at,
)
from tests.properties.oracle import Pair, Piece, convex, sample_curve
from tests.properties.released import oracle_of, rotation

from interlock.guards.curve import next_node, travel_bounds
from interlock.guards.part_kind import HALF_SPACE, HULL, SEGMENT
from interlock.guards.stop import MAX_STOP_TICKS, stop_tail
from interlock.guards.surveyor import Surveyor
from interlock.guards.sweep import (
    CLEAR,
    ENV_PAIR,
    KEEP_IN,
    MARGINS,
    MAX_DEPTH,
    SELF_PAIR,
    TOOL_SPEED,
    UNCLEAR,
    VIOLATED,
    sweep,
)

PANDA = CELLS[0]
PERIOD = 0.01
MARGIN = 0.005
FAR = np.array([[-9.0, -9.0, -9.0]]), np.array([[9.0, 9.0, 9.0]])


def _around(name, q, objects, *, held=None):
    """Surroundings without the cell's own zones."""
    body = body_of(name)
    config = replace(cell_of(name).gate_config(), zones=(), environment_margin_m=0.0)
    phase = replace(IDLE, held=held)
    given = ask(name, node_at_rest(q), hold(name, q), seen_at(objects, NOW_NS), phase=phase)
    around = Surveyor(body, config).survey(given)
    return replace(around, tool_speed_limit_m_s=1e3)


def _sweep(name, nodes, around, *, keep=FAR, **changed):
    """Run the kernel; `changed` replaces arrays of solid, obstacles or body by name."""
    body = body_of(name)
    told = {
        "nodes": nodes,
        "joint_rot": body.joint_rot,
        "tool_offset": body.tool_pos,
        "tool_lever": body.tool_lever,
        "tool_tube": 0.0,
        "self_margin": MARGIN,
        "speed_limit": around.tool_speed_limit_m_s,
        "keep_lower": keep[0],
        "keep_upper": keep[1],
        **{k: getattr(around.solid, k) for k in ("cap_a", "cap_b", "cap_radius", "lever", "tube_m")},
        **{k: getattr(around.solid, k) for k in ("pair_lever", "pair_tube_m")},
        **{
            k: getattr(around.obstacles, k)
            for k in ("rot", "pos", "half", "a", "b", "facets", "edges", "inflation_m", "speed_m_s")
        },
        **changed,
    }
    m, n = nodes.shape[0], nodes.shape[2]
    speed, travel = np.empty((m - 1, n)), np.empty((m, n))
    travel_bounds(told["nodes"], PERIOD, speed, travel)
    margin, pair, fault = np.empty(MARGINS), np.empty((MARGINS, 2), dtype=np.int64), np.full(5, -1.0)
    shown = told.get("shown", np.empty(5))
    status = sweep(
        told["nodes"], speed, travel, PERIOD,
        body.joint_parent, told["joint_rot"], body.joint_pos, body.joint_axis, body.joint_prismatic,
        around.solid.cap_joint, told["cap_a"], told["cap_b"], told["cap_radius"],
        told["lever"], told["tube_m"],
        around.solid.self_pairs, told["pair_lever"], told["pair_tube_m"], told["self_margin"],
        around.obstacles.kind, told["rot"], told["pos"], told["half"], told["a"], told["b"],
        around.obstacles.span, told["facets"], told["edges"],
        told["inflation_m"], told["speed_m_s"], around.skip,
        around.obstacles.is_zone, around.solid.held_from,
        body.tool_joint, told["tool_offset"], told["tool_lever"], told["tool_tube"],
        told["keep_lower"], told["keep_upper"], told["speed_limit"], margin, pair, fault, shown,
    )  # fmt: skip
    return status, margin, fault


def _motion(generator, name, *, ticks=6, fast=1.0):
    """A random motion and its stop."""
    limits, home = body_of(name).robot.limits, body_of(name).robot.home
    node = node_at_rest(home + 0.6 * (generator.uniform(limits.q_min, limits.q_max) - home))
    node[1] = fast * generator.uniform(-1, 1, size=len(home)) * limits.v_max
    nodes = [node]
    for _ in range(ticks):
        nodes.append(next_node(nodes[-1], generator.uniform(-1, 1, size=len(home)) * limits.a_max, PERIOD))
    tail = stop_tail(nodes[-1], limits.a_max, limits.j_max, PERIOD, True, MAX_STOP_TICKS)
    return np.concatenate([np.array(nodes), tail])


def _solids(generator):
    """A hull in the way, and a wall at an angle that the arm may run into."""
    speed = float(generator.choice([0.0, 0.3]))
    at = generator.uniform([-0.6, -0.6, 0.0], [0.8, 0.6, 1.0])
    corners = generator.normal(size=(int(generator.integers(4, 12)), 3)) * generator.uniform(
        0.01, 0.1, size=3
    )
    away = generator.normal(size=3)
    away /= np.linalg.norm(away)
    return [
        hull("hull", at, corners, rotation=rotation(generator), speed_m_s=speed),
        plane("wall", [0.0, 0.0, 0.3], away, -float(generator.uniform(0.2, 0.8))),
    ]


def _things(generator, count=3):
    made = []
    for k in range(count):
        at = generator.uniform([-0.6, -0.6, 0.0], [0.8, 0.6, 1.0])
        speed = float(generator.choice([0.0, 0.3]))
        turned = {"rotation": rotation(generator), "speed_m_s": speed}
        made.append(
            [
                ball(f"t{k}", at, 0.05, speed_m_s=speed),
                box(f"t{k}", at, generator.uniform(0.01, 0.1, size=3), **turned),
                rod(f"t{k}", at, 0.03, 0.2, **turned),
            ][k % 3]
        )
    return made


class Dense:
    """Slack of every capsule against every part, and of every pair, at many instants, by coal."""

    def __init__(self, name, around) -> None:
        self.oracle = oracle_of(name, 0.03)
        solid, parts = around.solid, around.obstacles
        arm = [
            _capsule(str(c), int(solid.cap_joint[c]), solid.cap_a[c], solid.cap_b[c], solid.cap_radius[c])
            for c in range(len(solid.cap_link))
        ]
        self.pairs = [
            Pair(arm[c], _part(parts, e), parts.inflation_m[e] + solid.tube_m[c], parts.speed_m_s[e])
            for c, e in np.argwhere(~around.skip & (solid.cap_joint >= 0)[:, None])
        ]
        self.pairs += [
            Pair(arm[i], arm[j], MARGIN + solid.pair_tube_m[k], 0.0)
            for k, (i, j) in enumerate(solid.self_pairs)
        ]

    def least(self, nodes, per_tick):
        """Smallest slack on samples of the curve; what is further than 2 cm counts as 2 cm."""
        times, places = sample_curve(nodes, PERIOD, per_tick)
        return self._least(times, places, 0.02)

    def at(self, q, t):
        return self._least(np.array([t]), q[None], 0.2)

    def _least(self, times, places, interest_m):
        frames = np.array([self.oracle.frames(q) for q in places])
        gaps = self.oracle.gaps(self.pairs, times, frames, interest_m)
        return min((gap.slack for gap in gaps), default=interest_m)


def _capsule(name, joint, a, b, radius):
    length = float(np.linalg.norm(b - a))
    place = np.eye(4)
    place[:3, 3] = (a + b) / 2
    if length > 0:
        z = (b - a) / length
        x = np.cross(z, np.eye(3)[int(np.argmin(np.abs(z)))])
        x /= np.linalg.norm(x)
        place[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    solid = coal.Capsule(radius, length)
    return Piece(name=name, joint=joint, solid=solid, place=place, radius=radius + length / 2)


def _part(parts, e):
    if parts.kind[e] == SEGMENT:
        return _capsule(parts.owner[e], -1, parts.a[e], parts.b[e], 1e-9)
    place = np.eye(4)
    place[:3, :3], place[:3, 3] = parts.rot[e], parts.pos[e]
    if parts.kind[e] == HULL:
        corners = parts.corners[parts.span[e, 4] : parts.span[e, 5]]
        radius = float(np.linalg.norm(corners, axis=1).max())
        return Piece(name=parts.owner[e], joint=-1, solid=convex(corners), place=place, radius=radius)
    if parts.kind[e] == HALF_SPACE:
        solid = coal.Halfspace(np.array([0.0, 0.0, 1.0]), 0.0)
        return Piece(name=parts.owner[e], joint=-1, solid=solid, place=place, radius=np.inf)
    radius = float(np.linalg.norm(parts.half[e]))
    solid = coal.Box(*(2 * parts.half[e]))
    return Piece(name=parts.owner[e], joint=-1, solid=solid, place=place, radius=radius, half=parts.half[e])


@pytest.mark.parametrize("things", [_things, _solids])
@pytest.mark.parametrize("name", CELLS)
def test_agrees_with_dense_sampling(name, things):
    generator = np.random.default_rng(11)
    seen = {CLEAR: 0, VIOLATED: 0}
    for _ in range(24):
        nodes = _motion(generator, name)
        around = _around(name, nodes[0, 0], things(generator))
        dense = Dense(name, around)
        status, margin, fault = _sweep(name, nodes, around)
        assert status in (CLEAR, VIOLATED)
        seen[status] += 1
        if status == CLEAR:
            assert dense.least(nodes, per_tick=5) >= -1e-6
            assert margin[:2].min() >= 0.0
        else:
            t = fault[4] * PERIOD
            k = min(int(fault[4]), len(nodes) - 2)
            here = nodes[k : k + 2]
            _, places = sample_curve(here, PERIOD, 1000)
            q = places[round((fault[4] - k) * 1000)]
            assert dense.at(q, t) < 1e-6
            assert fault[3] < 0.0
    assert min(seen.values()) >= 4


def test_the_hulls_that_are_not_measured_would_have_changed_no_figure():
    generator, compared = np.random.default_rng(12), 0
    for _ in range(30):
        nodes = _motion(generator, PANDA, ticks=3, fast=0.3)
        made = [generator.normal(size=(8, 3)) * 0.05 for _ in range(5)]
        at = generator.uniform([-0.9, -0.9, 0.0], [0.9, 0.9, 1.2], size=(5, 3))
        made = [np.add(points, [k, 0.0, 0.0]) for k, points in enumerate(made)]
        things = [hull(f"h{k}", at[k], made[k], rotation=rotation(generator)) for k in range(5)]
        shown, alone, least = np.empty(5), np.empty(5), np.full((2, 5), np.inf)
        status, margin, _ = _sweep(PANDA, nodes, _around(PANDA, nodes[0, 0], things), shown=shown)
        if status != CLEAR:
            continue
        for k, thing in enumerate(things):
            one, slack, _ = _sweep(PANDA, nodes, _around(PANDA, nodes[0, 0], [thing]), shown=alone)
            assert one == CLEAR
            least[:, k] = slack[ENV_PAIR], alone[ENV_PAIR]
        assert (margin[ENV_PAIR], shown[ENV_PAIR]) == tuple(least.min(axis=1))
        compared += 1
    assert compared >= 5


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("table", ["rot", "pos", "facets", "edges"])
def test_a_hull_with_a_number_that_is_none_is_measured_however_far_it_is(table, bad):
    home = np.repeat(node_at_rest(body_of(PANDA).robot.home)[None], 3, axis=0)
    things = [hull("near", [0.9, 0.0, 1.0], WEDGE), hull("far", [30.0, 0.0, 1.0], WEDGE)]
    around = _around(PANDA, home[0, 0], things)
    assert _sweep(PANDA, home, around)[0] == CLEAR
    clean = getattr(around.obstacles, table)
    spoilt = clean.copy()
    spoilt.reshape(len(spoilt), -1)[-1, 0] = bad
    spoilt.setflags(write=clean.flags.writeable)
    with np.errstate(invalid="ignore"):
        assert _sweep(PANDA, home, around, **{table: spoilt})[0] != CLEAR


@pytest.mark.parametrize("seed", range(6))
def test_a_thin_obstacle_between_two_nodes_is_found(seed):
    generator = np.random.default_rng(seed)
    nodes = _motion(generator, PANDA, ticks=3)
    times, places = sample_curve(nodes, PERIOD, 20)
    middle = int(generator.integers(21, len(times) - 21))
    at = oracle_of(PANDA, 0.03).tool(places[middle])
    around = _around(PANDA, nodes[0, 0], [ball("speck", at, 1e-5)])
    assert _sweep(PANDA, nodes, around)[0] == VIOLATED


def test_an_arm_at_rest_is_judged_too():
    home = node_at_rest(body_of(PANDA).robot.home)
    still = np.stack([home, home])
    tool = oracle_of(PANDA, 0.03).tool(home[0])
    assert _sweep(PANDA, still, _around(PANDA, home[0], []))[0] == CLEAR
    assert _sweep(PANDA, still, _around(PANDA, home[0], [ball("b", tool, 0.01)]))[0] == VIOLATED


def test_nothing_around_no_zone_and_no_pair_is_clear():
    nodes = _motion(np.random.default_rng(0), PANDA)
    around = _around(PANDA, nodes[0, 0], [])
    empty = np.empty((0, 3))
    bare = replace(
        around,
        solid=replace(
            around.solid,
            self_pairs=np.empty((0, 2), dtype=np.int64),
            pair_lever=np.empty((0, 7)),
            pair_tube_m=np.empty(0),
        ),
    )
    status, margin, _ = _sweep(PANDA, nodes, bare, keep=(empty, empty))
    assert status == CLEAR
    assert np.isinf(margin[:3]).all()
    assert np.isfinite(margin[TOOL_SPEED])


def _poisoned(around, nodes, solids):
    yield "nodes", nodes
    for field in ("cap_a", "cap_b", "cap_radius", "lever", "tube_m", "pair_lever", "pair_tube_m"):
        yield field, getattr(around.solid, field)
    for field in ("rot", "pos", "facets" if solids else "half", "inflation_m", "speed_m_s"):
        yield field, getattr(around.obstacles, field)
    yield "joint_rot", body_of(PANDA).joint_rot
    yield "tool_offset", body_of(PANDA).tool_pos
    yield "tool_lever", body_of(PANDA).tool_lever
    yield "keep_lower", FAR[0]
    yield "keep_upper", FAR[1]


@pytest.mark.parametrize("solids", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_a_number_anywhere_is_never_clear(bad, solids):
    generator = np.random.default_rng(2)
    nodes = _motion(generator, PANDA, ticks=1, fast=0.2)
    things = [box("b", [0, 0, 5.0], [0.1, 0.1, 0.1])]
    if solids:
        things = [hull("h", [0, 0, 5.0], WEDGE), plane("p", [0, 0, -5.0], [0, 0, 1.0], 0.0)]
    around = _around(PANDA, nodes[0, 0], things)
    assert _sweep(PANDA, nodes, around)[0] == CLEAR
    for field, array in _poisoned(around, nodes, solids):
        for index in _some(generator, array, around):
            poisoned = np.array(array)
            poisoned[index] = bad
            poisoned.setflags(write=array.flags.writeable)  # or the kernel is compiled anew
            if field == "nodes":
                status = _sweep(PANDA, poisoned, around)[0]
            else:
                status = _sweep(PANDA, nodes, around, **{field: poisoned})[0]
            assert status != CLEAR, (field, index)


def _some(generator, array, around):
    """A few indices; only of capsules and pairs that move."""
    count = 6
    flat = generator.permutation(array.size)
    chosen = [np.unravel_index(int(i), array.shape) for i in flat]
    if len(array) == len(around.solid.cap_joint):
        chosen = [i for i in chosen if around.solid.cap_joint[i[0]] >= 0]
    return chosen[:count]


@pytest.mark.parametrize("scalar", ["self_margin", "speed_limit", "tool_tube"])
def test_not_a_number_for_a_bound_is_never_clear(scalar):
    nodes = _motion(np.random.default_rng(2), PANDA, ticks=1, fast=0.2)
    around = _around(PANDA, nodes[0, 0], [])
    assert _sweep(PANDA, nodes, around, **{scalar: np.nan})[0] != CLEAR


def test_out_of_depth_is_unclear_and_names_the_pair():
    nodes = _motion(np.random.default_rng(5), PANDA, fast=0.3)
    around = _around(PANDA, nodes[0, 0], [box("wall", [0, 0, 3.0], [1, 1, 0.1])])
    endless = np.full_like(around.solid.lever, 1e12)
    status, _, fault = _sweep(PANDA, nodes, around, lever=endless)
    assert status == UNCLEAR
    assert int(fault[0]) == ENV_PAIR
    assert fault[3] > 0.0


def test_out_of_budget_is_unclear():
    # 2^16 intervals would be needed
    nodes = _motion(np.random.default_rng(5), PANDA, fast=0.3)
    around = _around(PANDA, nodes[0, 0], [box("wall", [0, 0, 3.0], [1, 1, 0.1])])
    m = len(nodes) - 1
    top = np.abs(nodes[:, 1]).max() * PERIOD * m
    slow = np.full_like(around.solid.lever, 2.0 * 2 ** (MAX_DEPTH - 2) / top)
    status, _, fault = _sweep(PANDA, nodes, around, lever=slow)
    assert status == UNCLEAR
    assert fault[0] == -1.0


def test_a_pair_that_may_touch_is_skipped_and_no_other():
    home = node_at_rest(body_of(PANDA).robot.home)
    still = np.stack([home, home])
    tool = oracle_of(PANDA, 0.03).tool(home[0])
    around = _around(PANDA, home[0], [ball("b", tool, 0.03), ball("c", [5, 5, 5], 0.1)])
    moving = np.flatnonzero(around.solid.cap_joint >= 0)
    near = {c for c in moving.tolist() if Dense(PANDA, _only(around, c)).at(home[0], 0.0) < 0}
    touching = {around.solid.cap_link[i] for i in near}
    assert touching >= {"panda_leftfinger", "panda_rightfinger"}
    skip = np.zeros_like(around.skip)
    for c in near:
        assert _sweep(PANDA, still, replace(around, skip=skip))[0] == VIOLATED
        skip = skip.copy()
        skip[c, 0] = True
    assert _sweep(PANDA, still, replace(around, skip=skip))[0] == CLEAR
    assert _sweep(PANDA, still, replace(around, skip=skip[:, ::-1].copy()))[0] == VIOLATED


def _only(around, c):
    """The same with one capsule against everything."""
    skip = np.ones_like(around.skip)
    skip[c] = False
    no_pairs = replace(around.solid, self_pairs=np.empty((0, 2), dtype=np.int64))
    return replace(around, skip=skip, solid=no_pairs)


@pytest.mark.parametrize(("speed", "clear"), [(0.0, True), (0.2, True), (0.7, False)])
def test_an_obstacle_grows_with_its_speed_until_the_arm_stands(speed, clear):
    home = node_at_rest(body_of(PANDA).robot.home)
    still = np.repeat(home[None], 21, axis=0)  # 0.2 s
    tool = oracle_of(PANDA, 0.03).tool(home[0])
    bare = _around(PANDA, home[0], [ball("b", tool - [0, 0, 0.15], 0.01)])
    gap = Dense(PANDA, _environment(bare)).at(home[0], 0.0)
    assert 0.2 * 0.2 < gap < 0.7 * 0.2
    around = _around(PANDA, home[0], [ball("b", tool - [0, 0, 0.15], 0.01, speed_m_s=speed)])
    assert (_sweep(PANDA, still, around)[0] == CLEAR) == clear


def _environment(around):
    return replace(around, solid=replace(around.solid, self_pairs=np.empty((0, 2), dtype=np.int64)))


def test_what_is_held_is_judged_against_the_world_and_the_arm():
    home = node_at_rest(body_of(PANDA).robot.home)
    still = np.stack([home, home])
    frames = oracle_of(PANDA, 0.03).frames(home[0])
    tool = oracle_of(PANDA, 0.03).tool(home[0])
    elbow = frames[3][:3, 3]
    bar = box("bar", tool - [0, 0, 0.1], [0.01, 0.01, 0.1])
    wall = box("wall", tool - [0, 0, 0.25], [0.1, 0.1, 0.04])
    assert _sweep(PANDA, still, _around(PANDA, home[0], [bar, wall], held="bar"))[0] == CLEAR
    high = box("wall", tool - [0, 0, 0.2], [0.1, 0.1, 0.04])
    status, _, fault = _sweep(PANDA, still, _around(PANDA, home[0], [bar, high], held="bar"))
    assert (status, int(fault[0])) == (VIOLATED, ENV_PAIR)
    into_elbow = box("bar", (tool + elbow) / 2.0, np.abs(tool - elbow) / 2.0 + 0.02)
    status, _, fault = _sweep(PANDA, still, _around(PANDA, home[0], [into_elbow], held="bar"))
    assert (status, int(fault[0])) == (VIOLATED, SELF_PAIR)
    assert int(fault[2]) >= len(body_of(PANDA).cap_link)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("side", [0, 1])
def test_the_tool_stays_inside_every_wall_of_a_keep_in_zone(axis, side):
    nodes = _motion(np.random.default_rng(9), PANDA, fast=0.5)
    around = _around(PANDA, nodes[0, 0], [])
    around = replace(around, solid=replace(around.solid, self_pairs=np.empty((0, 2), dtype=np.int64)))
    _, places = sample_curve(nodes, PERIOD)
    tools = oracle_of(PANDA, 0.03).tools(places)
    lower, upper = FAR[0].copy(), FAR[1].copy()
    for outside, status in ((-1e-4, CLEAR), (1e-4, VIOLATED)):
        if side == 0:
            lower[0, axis] = tools[:, axis].min() + outside
        else:
            upper[0, axis] = tools[:, axis].max() - outside
        found = _sweep(PANDA, nodes, around, keep=(lower, upper))
        assert found[0] == status
        assert status == CLEAR or int(found[2][0]) == KEEP_IN


@pytest.mark.parametrize("name", CELLS)
def test_the_tools_speed_is_judged_between_samples(name):
    generator = np.random.default_rng(4)
    for _ in range(4):
        nodes = _motion(generator, name, fast=0.5)
        around = _around(name, nodes[0, 0], [])
        around = replace(around, solid=replace(around.solid, self_pairs=np.empty((0, 2), dtype=np.int64)))
        _, places = sample_curve(nodes, PERIOD, 200)
        tools = oracle_of(name, 0.03).tools(places)
        top = np.linalg.norm(np.diff(tools, axis=0), axis=1).max() * 200 / PERIOD
        assert _sweep(name, nodes, around, speed_limit=top * 1.001)[0] == CLEAR
        status, _, fault = _sweep(name, nodes, around, speed_limit=top * 0.999)
        assert (status, int(fault[0])) == (VIOLATED, TOOL_SPEED)
