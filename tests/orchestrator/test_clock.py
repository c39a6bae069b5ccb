"""Two clocks, one grid of stamps; only in real time can a tick be late."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from interlock.orchestrator.clock import LockstepClock, RealTimeClock

PERIOD_NS = 10_000_000


@dataclass
class World:
    """Moves on by one period; `costs_ns` is what the machine's clock shows for it."""

    machine: Machine
    costs_ns: list[int] = field(default_factory=list)
    now_ns: int = 0

    def advance(self) -> None:
        self.now_ns += PERIOD_NS
        if self.costs_ns:
            self.machine.now_ns += self.costs_ns.pop(0)


@dataclass
class Machine:
    """The machine's clock, which sleeps in no time."""

    now_ns: int = 5_000_000_000
    slept: list[int] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds * 1e9))
        self.now_ns += round(seconds * 1e9)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(time, "monotonic_ns", lambda: machine.now_ns)
    monkeypatch.setattr(time, "sleep", machine.sleep)
    return machine


def test_lockstep_follows_the_world_and_is_never_late(machine: Machine) -> None:
    clock = LockstepClock(World(machine, [10**9] * 3))
    for tick in range(3):
        assert (clock.now_ns(), clock.lateness_ns()) == (tick * PERIOD_NS, 0)
        clock.wait_next_tick()
    assert machine.slept == []


def test_real_time_sleeps_until_the_period_is_over(machine: Machine) -> None:
    clock = RealTimeClock(World(machine, [2_000_000, 4_000_000, 0]), 0.01)
    for _ in range(3):
        clock.wait_next_tick()
        assert clock.lateness_ns() == 0
    assert machine.slept == [8_000_000, 6_000_000, 10_000_000]
    assert (clock.ticks, clock.late_ticks, clock.worst_ns) == (3, 0, 0)


def test_a_little_lateness_is_told_and_caught_up(machine: Machine) -> None:
    clock = RealTimeClock(World(machine, [13_000_000, 1_000_000]), 0.01)
    clock.wait_next_tick()
    assert clock.lateness_ns() == 3_000_000
    clock.wait_next_tick()
    assert clock.lateness_ns() == 0
    assert machine.slept == [6_000_000]
    assert (clock.late_ticks, clock.worst_ns) == (0, 3_000_000)


def test_more_than_a_period_late_counts_and_moves_the_deadline(machine: Machine) -> None:
    clock = RealTimeClock(World(machine, [50_000_000, 1_000_000]), 0.01)
    clock.wait_next_tick()
    assert (clock.lateness_ns(), clock.late_ticks) == (40_000_000, 1)
    clock.wait_next_tick()
    assert clock.lateness_ns() == 0
    assert machine.slept == [9_000_000], "the lost periods are not played in a burst"


def test_stamps_stay_on_the_grid_however_late_the_machine_is(machine: Machine) -> None:
    clock = RealTimeClock(World(machine, [50_000_000, 13_000_000, 0]), 0.01)
    stamps = []
    for _ in range(3):
        stamps.append(clock.now_ns())
        clock.wait_next_tick()
    assert stamps == [0, PERIOD_NS, 2 * PERIOD_NS]
