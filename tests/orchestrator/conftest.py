"""A cell, its gate, and a robot made of numbers, for tests of the drive and the loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace

import numpy as np
import pytest

from interlock.guards.gate import Gate
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.command import GuardedCommand
from interlock.hal.driver import Interpolation, StopCategory
from interlock.hal.scene import Scene, SceneObject
from interlock.hal.state import GripperState, RobotState
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.drive import Drive
from interlock.orchestrator.gate_maker import build_gate

PERIOD_NS = 10_000_000


@dataclass
class FakeRobot:
    """Driver, scene source and clock in one: it is where it was commanded to be.

    Attributes:
        cell: what it is a robot of.
        faults: what a method raises, by the method's name.
        calls: "stop", "latch" and "write" in the order in which they came.
    """

    cell: Cell
    faults: dict[str, Exception] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    written: list[GuardedCommand] = field(default_factory=list)
    stops: list[StopCategory] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    now_ns: int = 0
    period_s: float = 0.01
    interpolation: Interpolation = Interpolation.CUBIC

    def __post_init__(self) -> None:
        self.robot = self.cell.robot_spec()
        self.joint_names = self.robot.limits.names
        self.objects: tuple[SceneObject, ...] = self.cell.scene_objects(0)
        self.node = np.zeros((3, self.robot.dof))
        self.node[0] = self.robot.home

    def _fail(self, method: str) -> None:
        if method in self.faults:
            raise self.faults[method]

    def observe(self) -> RobotState:
        self._fail("observe")
        q, v, a = self.node
        return RobotState(
            stamp_ns=self.now_ns,
            q=q,
            v=v,
            q_commanded=q,
            v_commanded=v,
            a_commanded=a,
            gripper=GripperState(width_m=0.06, force_n=0.0),
            standstill=not self.node[1:].any(),
        )

    def snapshot(self) -> Scene:
        self._fail("snapshot")
        seen = tuple(replace(o, stamp_ns=self.now_ns) for o in self.objects)
        return Scene(stamp_ns=self.now_ns, objects=seen)

    def write(self, command: GuardedCommand) -> None:
        self.calls.append("write")
        self._fail("write")
        self.written.append(command)

    def stop(self, category: StopCategory) -> None:
        self.calls.append("stop")
        self.stops.append(category)
        self._fail("stop")

    def latch(self, cause: str) -> None:
        self.calls.append("latch")
        self.causes.append(cause)
        self._fail("latch")

    def release_stop(self) -> None:
        raise AssertionError("only a person releases a stop")

    def standstill(self) -> bool:
        return not self.node[1:].any()

    def close(self) -> None:
        pass

    def lateness_ns(self) -> int:
        return 0

    def wait_next_tick(self) -> None:
        """Play what was written; without a successor stand."""
        if self.written and self.written[-1].stamp_ns == self.now_ns:
            self.node = np.array(self.written[-1].end)
        self.now_ns += PERIOD_NS

    def drive(self, gate: Gate, **more: object) -> Drive:
        return Drive(driver=self, gate=gate, scene=self, latch=self.latch, epoch=3, **more)  # type: ignore[arg-type]

    def chunk(self, *, seq: int = 0, towards: float = 0.0) -> ActionChunk:
        """Hold the commanded posture, or turn the last joint by up to `towards` [rad] within the chunk."""
        body = self.cell.embodiment()
        samples = np.zeros((1, body.horizon, len(body.channels)))
        samples[0, :, : body.joint_count] = self.node[0]
        samples[0, :, body.joint_count - 1] += towards * np.linspace(0.0, 1.0, body.horizon) ** 2
        samples[0, :, -1] = 0.06
        return ActionChunk(
            seq=seq,
            embodiment=body.fingerprint,
            samples=samples,
            t_obs_ns=self.now_ns,
            t_ready_ns=self.now_ns,
            t0_ns=self.now_ns,
            dt_s=1.0 / body.rate_hz,
            provenance=Provenance(policy="test", version="1", config_sha256="", seed=0),
        )


@pytest.fixture(scope="session")
def panda_cell() -> Cell:
    pytest.importorskip("pybullet_data")
    return Cell.load("panda_tabletop")


@pytest.fixture(scope="session")
def panda_gate(panda_cell: Cell) -> Gate:
    return build_gate(panda_cell)


@pytest.fixture
def robot(panda_cell: Cell) -> FakeRobot:
    return FakeRobot(panda_cell)


@pytest.fixture
def arrays_in() -> Callable[[object], list[np.ndarray]]:
    """Every array inside plain data."""

    def arrays(value: object) -> list[np.ndarray]:
        if isinstance(value, np.ndarray):
            return [value]
        if isinstance(value, tuple | list):
            return [a for inner in value for a in arrays(inner)]
        if isinstance(value, dict):
            return [a for inner in value.values() for a in arrays(inner)]
        names = [f.name for f in fields(value)] if is_dataclass(value) else []
        return [a for name in names for a in arrays(getattr(value, name))]

    return arrays
