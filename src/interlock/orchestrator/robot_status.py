"""What is known of a robot from its state folder, without touching it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from interlock.hal.latch import StopLatch
from interlock.hal.lease import is_held, read_epoch, read_status
from interlock.hal.mode import Mode
from interlock.hal.state_dir import state_dir_root

__all__ = ["RobotStatus", "living_beside", "who_is_stopping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotStatus:
    """One look at a robot.

    Attributes:
        mode: its mode; None if no run was ever started on it.
        causes: causes of the latched stop, each once, empty if none.
        epoch: how often the lease was granted; None if never.
        drive_pid: process that owns the robot, or None.
        guardian_pid: process that watches it, or None.
    """

    mode: Mode | None
    causes: tuple[str, ...]
    epoch: int | None
    drive_pid: int | None
    guardian_pid: int | None

    @classmethod
    def look(cls, state_dir: Path) -> RobotStatus:
        """Read the state folder; it need not exist.

        Raises:
            StorageError: if the count of epochs cannot be read.
        """
        causes = tuple(dict.fromkeys(c.cause for c in StopLatch(state_dir).causes))
        epoch = read_epoch(state_dir)
        published = read_status(state_dir) if is_held(state_dir) else {}
        return cls(
            mode=_mode(published.get("mode"), bool(causes), epoch),
            causes=causes,
            epoch=epoch,
            drive_pid=_pid(published.get("pid")),
            guardian_pid=_pid(published.get("guardian_pid")),
        )

    def to_json(self) -> str:
        """One line of JSON: mode, latch, epoch, pids; null where there is none."""
        return json.dumps(
            {
                "mode": self.mode,
                "latch": {"causes": list(self.causes)},
                "epoch": self.epoch,
                "pids": {"drive": self.drive_pid, "guardian": self.guardian_pid},
            }
        )


def who_is_stopping(state_dir: Path) -> str:
    """What a stop that was just latched there meets, in one sentence."""
    if not is_held(state_dir):
        return "No run is alive; none can start until `interlock reset`."
    pid = _pid(read_status(state_dir).get("pid"))
    who = "A run (its process is not known)" if pid is None else f"Process {pid}"
    return f"{who} is stopping; no run can start until `interlock reset`."


def living_beside(state_dir: Path) -> list[Path]:
    """State folders of other robots of this user with a living run; one named anywhere else is not known."""
    try:
        folders = sorted(state_dir_root().iterdir())
    except OSError:
        return []
    return [
        f
        for f in folders
        if f.absolute() != state_dir.absolute() and (f / "lease.lock").is_file() and is_held(f)
    ]


def _mode(published: object, latched: bool, epoch: int | None) -> Mode | None:
    """A latch outranks what a run published; without a living run the robot is disarmed."""
    if latched:
        return Mode.LATCHED
    if isinstance(published, str) and published in set(Mode):
        return Mode(published)
    return None if epoch is None else Mode.DISARMED


def _pid(value: object) -> int | None:
    return value if type(value) is int else None
