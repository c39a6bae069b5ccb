"""What a cell may say about how chunks are streamed: `policy.options.stream`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from interlock.errors import BadInputError
from interlock.hal.embodiment import Channel, ChannelKind
from interlock.policy.told_options import told_options, unusable

__all__ = ["StreamOptions"]

_FIELD = "policy.options.stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """How chunks are asked for and joined.

    Attributes:
        samples: how many samples K a chunk has; the gate follows the one that needs the least change.
        latency_s: time from question to answer, [s]: simulated in lockstep; in real time only the guess until
            enough was measured.
        rtc: whether the model is told what its chunk has to join on to (real-time chunking).
        joint_jump_rad: bound on the jump of a joint position at the hand-over, [rad]. Beyond a bound the
            chunk is blended in. The gate can make up for the default in a tick without changing anything.
        tool_jump_m: the same of the tool's position, by axis, [m].
        tool_jump_rad: the same of the tool's rotation, by axis, [rad].
        blend_s: how long the join of a blended chunk takes, [s]; shorter than twice the delay it overshoots.
        refuse_above: a jump of more than so many times its bound is refused; 1 blends nothing.
        lead_s: how long after the observation the model means step 0, [s].
        cold_calls: the first so many calls do not count for the delay.
        window: so many calls count for it.

    Raises:
        BadInputError: if a value cannot be used.
    """

    samples: int = 1
    latency_s: float = 0.0
    rtc: bool = False
    joint_jump_rad: float = 0.005
    tool_jump_m: float = 0.003
    tool_jump_rad: float = 0.01
    blend_s: float = 0.8
    refuse_above: float = 100.0
    lead_s: float = 0.0
    cold_calls: int = 2
    window: int = 64

    def __post_init__(self) -> None:
        for name, least, most in (("samples", 1, 64), ("cold_calls", 0, 100), ("window", 1, 10_000)):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise _unusable(name, value, f"a whole number from {least} to {most}")
        for name, least_s, most_s in (
            ("latency_s", 0.0, 10.0),
            ("blend_s", 0.01, 10.0),
            ("lead_s", 0.0, 10.0),
        ):
            self._number(name, least_s, most_s)
        for name in ("joint_jump_rad", "tool_jump_m", "tool_jump_rad"):
            self._number(name, 1e-6, math.pi)
        if type(self.rtc) is not bool:
            raise _unusable("rtc", self.rtc, "true or false")
        self._number("refuse_above", 1.0, 1e9)

    @classmethod
    def read(cls, told: object) -> StreamOptions:
        """The options of a cell; what it does not say has its default.

        Raises:
            BadInputError: if a name is unknown or a value cannot be used.
        """
        return cls(**told_options(cls, told, _FIELD))

    def bound(self, channel: Channel) -> float:
        """How far this channel may jump at a hand-over, in its unit.

        A width is a set point that the gripper goes to at its own speed: it jumps by nature, without a bound.
        """
        match channel.kind:
            case ChannelKind.JOINT_POSITION:
                return self.joint_jump_rad
            case ChannelKind.TOOL_POSITION:
                return self.tool_jump_m
            case ChannelKind.TOOL_ROTATION:
                return self.tool_jump_rad
            case ChannelKind.GRIPPER_WIDTH:
                return math.inf

    def _number(self, name: str, least: float, most: float) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise _unusable(name, value, f"a number from {least:g} to {most:g}")
        object.__setattr__(self, name, float(value))


def _unusable(name: str, value: object, wanted: str) -> BadInputError:
    return unusable(f"{_FIELD}.{name}", value, wanted)
