"""Starts from which a margin is broken: with a way out, or pinched from both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import coal
import numpy as np
from numpy.typing import NDArray
from tests.guards.closed_loop import (
    Loop,
    ask,
    ball,
    body_of,
    box,
    gate_with,
    hold,
    node_at_rest,
    rod,
    seen_at,
    straight,
)
from tests.properties.oracle import Oracle, nodes_of, sample_curve
from tests.properties.released import rotation

from interlock.guards.body import Hull
from interlock.guards.gate import Gate, GateOutput
from interlock.guards.intake import GateInput
from interlock.hal.chunk import ActionChunk
from interlock.hal.scene import SceneObject

Array = NDArray[np.float64]

WIDTH_M = 0.03
ROUNDING_M = 2e-6  # coal's own tolerance on a distance


@cache
def open_gate(name: str) -> Gate:
    """The cell's gate without its zones."""
    return gate_with(name, zones=())


@cache
def oracle_of(name: str) -> Oracle:
    return Oracle(body_of(name), WIDTH_M)


class Capsules:
    """Distances of the robot's capsules to objects and to each other, by coal and Pinocchio."""

    def __init__(self, name: str) -> None:
        self.body = body_of(name)
        self.oracle = oracle_of(name)
        self.solids, self.places = [], []
        for a, b, radius in zip(self.body.cap_a, self.body.cap_b, self.body.cap_radius, strict=True):
            length = float(np.linalg.norm(b - a))
            place = np.eye(4)
            place[:3, :3] = _along((b - a) / length) if length > 1e-9 else np.eye(3)
            place[:3, 3] = (a + b) / 2.0
            self.solids.append(coal.Capsule(float(radius), length))
            self.places.append(place)

    def gap(self, capsule: int, part: object, q: Array) -> tuple[float, Array]:
        """Distance of a capsule and a part at `q`, and the unit vector from the part to the capsule."""
        joint = int(self.body.cap_joint[capsule])
        pose = self.oracle.frames(q)[joint] @ self.places[capsule]
        request, result = coal.DistanceRequest(), coal.DistanceResult()
        gap = coal.distance(
            self.solids[capsule], _transform(pose), part.solid, _transform(part.place), request, result
        )
        way = np.array(result.getNearestPoint1()) - np.array(result.getNearestPoint2())
        return float(gap), way / max(float(np.linalg.norm(way)), 1e-12)

    def need(self, capsule: int, margin_m: float) -> float:
        """What the gate asks for between a capsule and something that stands still, [m]."""
        tube = self.body.robot.tube.position_rad
        return margin_m + float(self.body.lever[capsule].sum()) * tube


def _transform(pose: Array) -> object:
    return coal.Transform3s(np.ascontiguousarray(pose[:3, :3]), np.ascontiguousarray(pose[:3, 3]))


def _along(axis: Array) -> Array:
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    x = np.cross(helper, axis)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(axis, x), axis], axis=1)


@cache
def capsules_of(name: str) -> Capsules:
    return Capsules(name)


@dataclass(frozen=True, kw_only=True)
class Start:
    """An arm at rest with something too near to it.

    Attributes:
        name: the cell.
        q: where the arm is, shape (n,), [rad].
        things: what is around.
        escape: joint velocity that opens every broken distance, shape (n,); None for a pinched start.
        pairs: the broken ones: capsule, index of the part.
    """

    name: str
    q: Array
    things: tuple[SceneObject, ...]
    escape: Array | None
    pairs: tuple[tuple[int, int], ...]


def start(seed: int, name: str, *, pinched: bool = False) -> Start:
    """The first random start of this seed that is broken, not penetrated, and has a way out (or has none)."""
    generator = np.random.default_rng([seed, pinched])
    body, capsules = body_of(name), capsules_of(name)
    limits, home = body.robot.limits, body.robot.home
    margin = open_gate(name).config.environment_margin_m
    # what sits on the last joint is moved by all of them: no joint may move a pinched one
    least = body.n - 1 if pinched else 1
    movable = [c for c in range(len(body.cap_link)) if body.cap_joint[c] >= least]
    while True:
        q = home + generator.uniform(0.0, 0.6) * (generator.uniform(limits.q_min, limits.q_max) - home)
        capsule = int(generator.choice(movable))
        frame = capsules.oracle.frames(q)[body.cap_joint[capsule]]
        a, b = (frame[:3, :3] @ p[capsule] + frame[:3, 3] for p in (body.cap_a, body.cap_b))
        on = a + generator.uniform() * (b - a)
        out = generator.normal(size=3)
        if np.linalg.norm(b - a) > 1e-6:
            along = (b - a) / np.linalg.norm(b - a)
            out -= (out @ along) * along
        out /= np.linalg.norm(out)
        need = capsules.need(capsule, margin)
        radius = float(body.cap_radius[capsule])
        if pinched:  # two balls, one straight across from the other: no velocity opens both distances
            things = [
                _ball(generator, label, on, way, radius, need) for label, way in (("one", out), ("two", -out))
            ]
        else:
            things = [_touching(generator, "near", on, out, radius, need)]
        found = _broken(name, q, things, margin)
        if found is None or not open_gate(name).decide(_standing(name, q)).command:
            continue
        pairs, ways = found
        if pinched:
            return Start(name=name, q=q, things=tuple(things), escape=None, pairs=tuple(pairs))
        wanted = np.linalg.pinv(ways, rcond=1e-3) @ np.ones(len(ways))
        speed = float(np.abs(body.lever @ np.abs(wanted)).max())
        rates = ways @ wanted
        if rates.min() > 0.2 * speed and _inside(q + 0.3 * wanted / np.abs(wanted).max(), limits):
            return Start(name=name, q=q, things=tuple(things), escape=wanted, pairs=tuple(pairs))


