"""Stops at random moments of motion, and the way that the simulated arm really goes until it stands.

What is compared, stop by stop, both as the sum over the arm's joints, [rad]:

* *predicted*: `stop_distance_rad` of the certificate in hand, that of the command played until then;
* *measured*: the path, from a reading of PyBullet's joint states after every physics step (1 kHz), from the
  end of that command to the end of the first period in which the driver *measured* every joint to stand.
  Nothing commanded is used, no reading of the driver's either, and every way to and fro counts.

Moments are drawn at random; one at which the arm is measured to stand, or at which the stop already plays, is
drawn again. The last stop of a run is the real one, STOP_AND_HOLD, which latches and ends the run. Before
that the proposals end: the drive is told that none is in force, and hears of no other before the arm stands.
"""

from __future__ import annotations

import numpy as np
import pybullet

from interlock.hal.arrays import FloatArray
from interlock.hal.driver import StopCategory
from interlock.orchestrator.messages import ChunkMessage, DriveMessage, StopMessage, TickReport
from interlock.orchestrator.rig import Rig

__all__ = ["Stopper"]

_WAIT_TICKS = (30, 91)
_LATCH_FROM_NS = 8_000_000_000
_DIGITS = 8


class Stopper:
    """Sits between the session and the drive of one run.

    Attributes:
        stops: for each stop the predicted and the measured way, [rad].
    """

    def __init__(self, rig: Rig, seed: int) -> None:
        self.stops: list[list[float]] = []
        self._driver, self._body = rig.world.driver, rig.world.body
        self._tell, self._play = rig.drive.handle, rig.drive.tick
        vars(rig.drive).update(handle=self._handle, tick=self._tick)
        rig.world.on_substep(self._read)
        self._draw = np.random.default_rng(seed)
        self._wait = self._drawn()
        self._predicted: float | None = None  # of the stop under way
        self._last: TickReport | None = None
        self._q = self._measured()
        self._path_rad = 0.0

    def _handle(self, message: DriveMessage) -> None:
        if self._predicted is None or not isinstance(message, ChunkMessage):
            self._tell(message)

    def _tick(self, now_ns: int, lateness_ns: int = 0) -> TickReport:
        self._wait -= 1
        if self._wait <= 0 and self._predicted is None:
            self._wait = self._drawn()
            self._stop(now_ns)
        report = self._play(now_ns, lateness_ns)
        if self._predicted is not None and report.state.standstill:
            self.stops.append([round(self._predicted, _DIGITS), round(self._path_rad, _DIGITS)])
            self._predicted = None
        self._last = report
        return report

    def _stop(self, now_ns: int) -> None:
        """Stop now, if there is anything to stop."""
        if self._last is None or self._last.certificate is None or self._driver.standstill():
            return
        if now_ns < _LATCH_FROM_NS:
            self._tell(ChunkMessage(chunk=None))
        else:
            self._tell(StopMessage(category=StopCategory.STOP_AND_HOLD, cause="a stop of the evidence"))
        self._predicted = self._last.certificate.stop_distance_rad
        self._path_rad = 0.0

    def _drawn(self) -> int:
        return int(self._draw.integers(*_WAIT_TICKS))

    def _read(self, substep: int) -> None:
        q = self._measured()
        self._path_rad += float(np.abs(q - self._q).sum())
        self._q = q

    def _measured(self) -> FloatArray:
        client = self._body.client
        states = pybullet.getJointStates(self._body.body, self._body.arm, physicsClientId=client)
        return np.array([state[0] for state in states])
