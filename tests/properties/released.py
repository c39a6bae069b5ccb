"""Random situations for a gate, and what the oracle says of whatever it releases in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from tests.guards.closed_loop import (
    IDLE,
    NOW_NS,
    Loop,
    ball,
    body_of,
    box,
    chunk_of,
    embodiment_of,
    gate_of,
    gate_with,
    node_at_rest,
    rod,
    straight,
)
from tests.guards.robots import ROBOTS, rig_of
from tests.properties.oracle import (
    PER_TICK,
    Oracle,
    Pair,
    Piece,
    keep_in,
    keep_out,
    largest_jump,
    nodes_of,
    sample_curve,
)

from interlock.guards.gate import Gate, GateOutput
from interlock.guards.intake import GateInput
from interlock.guards.verdict import Rung
from interlock.hal.chunk import ActionChunk
from interlock.hal.scene import Box, ObjectKind, Part, SceneObject
from interlock.hal.zone import Zone, ZoneKind

Array = NDArray[np.float64]
_Asked = tuple[GateInput, GateOutput]

WIDTH_M = 0.03
"""Width at which the gripper really is, in all of them."""

_ROUNDING_M = 1e-6  # coal's own tolerance on a distance


@cache
def crowded_gate(name: str) -> Gate:
    """No margins at all, no keep-in zone, and keep-out slabs on three sides."""
    zones = (
        Zone(name="ceiling", kind=ZoneKind.KEEP_OUT, lower=[-1.0, -1.0, 0.95], upper=[1.0, 1.0, 1.2]),
        Zone(name="left", kind=ZoneKind.KEEP_OUT, lower=[-1.0, 0.5, -0.2], upper=[1.0, 0.6, 1.2]),
        Zone(name="front", kind=ZoneKind.KEEP_OUT, lower=[0.65, -1.0, -0.2], upper=[0.75, 1.0, 1.2]),
    )
    return gate_with(name, zones=zones, environment_margin_m=0.0, self_margin_m=0.0)


@cache
def narrow_gate(name: str) -> Gate:
    """The robot's gate told less than the data sheet allows: half of each rate, and a slow tool."""
    body, limits = body_of(name), body_of(name).robot.limits
    narrower = replace(limits, v_max=0.5 * limits.v_max, a_max=0.5 * limits.a_max, j_max=0.5 * limits.j_max)
    robot = replace(body.robot, limits=narrower, max_tool_speed_m_s=0.3)
    return Gate(replace(body, robot=robot), embodiment_of(name), rig_of(name).config)


@cache
def oracle_of(name: str, width_m: float) -> Oracle:
    return Oracle(body_of(name), width_m)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """One decision, and the world it was taken in."""

    name: str
    gate: Gate
    given: GateInput
    output: GateOutput
    offset: Array


