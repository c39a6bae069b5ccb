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
    GRIPPER_WIDTH = "gripper_width"


class Reference(StrEnum):
    """What a channel's value is relative to."""

    ABSOLUTE = "absolute"
    CHUNK_START = "chunk_start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One number of an action: its name, kind, unit ("rad" or "m"), frame and limits in that unit."""

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
        channels: arm joints first, in model order, then the gripper width if there is one.
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
        """Number of arm joint channels, n."""
        return sum(c.kind is ChannelKind.JOINT_POSITION for c in self.channels)

    @property
    def has_gripper(self) -> bool:
        """Whether the last channel is a gripper width."""
        return any(c.kind is ChannelKind.GRIPPER_WIDTH for c in self.channels)
