"""The pictures that a policy asks for: rendered when it asks, or in a process beside the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from interlock.hal.camera_spec import CameraSpec
from interlock.hal.frame import Frame
from interlock.hal.simulator.camera import SimulatedCamera
from interlock.hal.simulator.mirror import MirrorPlan
from interlock.hal.simulator.mirror_cameras import MirrorCameras
from interlock.orchestrator.asked_cameras import STALE_NS
from interlock.orchestrator.rig import Rig

__all__ = ["LockstepSight", "MirrorSight", "NoSight", "Sight", "sight_for"]


class Sight(Protocol):
    """Where a policy's pictures come from."""

    def refresh(self) -> None:
        """A tick begins; never waits."""
        ...

    def frames(self) -> tuple[Frame, ...]:
        """What the cameras show now, in the order of the cell; none if they cannot show it."""
        ...

    def close(self) -> None:
        """No picture is wanted any more."""
        ...


class NoSight:
    """For policies that ask for no camera."""

    def refresh(self) -> None:
        """Nothing to do."""

    def frames(self) -> tuple[Frame, ...]:
        """Nothing."""
        return ()

    def close(self) -> None:
        """Nothing to do."""


class LockstepSight:
    """Renders when asked, while the world waits: deterministic."""

    def __init__(self, cameras: Iterable[SimulatedCamera]) -> None:
        self._cameras = tuple(cameras)

    def refresh(self) -> None:
        """Nothing to do."""

    def frames(self) -> tuple[Frame, ...]:
        """One picture of each camera, of this instant."""
        return tuple(camera.capture() for camera in self._cameras)

    def close(self) -> None:
        """Nothing to do."""


class MirrorSight:
    """Pictures from the camera process; those older than half a second count as none.

    Args:
        rig: what is looked at.
        specs: the cameras; the fastest one's rate is how often they are asked.
        complain: told once, when the pictures end.
    """

    def __init__(
        self, rig: Rig, specs: tuple[CameraSpec, ...], complain: Callable[[str], None] = lambda text: None
    ) -> None:
        self._world = rig.world
        self._complain = complain
        self._period_ns = round(1e9 / max(spec.rate_hz for spec in specs))
        self._due_ns = 0
        plan = MirrorPlan(
            robot=rig.world.robot,
            objects=rig.world.objects,
            colors=dict(rig.cell.colors()),
            cameras=specs,
            look=rig.look,
        )
        self.cameras = MirrorCameras(plan, rig.world.posture())

    def refresh(self) -> None:
        """Send where everything is, as often as the cameras take pictures."""
        now_ns = self._world.now_ns
        if now_ns >= self._due_ns and self.cameras.alive:
            self._due_ns = now_ns + self._period_ns
            self.cameras.send(self._world.posture())

    def frames(self) -> tuple[Frame, ...]:
        """The newest pictures, or none."""
        frames = self.cameras.frames()
        if frames and self._world.now_ns - frames[0].stamp_ns <= STALE_NS:
            return frames
        self._complain("the camera process sends no pictures")
        return ()

    def close(self) -> None:
        """End the camera process."""
        self.cameras.close()


def sight_for(
    specs: tuple[CameraSpec, ...],
    rig: Rig,
    *,
    real_time: bool,
    complain: Callable[[str], None] = lambda text: None,
) -> Sight:
    """How those cameras are looked through in a run; nothing is rendered if there are none."""
    if not specs:
        return NoSight()
    if real_time:
        return MirrorSight(rig, specs, complain)
    return LockstepSight(SimulatedCamera(rig.world, spec, rig.look) for spec in specs)
