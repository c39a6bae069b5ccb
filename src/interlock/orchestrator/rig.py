"""Everything one run is made of, built from a cell: world, driver, gate, drive, referee."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

from interlock.guards.gate import Gate
from interlock.hal.scene import ObjectKind
from interlock.hal.simulator.referee import Referee
from interlock.hal.simulator.scene_source import SimulatedSceneSource
from interlock.hal.simulator.world import World
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.clock import Clock, LockstepClock, RealTimeClock
from interlock.orchestrator.cycle import Cycle
from interlock.orchestrator.drive import Drive
from interlock.orchestrator.gate_maker import GateMaker, build_gate
from interlock.orchestrator.puppet_drive import PuppetDrive
from interlock.orchestrator.warm_up import warm_up

__all__ = ["Rig", "build_rig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """The parts of one simulated run.

    Attributes:
        cell: what it was built from.
        world: the simulated world.
        source: how the world is seen, noise included.
        referee: the independent observer; the gate never reads it.
        gate: the gate.
        drive: guards and driver in one control cycle; for a puppet, its pull.
        clock: lockstep or real time.
    """

    cell: Cell
    world: World
    source: SimulatedSceneSource
    referee: Referee
    gate: Gate
    drive: Cycle
    clock: Clock

    def close(self) -> None:
        """Let go of the simulated world."""
        self.world.close()
        gc.unfreeze()


def build_rig(
    cell: Cell,
    *,
    seed: int,
    latch: Callable[[str], None],
    epoch: int = 0,
    real_time: bool = False,
    gui: bool = False,
    make_gate: GateMaker = build_gate,
    puppet: bool = False,
) -> Rig:
    """Build one simulated run.

    Args:
        cell: the cell.
        seed: decides where things stand, how they are seen and how obstacles move.
        latch: called with the cause when a stop latches.
        epoch: epoch of the lease.
        real_time: pace the world by the machine's clock.
        gui: open PyBullet's window.
        make_gate: how to build the gate.
        puppet: whether the simulated arm is pulled along the proposals as they are, to be measured against.
    """
    robot, objects = cell.robot_spec(), cell.scene_objects(seed)
    gate = make_gate(cell)
    warm_up(gate, cell, objects)
    world = World(
        robot,
        objects,
        cell.colors(),
        cell.motions(seed),
        frictions=cell.frictions(),
        masses=cell.masses_kg(),
        period_s=cell.period_s,
        substeps=cell.rates.physics_substeps,
        seed=seed,
        gui=gui,
    )
    source = SimulatedSceneSource(world, objects, seed)
    base = {gate.body.cap_link[c] for c in range(len(gate.body.cap_link)) if gate.body.cap_joint[c] < 0}
    fixed = [o.name for o in objects if o.kind is ObjectKind.FIXED]
    standing_on = tuple((link, name) for link in sorted(base) for name in fixed)
    referee = Referee(world, zones=cell.zones(), standing_on=standing_on)
    drive: Cycle
    if puppet:
        drive = PuppetDrive(driver=world.driver, body=gate.body, cell=cell, scene=source, latch=latch)
    else:
        drive = Drive(
            driver=world.driver,
            gate=gate,
            scene=source,
            latch=latch,
            epoch=epoch,
            expected=[o.name for o in objects],
        )
    clock: Clock = LockstepClock(world)
    if real_time:
        clock = RealTimeClock(world, cell.period_s)
        gc.collect()
        gc.freeze()  # a full collection over all that was just loaded was seen to stall a tick for 170 ms
    return Rig(cell=cell, world=world, source=source, referee=referee, gate=gate, drive=drive, clock=clock)