def rotation(generator: np.random.Generator) -> Array:
    q, r = np.linalg.qr(generator.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    q[:, 0] *= np.linalg.det(q)
    return np.asarray(q)


def _extras(generator: np.random.Generator, count: int) -> list[SceneObject]:
    made = []
    for k in range(count):
        at = generator.uniform([-0.1, -0.6, 0.05], [0.8, 0.6, 0.9])
        speed = float(generator.choice([0.0, 0.1, 0.25, 0.5]))
        more = {
            "kind": ObjectKind.MOVING if speed else ObjectKind.FIXED,
            "std_m": float(generator.choice([0.0, 0.001, 0.003])),
            "speed_m_s": speed,
            "rotation": rotation(generator),
        }
        name = f"extra{k}"
        kind = generator.integers(3)
        if kind == 0:
            made.append(ball(name, at, float(generator.uniform(0.005, 0.08)), **more))
        elif kind == 1:
            made.append(box(name, at, generator.uniform(0.002, 0.12, size=3), **more))
        else:
            made.append(
                rod(name, at, float(generator.uniform(0.005, 0.05)), float(generator.uniform(0, 0.3)), **more)
            )
    return made


def _load(generator: np.random.Generator, oracle: Oracle, q: Array) -> SceneObject:
    """Something in the hand: a block, a long bar, or two blocks in an L."""
    pose = oracle.frames(q)[oracle.tool_joint] @ oracle.tool_in_joint
    half = np.array([0.02, 0.02, 0.03]) if generator.random() < 0.5 else np.array([0.015, 0.1, 0.015])
    parts = [Part(shape=Box(half_extents_m=half), part_in_object=np.eye(4))]
    if generator.random() < 0.4:
        aside = np.eye(4)
        aside[:3, 3] = [0.0, 0.06, 0.04]
        parts.append(Part(shape=Box(half_extents_m=[0.01, 0.02, 0.03]), part_in_object=aside))
    turned = pose.copy()
    turned[:3, :3] = pose[:3, :3] @ _about_z(generator.uniform(-3.0, 3.0))
    return SceneObject(
        name="load",
        kind=ObjectKind.MOVABLE,
        parts=tuple(parts),
        object_in_world=turned,
        position_std_m=0.001,
        max_speed_m_s=0.0,
        stamp_ns=NOW_NS,
    )


def _about_z(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@dataclass
class World(Loop):
    """A loop whose last object may be in the hand: `grasp` is its pose in the tool's joint."""

    grasp: Array | None = None

    def carry(self, oracle: Oracle) -> None:
        """Put the load where the arm has taken it."""
        if self.grasp is not None:
            pose = oracle.frames(self.node[0])[oracle.tool_joint] @ self.grasp
            self.objects = (*self.objects[:-1], replace(self.objects[-1], object_in_world=pose))


def _ambush(
    generator: np.random.Generator, pieces: list[Piece], oracle: Oracle, q: Array, target: Array, most: int
) -> list[SceneObject]:
    """Up to `most` small things right where pieces would be on the straight way to the target."""
    made = []
    for k in range(int(generator.integers(0, most + 1))):
        frames = oracle.frames(q + generator.uniform(0.1, 0.7) * (target - q))
        piece = pieces[int(generator.integers(len(pieces)))]
        at = (frames[piece.joint] @ piece.place)[:3, 3] + generator.normal(size=3) * 0.04
        speed = float(generator.choice([0.0, 0.25]))
        name = f"{pieces[0].name}_ambush{k}"
        made.append(ball(name, at, float(generator.uniform(0.002, 0.03)), speed_m_s=speed))
    return made


def _target(generator: np.random.Generator, name: str) -> Array:
    """Anywhere, half way there, or folded as far as the joints go."""
    limits, home = body_of(name).robot.limits, body_of(name).robot.home
    target = generator.uniform(limits.q_min, limits.q_max)
    kind = generator.integers(3)
    if kind == 0:
        return np.asarray(home + 0.5 * (target - home))
    if kind == 1:
        return np.asarray(np.where(generator.random(len(home)) < 0.5, limits.q_min, limits.q_max))
    return target


def _start(
    generator: np.random.Generator, name: str, gate: Gate, target: Array, crowd: int = 1
) -> World | None:
    """A world in which standing still is released; `crowd` says how many things are in the way."""
    limits, home = body_of(name).robot.limits, body_of(name).robot.home
    oracle = oracle_of(name, WIDTH_M)
    for _ in range(40):
        share = generator.uniform(0.0, 0.8)
        q = home + share * (generator.uniform(limits.q_min, limits.q_max) - home)
        objects = [
            *rig_of(name).objects,
            *_extras(generator, int(generator.integers(0, 3 + 4 * crowd))),
            *_ambush(generator, [p for p in oracle.links if p.joint > 0], oracle, q, target, 3 * crowd),
        ]
        age_ns = int(generator.choice([0, 0, 30_000_000]))
        world = World(name, gate, tuple(objects), node_at_rest(q), age_ns=age_ns)
        if generator.random() < 0.3 and rig_of(name).robot.gripper is not None:
            load = _load(generator, oracle, q)
            carried = oracle.carried(load, q)
            world.objects = (*world.objects, *_ambush(generator, carried, oracle, q, target, 3), load)
            world.grasp = np.linalg.inv(oracle.frames(q)[oracle.tool_joint]) @ load.object_in_world
            world.phase = replace(IDLE, held="load", gripper_may_open=False)
            world.age_ns = 0
        if gate.decide(world.given(straight(name, q, q, 1.0))).command is not None:
            return world
    return None


def _proposal(generator: np.random.Generator, world: World, target: Array) -> ActionChunk:
    speed = float(generator.choice([0.3, 1.0, 2.0, 4.0]))
    return straight(world.name, world.node[0], target, speed, t0_ns=world.now_ns, seq=world.now_ns)


def _steps(
    generator: np.random.Generator, world: World, target: Array, ticks: int
) -> Iterator[tuple[GateInput, GateOutput]]:
    """Run a world for so many ticks, with a new proposal every twelve."""
    chunk = _proposal(generator, world, target)
    for tick in range(ticks):
        if tick % 12 == 11:
            target = target if generator.random() < 0.7 else _target(generator, world.name)
            chunk = _proposal(generator, world, target)
        world.carry(oracle_of(world.name, WIDTH_M))
        given = world.given(chunk)
        yield given, world.tick(chunk)


def _situation(generator: np.random.Generator, gate: Gate, name: str, asked: _Asked) -> Situation:
    tube = body_of(name).robot.tube.position_rad
    offset = generator.choice([-tube, 0.0, tube], size=body_of(name).n)
    return Situation(name=name, gate=gate, given=asked[0], output=asked[1], offset=offset)


def situation(seed: int, name: str) -> Situation | None:
    """Run a random world for a while and return the last decision that released something."""
    generator = np.random.default_rng(seed)
    gate = gate_of(name) if generator.random() < 0.5 else crowded_gate(name)
    target = _target(generator, name)
    world = _start(generator, name, gate, target)
    if world is None:
        return None
    ticks = int(generator.integers(1, 60))
    asked = list(_steps(generator, world, target, ticks))
    found = [pair for pair in asked if pair[1].command is not None]
    return _situation(generator, gate, name, found[-1]) if found else None


def triples(seed: int, name: str, count: int) -> list[Situation]:
    """`count` decisions of one random world, one in each twelve ticks, whatever came of them.

    An empty list if no start was found from which standing still is released.
    """
    generator = np.random.default_rng([seed, ROBOTS.index(name)])
    gate = (gate_of, gate_of, crowded_gate, crowded_gate, narrow_gate)[int(generator.integers(5))](name)
    target = _target(generator, name)
    world = _start(generator, name, gate, target, crowd=int(generator.integers(1, 6)))
    if world is None:
        return []
    at = {12 * k + int(generator.integers(12)) for k in range(count)}
    steps = enumerate(_steps(generator, world, target, max(at) + 1))
    asked = [pair for tick, pair in steps if tick in at]
    return [_situation(generator, gate, name, pair) for pair in asked]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the oracle has against a released motion.

    Attributes:
        broken: it is no motion that may be played at all.
        limits: limits that it exceeds.
        near: what it comes too near to.
        least_m: least distance left, [m]; infinite if nothing is within 2 cm.
        samples: configurations looked at.
    """

    broken: tuple[str, ...]
    limits: tuple[str, ...]
    near: tuple[str, ...]
    least_m: float
    samples: int


def judge(case: Situation) -> Judged:
    """Judge a released motion, its stop included, by dense sampling."""
    command = case.output.command
    assert command is not None
    oracle, robot = oracle_of(case.name, WIDTH_M), case.gate.body.robot
    nodes, period_s = nodes_of(command), command.period_s
    broken: list[str] = []
    if not np.array_equal(command.start, _commanded(case.given)):
        broken.append("does not start where the arm was told to be")
    if largest_jump(nodes, period_s) > 1e-9:
        broken.append("the nodes do not lie on one curve")
    if nodes[-1, 1:].any():
        broken.append("the tail does not end at rest")
    times, places = sample_curve(nodes, period_s)
    limits = oracle.limit_faults(places, period_s / PER_TICK, robot.limits)
    speed = np.linalg.norm(np.diff(oracle.tools(places), axis=0), axis=1) * PER_TICK / period_s
    limit = robot.max_tool_speed_m_s
    if (speed > limit * (1.0 + 1e-6)).any():
        limits.append(f"tool at {speed.max():.4f} m/s, limit {limit}")
    grip, hand = command.gripper, robot.gripper
    if grip is not None and not (
        hand is not None
        and hand.min_width_m <= grip.width_m <= hand.max_width_m
        and grip.force_n <= min(hand.max_force_n, case.given.phase.max_force_n)
    ):
        limits.append(f"gripper told {grip}")
    frames = oracle.all_frames(places + case.offset)
    for zone in keep_in(case.gate.config.zones):
        at = (frames[:, oracle.tool_joint] @ oracle.tool_in_joint)[:, :3, 3]
        if (at < zone.lower).any() or (at > zone.upper).any():
            limits.append(f"tool leaves {zone.name}")
    gaps = oracle.gaps(pairs_of(case, oracle), times, frames)
    near = tuple(
        f"{gap.first} and {gap.second}: {gap.slack * 1e3:.3f} mm at {gap.time_s:.3f} s"
        for gap in gaps
        if gap.slack < -_ROUNDING_M
    )
    least = min((gap.slack for gap in gaps), default=np.inf)
    return Judged(broken=tuple(broken), limits=tuple(limits), near=near, least_m=least, samples=len(places))


def faults(case: Situation) -> tuple[list[str], float]:
    """All that the oracle has against a released motion, and the least distance left, [m]."""
    judged = judge(case)
    return [*judged.broken, *judged.limits, *judged.near], judged.least_m


def changes_when_asked_again(case: Situation) -> str:
    """What differs when the same is asked twice, or what was released is proposed; "" if nothing does."""
    again, was = case.gate.decide(case.given), case.output
    if not _same(again, was):
        return "another answer to the same question"
    if was.command is None or was.verdict.rung is Rung.RETREATING:
        return ""
    start, end = np.array(was.command.start), np.array(was.command.end)
    box = case.gate._projector.box(start)
    velocity = box.offset + box.gain * end[2]
    steps = 0.04 * np.minimum(np.arange(16), 2)[:, None]
    ahead = start[0] + was.command.period_s * (start[1] - velocity)
    chunk = chunk_of(case.name, ahead + steps * velocity, t0_ns=case.given.now_ns)
    kept = case.gate.decide(replace(case.given, chunk=chunk, last_seq=-1))
    if kept.command is None or kept.verdict.rung is not Rung.AS_PROPOSED:
        return f"released, and {kept.verdict.rung} when proposed: {kept.verdict.reason}"
    moved = float(np.abs(np.array(kept.command.end) - end).max())
    return f"what is released moved by {moved:.2g} when proposed" if moved > 1e-9 else ""


def _same(one: GateOutput, other: GateOutput) -> bool:
    if one.verdict.decision != other.verdict.decision or one.verdict.refusals != other.verdict.refusals:
        return False
    if one.command is None or other.command is None:
        return one.command is other.command
    pairs = zip(nodes_of(one.command), nodes_of(other.command), strict=True)
    return one.certificate == other.certificate and all(np.array_equal(a, b) for a, b in pairs)


def _commanded(given: GateInput) -> Array:
    return np.array([given.state.q_commanded, given.state.v_commanded, given.state.a_commanded])


def pairs_of(case: Situation, oracle: Oracle) -> list[Pair]:
    """Everything that may not touch, and how far the second of each may move by itself."""
    given, config = case.given, case.gate.config
    held = given.phase.held
    load = given.scene.find(held) if held is not None else None
    carried = [] if load is None else oracle.carried(load, given.state.q)
    arm = [link for link in oracle.links if link.joint >= 0]
    pairs = [Pair(a, b, 0.0, 0.0) for a, b in oracle.pairs]
    pairs += [Pair(a, b, 0.0, 0.0) for a in carried for b in oracle.links if b.joint != oracle.tool_joint]
    for zone in keep_out(config.zones):
        pairs += [Pair(a, oracle.zone_part(zone), 0.0, 0.0) for a in [*arm, *carried]]
    for thing in given.scene.objects:
        if thing.name == held:
            continue
        age_s = (given.now_ns - thing.stamp_ns) * 1e-9
        start = config.position_sigmas * thing.position_std_m + thing.max_speed_m_s * age_s
        for part in oracle.parts_of([thing]):
            pairs += [Pair(a, part, start, thing.max_speed_m_s) for a in [*arm, *carried]]
    return pairs


def least_against_adversary(case: Situation, generator: np.random.Generator) -> float:
    """Least distance when the closest moving object goes all the way its bound allows, wherever it likes."""
    command = case.output.command
    assert command is not None
    oracle = oracle_of(case.name, WIDTH_M)
    times, places = sample_curve(nodes_of(command), command.period_s, per_tick=4)
    frames = oracle.all_frames(places)
    moving = [p for p in pairs_of(case, oracle) if p.speed_m_s > 0.0]
    gaps = oracle.gaps(moving, times, frames, interest_m=0.2)
    if not gaps:
        return np.inf
    worst = min(gaps, key=lambda gap: gap.slack)
    s = int(np.argmin(np.abs(times - worst.time_s)))
    directions = generator.normal(size=(12, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    moved = worst.pair.start_m + worst.pair.speed_m_s * float(times[s])
    return oracle.hit_by_adversary(worst.pair, places[s], moved, directions)
