"""The policy protocol: everything that proposes motion speaks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.hal.camera_spec import CameraSpec
from interlock.hal.chunk import ActionChunk
from interlock.hal.embodiment import Embodiment
from interlock.hal.robot import RobotSpec
from interlock.policy.observation import Observation

__all__ = ["Policy", "PolicyContext", "PolicyFactory"]


class Policy(Protocol):
    """Proposes motion. Nothing it says is trusted.

    A policy that looks has an attribute `roles: frozenset[str]` with the roles of the cameras it wants, or
    `cameras: frozenset[str]` with their names in the cell; their pictures are then in `Observation.frames`.
    It has to wait or refuse when they are not: a camera can fail. One that was taught some skills alone names
    them in `skills: frozenset[str]`: a plan with another one is refused.
    """

    name: str

    def reset(self) -> None:
        """Forget the last run."""
        ...

    def propose(self, observation: Observation) -> ActionChunk | None:
        """A chunk for this observation, or None to wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyContext:
    """What a policy is built from.

    Attributes:
        robot: the body's typed description.
        embodiment: channels, rate and horizon its chunks must have.
        seed: the run's seed.
        options: the cell's `policy.options`.
        cameras: the cameras of the cell.
        real_time: whether the machine's clock paces the run; in lockstep nothing may depend on it.
    """

    robot: RobotSpec
    embodiment: Embodiment
    seed: int
    options: Mapping[str, Any]
    cameras: tuple[CameraSpec, ...] = ()
    real_time: bool = False


PolicyFactory = Callable[[PolicyContext], Policy]
"""An entry point in group `interlock.policies` names one of these."""
