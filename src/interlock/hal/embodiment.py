"""The body as a policy sees it: typed channels, rate and horizon."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum

__all__ = ["Channel", "ChannelKind", "Embodiment", "Reference"]


class ChannelKind(StrEnum):
    """What a channel of an action means."""

    JOINT_POSITION = "joint_position"
    TOOL_POSITION = "tool_position"  # of the tool centre point, one channel an axis
    TOOL_ROTATION = "tool_rotation"  # rotation vector of the tool, one channel an axis
    GRIPPER_WIDTH = "gripper_width"


class Reference(StrEnum):
    """What a channel's value is relative to."""

    ABSOLUTE = "absolute"
    CHUNK_START = "chunk_start"  # the pose that the chunk is anchored to
    PREVIOUS_STEP = "previous_step"  # the step before; for the first one, the anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One number of an action: its name, kind, unit ("rad" or "m"), frame and limits in that unit.

    `frame` says in which axes a pose of the tool is given: "world", or, if it is a relative one, "tool".
    """

    name: str
    kind: ChannelKind
    unit: str
    frame: str
    reference: Reference
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Embodiment:
    """A body that a policy can drive.

    Attributes:
        tag: name of the body, e.g. "franka_panda".
        channels: the arm's joints, in model order, or the tool's position x, y, z and rotation vector x, y,
            z; then the gripper width if there is one.
        rate_hz: rate of the steps inside a chunk, [Hz].
        horizon: number of steps T of a chunk.
    """

    tag: str
    channels: tuple[Channel, ...]
    rate_hz: float
    horizon: int

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything above; every chunk carries it."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def joint_count(self) -> int:
        """Number of arm joint channels, n; 0 if the tool is what is proposed for."""
        return sum(c.kind is ChannelKind.JOINT_POSITION for c in self.channels)

    @property
    def tool_reference(self) -> Reference | None:
        """What poses of the tool are relative to; None if joint positions are proposed."""
        first = self.channels[0]
        return first.reference if first.kind is ChannelKind.TOOL_POSITION else None

    @property
    def has_gripper(self) -> bool:
        """Whether the last channel is a gripper width."""
        return any(c.kind is ChannelKind.GRIPPER_WIDTH for c in self.channels)
