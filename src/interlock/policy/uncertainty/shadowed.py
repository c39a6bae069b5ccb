"""One policy that is followed, and another that is only asked."""

from __future__ import annotations

from contextlib import suppress

from interlock.errors import InterlockError
from interlock.hal.chunk import ActionChunk
from interlock.policy.observation import Observation
from interlock.policy.policy import Policy

__all__ = ["Shadowed"]


class Shadowed:
    """Asks both, and hands over what the first one proposes.

    Args:
        followed: proposes.
        shadow: is asked the same; what it answers or refuses changes nothing.

    Attributes:
        name: of the one that is followed.
        roles: of the cameras that either looks through.
        cameras: names of the cameras that either looks through.
    """

    def __init__(self, followed: Policy, shadow: Policy) -> None:
        self._followed = followed
        self._shadow = shadow
        self.name = followed.name
        both = (followed, shadow)
        self.roles = frozenset().union(*(getattr(each, "roles", ()) for each in both))
        self.cameras = frozenset().union(*(getattr(each, "cameras", ()) for each in both))

    def reset(self) -> None:
        """Forget the last run."""
        self._followed.reset()
        self._shadow.reset()

    def propose(self, observation: Observation) -> ActionChunk | None:
        """What the first one proposes; the other is asked where that is something."""
        proposed = self._followed.propose(observation)
        if proposed is not None:
            with suppress(InterlockError):
                self._shadow.propose(observation)
        return proposed
