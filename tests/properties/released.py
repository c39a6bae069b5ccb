"""Random situations for a gate, and what the oracle says of whatever it releases in them."""

from __future__ import annotations

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
    cell_of,
    gate_of,
    gate_with,
    node_at_rest,
    rod,
    straight,
)
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
from interlock.hal.chunk import ActionChunk
from interlock.hal.scene import Box, ObjectKind, Part, SceneObject
from interlock.hal.zone import Zone, ZoneKind

Array = NDArray[np.float64]

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
    generator: np.random.Generator, pieces: list[Piece], oracle: Oracle, q: Array, target: Array
) -> list[SceneObject]:
    """Small things right where pieces would be on the straight way to the target."""
    made = []
    for k in range(int(generator.integers(0, 4))):
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


def _start(generator: np.random.Generator, name: str, gate: Gate, target: Array) -> World | None:
    """A world in which standing still is released."""
    limits, home = body_of(name).robot.limits, body_of(name).robot.home
    oracle = oracle_of(name, WIDTH_M)
    for _ in range(40):
        share = generator.uniform(0.0, 0.8)
        q = home + share * (generator.uniform(limits.q_min, limits.q_max) - home)
        objects = [
            *cell_of(name).scene_objects(0),
            *_extras(generator, int(generator.integers(0, 7))),
            *_ambush(generator, [p for p in oracle.links if p.joint > 0], oracle, q, target),
        ]
        age_ns = int(generator.choice([0, 0, 30_000_000]))
        world = World(name, gate, tuple(objects), node_at_rest(q), age_ns=age_ns)
        if generator.random() < 0.3:
            load = _load(generator, oracle, q)
            carried = oracle.carried(load, q)
            world.objects = (*world.objects, *_ambush(generator, carried, oracle, q, target), load)
            world.grasp = np.linalg.inv(oracle.frames(q)[oracle.tool_joint]) @ load.object_in_world
            world.phase = replace(IDLE, held="load", gripper_may_open=False)
            world.age_ns = 0
        if gate.decide(world.given(straight(name, q, q, 1.0))).command is not None:
            return world
    return None


def _proposal(generator: np.random.Generator, world: World, target: Array) -> ActionChunk:
    speed = float(generator.choice([0.3, 1.0, 2.0, 4.0]))
    return straight(world.name, world.node[0], target, speed, t0_ns=world.now_ns, seq=world.now_ns)


def situation(seed: int, name: str) -> Situation | None:
    """Run a random world for a while and return the last decision that released something."""
    generator = np.random.default_rng(seed)
    gate = gate_of(name) if generator.random() < 0.5 else crowded_gate(name)
    target = _target(generator, name)
    world = _start(generator, name, gate, target)
    if world is None:
        return None
    chunk = _proposal(generator, world, target)
    found: tuple[GateInput, GateOutput] | None = None
    for tick in range(int(generator.integers(1, 60))):
        if tick % 12 == 11:
            target = target if generator.random() < 0.7 else _target(generator, name)
            chunk = _proposal(generator, world, target)
        world.carry(oracle_of(name, WIDTH_M))
        given = world.given(chunk)
        output = world.tick(chunk)
        if output.command is not None:
            found = given, output
    if found is None:
        return None
    tube = body_of(name).robot.tube.position_rad
    offset = generator.choice([-tube, 0.0, tube], size=body_of(name).n)
    return Situation(name=name, gate=gate, given=found[0], output=found[1], offset=offset)


def faults(case: Situation) -> tuple[list[str], float]:
    """What the oracle has against a released motion, and the least distance left, [m]."""
    command = case.output.command
    assert command is not None
    oracle = oracle_of(case.name, WIDTH_M)
    nodes, period_s = nodes_of(command), command.period_s
    found: list[str] = []
    if not np.array_equal(command.start, _commanded(case.given)):
        found.append("does not start where the arm was told to be")
    if largest_jump(nodes, period_s) > 1e-9:
        found.append("the nodes do not lie on one curve")
    if nodes[-1, 1:].any():
        found.append("the tail does not end at rest")
    times, places = sample_curve(nodes, period_s)
    found += oracle.limit_faults(places, period_s / PER_TICK)
    tools = oracle.tools(places)
    speed = np.linalg.norm(np.diff(tools, axis=0), axis=1) * PER_TICK / period_s
    limit = oracle.robot.max_tool_speed_m_s
    if (speed > limit * (1.0 + 1e-6)).any():
        found.append(f"tool at {speed.max():.4f} m/s, limit {limit}")
    really = places + case.offset
    frames = np.array([oracle.frames(q) for q in really])
    for zone in keep_in(case.gate.config.zones):
        at = (frames[:, oracle.tool_joint] @ oracle.tool_in_joint)[:, :3, 3]
        if (at < zone.lower).any() or (at > zone.upper).any():
            found.append(f"tool leaves {zone.name}")
    gaps = oracle.gaps(_pairs(case, oracle), times, frames)
    least = min((gap.slack for gap in gaps), default=np.inf)
    found += [
        f"{gap.first} and {gap.second}: {gap.slack * 1e3:.3f} mm at {gap.time_s:.3f} s"
        for gap in gaps
        if gap.slack < -_ROUNDING_M
    ]
    return found, least


def _commanded(given: GateInput) -> Array:
    return np.array([given.state.q_commanded, given.state.v_commanded, given.state.a_commanded])


def _pairs(case: Situation, oracle: Oracle) -> list[Pair]:
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
    frames = np.array([oracle.frames(q) for q in places])
    moving = [p for p in _pairs(case, oracle) if p.speed_m_s > 0.0]
    gaps = oracle.gaps(moving, times, frames, interest_m=0.2)
    if not gaps:
        return np.inf
    worst = min(gaps, key=lambda gap: gap.slack)
    s = int(np.argmin(np.abs(times - worst.time_s)))
    directions = generator.normal(size=(12, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    moved = worst.pair.start_m + worst.pair.speed_m_s * float(times[s])
    return oracle.hit_by_adversary(worst.pair, places[s], moved, directions)