def _inside(q: Array, limits: object) -> bool:
    return bool((q > limits.q_min + 0.05).all() and (q < limits.q_max - 0.05).all())


def _standing(name: str, q: Array) -> GateInput:
    return ask(name, node_at_rest(q), hold(name, q), seen_at([], 1_000_000_000))


def _ball(
    generator: np.random.Generator, label: str, on: Array, out: Array, radius: float, need: float
) -> SceneObject:
    gap, size = float(generator.uniform(0.15, 0.9)) * need, float(generator.uniform(0.01, 0.04))
    return ball(label, on + (radius + gap + size) * out, size)


def _touching(
    generator: np.random.Generator, label: str, on: Array, out: Array, radius: float, need: float
) -> SceneObject:
    """Something fixed whose surface is a little nearer to a capsule's than `need`."""
    kind = generator.integers(3)
    if kind == 0:
        return _ball(generator, label, on, out, radius, need)
    gap, size = float(generator.uniform(0.15, 0.9)) * need, float(generator.uniform(0.01, 0.04))
    if kind == 1:
        half = generator.uniform(0.005, 0.04, size=3)
        turn = _along(out)
        return box(label, on + (radius + gap + half[2]) * out, half, rotation=turn)
    turn = rotation(generator)
    turn = _along(np.cross(out, turn[:, 0]) / np.linalg.norm(np.cross(out, turn[:, 0])))
    return rod(
        label, on + (radius + gap + size) * out, size, float(generator.uniform(0.02, 0.1)), rotation=turn
    )


def _broken(
    name: str, q: Array, things: list[SceneObject], margin: float
) -> tuple[list[tuple[int, int]], Array] | None:
    """Pairs too near, and how each distance changes with the joints, by differences; None if any touches."""
    body, capsules = body_of(name), capsules_of(name)
    parts = capsules.oracle.parts_of(things)
    pairs, ways = [], []
    for c in range(len(body.cap_link)):
        if body.cap_joint[c] < 0:
            continue
        for e, part in enumerate(parts):
            gap = capsules.gap(c, part, q)[0]
            if gap <= 2e-4:
                return None
            if gap < capsules.need(c, margin) + 1e-4:
                step = 1e-5 * np.eye(body.n)
                way = [
                    (capsules.gap(c, part, q + s)[0] - capsules.gap(c, part, q - s)[0]) / 2e-5 for s in step
                ]
                pairs.append((c, e))
                ways.append(way)
    return (pairs, np.array(ways)) if pairs else None


def play(
    case: Start, chunk_for: Callable[[Loop], ActionChunk], ticks: int
) -> Iterator[tuple[Loop, GateOutput]]:
    """Run the gate from a start; `chunk_for(loop)` gives the chunk in force."""
    loop = Loop(case.name, open_gate(case.name), case.things, node_at_rest(case.q))
    chunk = None
    for tick in range(ticks):
        if tick % 12 == 0:
            chunk = chunk_for(loop)
        yield loop, loop.tick(chunk)


def shrinking(case: Start, output: GateOutput) -> list[str]:
    """Broken distances that shrink somewhere on what was released, by dense sampling."""
    command = output.command
    assert command is not None
    capsules = capsules_of(case.name)
    parts = capsules.oracle.parts_of(case.things)
    need = open_gate(case.name).config.environment_margin_m
    _, places = sample_curve(nodes_of(command), command.period_s, per_tick=5)
    found = []
    for c, e in case.pairs:
        gaps = np.array([capsules.gap(c, parts[e], q)[0] for q in places])
        broken = gaps[0] < capsules.need(c, need)
        if broken and (np.diff(gaps) < -ROUNDING_M).any():
            found.append(f"{capsules.body.cap_link[c]} and {parts[e].name}: {np.diff(gaps).min():.3g} m")
    return found


@cache
def hulls_of(name: str) -> list[Hull]:
    return body_of(name).hulls(0.03)


def escaping(case: Start) -> Callable[[Loop], ActionChunk]:
    """Proposes the way out, again and again."""
    way = case.escape / np.abs(case.escape).max()

    def chunk(loop: Loop) -> ActionChunk:
        here = loop.node[0]
        return straight(case.name, here, here + 0.5 * way, 0.5, t0_ns=loop.now_ns, seq=loop.now_ns)

    return chunk


def wild(case: Start, generator: np.random.Generator) -> Callable[[Loop], ActionChunk]:
    """Proposes anything, at any speed."""
    limits = body_of(case.name).robot.limits

    def chunk(loop: Loop) -> ActionChunk:
        target, speed = generator.uniform(limits.q_min, limits.q_max), float(generator.choice([0.05, 0.5, 2]))
        return straight(case.name, loop.node[0], target, speed, t0_ns=loop.now_ns, seq=loop.now_ns)

    return chunk


def fastest(case: Start, output: GateOutput) -> float:
    """Speed of the fastest vertex of the arm on a released motion, by differences, [m/s]."""
    oracle = oracle_of(case.name)
    _, places = sample_curve(nodes_of(output.command), output.command.period_s, per_tick=5)
    hulls = [(h.joint, h.vertices) for h in hulls_of(case.name) if h.joint >= 0]
    corners = []
    for q in places:
        frames = oracle.frames(q)
        corners.append(np.concatenate([v @ frames[j][:3, :3].T + frames[j][:3, 3] for j, v in hulls]))
    dt_s = output.command.period_s / 5
    return float(np.linalg.norm(np.diff(np.array(corners), axis=0), axis=2).max() / dt_s)
