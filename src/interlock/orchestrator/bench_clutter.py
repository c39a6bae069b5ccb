"""The gate among many obstacles: each part of a decision on the same question, beside a raw solve."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import daqp
import numpy as np

from interlock.guards.gate import Gate
from interlock.guards.intake import GateInput
from interlock.guards.reference import reference_at
from interlock.guards.stop import MAX_STOP_TICKS, stop_tail
from interlock.guards.velocity_box import VelocityBox
from interlock.guards.verdict import Rung
from interlock.guards.verifier import Surroundings
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.phase import Phase
from interlock.hal.scene import Box, Capsule, ObjectKind, Part, Scene, SceneObject, Sphere
from interlock.hal.state import GripperState, RobotState
from interlock.orchestrator.bench_peer import Program
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.gate_maker import build_gate

_Answer = TypeVar("_Answer")

__all__ = ["Clutter", "Spent", "measure", "measure_chunks"]

_IDLE = Phase(
    task_id="", skill="", name="bench", allowed=(), expires_ns=0, held=None, maybe_held=None, max_force_n=20.0
)
_CLEAR_M = 0.02  # an obstacle leaves the home posture at least this much more than its margin
_WARM_UP = 30  # decisions
_CHANGE = 12  # decisions between two targets


@dataclass(slots=True)
class Spent:
    """Process CPU time of one decision and its parts, [us].

    Attributes:
        pairs: how many pairs there were, each with a row.
        gate: the whole decision.
        projector: kinematics, distances, gradients, rows and solve.
        verifier: the stop's shape, and the verdict on it.
        raw_solve: one call of DAQP with the rows of all pairs, its arrays ready.
        given_rows: the same rows handed to the projector's program: cost, bounds and solve.
        program: the program with the rows of all pairs.
        answer: solution of that program, shape (variables,), [rad/s] and [m/s].
    """

    pairs: int
    gate: float
    projector: float
    verifier: float
    raw_solve: float
    given_rows: float
    program: Program
    answer: FloatArray


@dataclass(frozen=True, slots=True)
class _Question:
    node: FloatArray
    wanted: FloatArray
    box: VelocityBox
    around: Surroundings


class Clutter:
    """A robot among `count` obstacles that stand still, and a gate without zones.

    Args:
        cell: the robot and the margins.
        count: how many obstacles.
        seed: where they stand.
    """

    def __init__(self, cell: Cell, count: int, seed: int = 0) -> None:
        plain = build_gate(cell)
        self.gate = Gate(plain.body, cell.embodiment(), replace(plain.config, zones=()))
        self._embodiment = cell.embodiment()
        self._random = np.random.default_rng(seed)
        self.things: tuple[SceneObject, ...] = ()
        self.target: FloatArray = np.array(plain.body.robot.home)
        while len(self.things) < count:
            thing = self._thing(len(self.things))
            if self._leaves_home(thing):
                self.things = (*self.things, thing)

    def _thing(self, index: int) -> SceneObject:
        random = self._random
        shape = (
            Sphere(radius_m=float(random.uniform(0.01, 0.05))),
            Box(half_extents_m=random.uniform(0.01, 0.08, size=3)),
            Capsule(radius_m=float(random.uniform(0.01, 0.03)), length_m=float(random.uniform(0.05, 0.3))),
        )[index % 3]
        pose = np.eye(4)
        way = random.normal(size=3)
        pose[:3, 3] = np.array([0.2, 0.0, 0.4]) + way / np.linalg.norm(way) * random.uniform(0.2, 0.9)
        turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
        pose[:3, :3] = turn * np.linalg.det(turn)
        return SceneObject(
            name=f"thing{index}",
            kind=ObjectKind.FIXED,
            parts=(Part(shape=shape, part_in_object=np.eye(4)),),
            object_in_world=pose,
            position_std_m=0.0,
            max_speed_m_s=0.0,
            stamp_ns=0,
        )

    def _leaves_home(self, thing: SceneObject) -> bool:
        grown = replace(thing, position_std_m=_CLEAR_M / self.gate.config.position_sigmas)
        node = np.zeros((3, self.gate.body.n))
        node[0] = self.gate.body.robot.home
        return self.gate.decide(self._ask(node, node[0], (grown,), 0)).command is not None

    def _ask(
        self, node: FloatArray, target: FloatArray, things: tuple[SceneObject, ...], tick: int
    ) -> GateInput:
        now_ns = tick * round(self.gate.config.period_s * 1e9)
        body, robot = self._embodiment, self.gate.body.robot
        way = target - node[0]
        steps = np.arange(body.horizon)[:, None] / body.rate_hz / max(float(np.abs(way).max()), 1e-9)
        joints = node[0] + way * np.clip(steps, 0.0, 1.0)  # the fastest joint at 1 rad/s
        hand = robot.gripper
        width = 0.0 if hand is None else hand.max_width_m
        columns = [joints] if hand is None else [joints, np.full((body.horizon, 1), width)]
        return GateInput(
            seq=tick,
            epoch=0,
            now_ns=now_ns,
            lateness_ns=0,
            state=RobotState(
                stamp_ns=now_ns,
                q=node[0],
                v=node[1],
                q_commanded=node[0],
                v_commanded=node[1],
                a_commanded=node[2],
                gripper=None if hand is None else GripperState(width_m=width, force_n=0.0),
                standstill=not node[1:].any(),
            ),
            scene=Scene(stamp_ns=now_ns, objects=tuple(replace(t, stamp_ns=now_ns) for t in things)),
            chunk=ActionChunk(
                seq=tick,
                embodiment=body.fingerprint,
                samples=np.hstack(columns)[None],
                t_obs_ns=now_ns,
                t_ready_ns=now_ns,
                t0_ns=now_ns,
                dt_s=1.0 / body.rate_hz,
                provenance=Provenance(policy="bench", version="", config_sha256="", seed=0),
            ),
            last_seq=-1,
            phase=_IDLE,
        )

    def decisions(self, count: int) -> Iterator[tuple[GateInput, float, FloatArray]]:
        """Inputs along a walk to random targets, what deciding each cost, [us], and the node it led to."""
        limits = self.gate.body.robot.limits
        node = np.zeros((3, self.gate.body.n))
        node[0] = self.gate.body.robot.home
        target, tail = node[0], list[FloatArray]()
        for tick in range(count):
            if tick % _CHANGE == 0:
                target = self.target = self._random.uniform(limits.q_min, limits.q_max)
            given = self._ask(node, target, self.things, tick)
            output, spent = _clocked(partial(self.gate.decide, given))
            if output.command is not None:
                node, tail = np.array(output.command.end), list(output.command.tail)
            elif tail:
                node = tail.pop(0)
            yield given, spent, node


def measure(clutter: Clutter, count: int) -> list[Spent]:
    """Time `count` decisions, and each part on the very question that the decision was about.

    The raw solve is that of the same program with the rows of all pairs, none left out.
    """
    gate, config = clutter.gate, clutter.gate.config
    limits, projector = gate.body.robot.limits, gate._projector
    asked: list[tuple[FloatArray, ...]] = []
    solve = projector._program.solve

    def listening(values: tuple[FloatArray, ...], *more: Any) -> object:
        asked.append(values)
        return solve(values, *more)

    found = []
    for tick, (given, spent, node) in enumerate(clutter.decisions(count + _WARM_UP)):
        question = _question(gate, given)
        projector._program.solve = listening  # type: ignore[assignment, method-assign]
        project = (question.node, question.wanted, question.box, question.around)
        asked.clear()
        projector.project(*project)
        projector._program.solve = solve  # type: ignore[method-assign]
        _, project_us = _clocked(partial(projector.project, *project))

        def verify(question: _Question = question, node: FloatArray = node) -> object:
            tail = stop_tail(node, limits.a_max, limits.j_max, config.period_s, True, MAX_STOP_TICKS)
            nodes = np.concatenate([question.node[None], node[None], tail])
            return gate._verifier.verify(nodes, question.around)

        _, verify_us = _clocked(verify)
        rows = _rows_of_all(gate, question)
        solution, given_us = _clocked(partial(projector._program.solve, asked[0], rows))
        program = _with_rows(projector._program.matrices(asked[0]), rows)
        _, raw_us = _clocked(partial(daqp.solve, *projector._program.solver_input(*program)))
        if tick >= _WARM_UP:
            times = spent, project_us, verify_us, raw_us, given_us
            found.append(Spent(len(rows[1]), *times, program, solution.x))
    return found


def measure_chunks(clutter: Clutter, count: int, steps: int) -> list[tuple[Rung, float]]:
    """What judging `count` whole chunks of `steps` steps came to and cost, [us], from states along a walk."""
    found = []
    joints = clutter.gate.body.n
    dt_s = 0.04
    for tick, (given, _, _) in enumerate(clutter.decisions(count + _WARM_UP)):
        chunk = given.chunk
        if chunk is None:
            raise ValueError("a benchmark's chunk is there")
        here = np.array(given.state.q_commanded)
        way = clutter.target - here
        share = np.arange(steps)[:, None] * dt_s / max(float(np.abs(way).max()), 1e-9)
        samples = np.repeat(chunk.samples[:, :1], steps, axis=1)
        samples[0, :, :joints] = here + way * np.clip(share, 0.0, 1.0)
        asked = replace(given, chunk=replace(chunk, samples=samples, dt_s=dt_s))
        seen, spent = _clocked(partial(clutter.gate.preview, asked))
        if tick >= _WARM_UP:
            found.append((seen.rung, spent))
    return found


def _question(gate: Gate, given: GateInput) -> _Question:
    """What the projector is asked in the decision on `given`."""
    state, end_ns = given.state, given.now_ns + round(gate.config.period_s * 1e9)
    start = np.array([state.q_commanded, state.v_commanded, state.a_commanded])
    chunk = given.chunk
    reference = None if chunk is None else reference_at(chunk, gate.body.n, end_ns)
    if reference is None:
        raise ValueError("a benchmark's chunk has a reference")
    wanted = gate._follow(start, reference)
    return _Question(start, wanted, gate._projector.box(start), gate._surveyor.survey(given))


def _rows_of_all(gate: Gate, question: _Question) -> tuple[FloatArray, FloatArray]:
    """The rows of every pair, none left out, as the program takes them."""
    projector, n = gate._projector, gate.body.n
    wide = replace(question.box, lower=np.full(n, -1e6), upper=np.full(n, 1e6))
    ahead = question.node[0] + gate.config.period_s * question.node[1]
    rows, bound, _ = projector._pair_rows(ahead, question.around, wide, 0.0, 0.05)
    return projector._in_program(rows, bound)


def _with_rows(program: Program, rows: tuple[FloatArray, FloatArray]) -> Program:
    quadratic, linear, own, own_bound = program
    return quadratic, linear, np.concatenate([own, rows[0]]), np.concatenate([own_bound, rows[1]])


def _clocked(call: Callable[[], _Answer]) -> tuple[_Answer, float]:
    before = time.process_time_ns()
    answer = call()
    return answer, (time.process_time_ns() - before) * 1e-3
