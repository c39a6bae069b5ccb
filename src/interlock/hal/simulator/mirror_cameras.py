"""Cameras that render in a process of their own, so that no picture ever costs a control tick."""

from __future__ import annotations

import multiprocessing
import threading
from multiprocessing.connection import Connection

from interlock.errors import StartRefusedError
from interlock.hal.frame import Frame
from interlock.hal.simulator.mirror import MirrorPlan, serve
from interlock.hal.simulator.posture import Posture

__all__ = ["MirrorCameras"]

_START_S = 60.0
_LEAVE_S = 2.0


class MirrorCameras:
    """Sends where everything is, and keeps the pictures that come back.

    At most one posture is under way: the next goes out when the last one's pictures have come. So a process
    that hangs or dies is sent nothing more, no buffer fills, and nobody ever waits for it; there are simply
    no new pictures. A posture is a kilobyte or two, far below what a socket holds.

    Args:
        plan: what the mirror is built from.
        first: the posture before the first tick; its pictures are waited for.

    Raises:
        StartRefusedError: if the first pictures do not come.
    """

    def __init__(self, plan: MirrorPlan, first: Posture) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, plan), name="cameras", daemon=True)
        self._process.start()
        theirs.close()  # ours alone is left here: their death ends our reading
        self._connection = ours
        self._frames: tuple[Frame, ...] = ()
        self._busy = False
        self._gone = False
        self._came = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(ours,), name="cameras", daemon=True)
        self._reader.start()
        self.send(first)
        if not self._came.wait(_START_S) or self._gone:
            self.close()
            raise StartRefusedError(
                "the camera process does not answer", field="cameras", mend="Look at what it printed."
            )

    @property
    def pid(self) -> int | None:
        """Id of the camera process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether pictures may still come."""
        return not self._gone

    def send(self, posture: Posture) -> None:
        """Ask for pictures of this posture, unless the last ones are still being made; never waits."""
        if self._busy or self._gone:
            return
        self._busy = True
        try:
            self._connection.send(posture)
        except OSError:
            self._gone = True

    def frames(self) -> tuple[Frame, ...]:
        """The newest pictures, of one instant; none once the process is gone. Never waits."""
        return () if self._gone else self._frames

    def wait_end(self, timeout_s: float) -> bool:
        """Whether the process has gone within `timeout_s` [s]."""
        self._reader.join(timeout_s)
        return not self._reader.is_alive()

    def close(self) -> None:
        """End the camera process."""
        self._gone = True
        self._process.terminate()
        self._process.join(_LEAVE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _read(self, connection: Connection) -> None:
        """On a thread of its own: only this one waits."""
        try:
            while True:
                self._frames = connection.recv()
                self._busy = False
                self._came.set()
        except (EOFError, OSError):
            self._gone = True
            self._came.set()
        finally:
            connection.close()
