"""Which contacts the motion that plays was verified with."""

from __future__ import annotations

from interlock.hal.phase import AllowedContact, Phase
from interlock.orchestrator.messages import TickReport

__all__ = ["ContactGrant"]


class ContactGrant:
    """What may touch in a tick, for the referee.

    A command is verified together with its stop, under what is granted in its tick. While that stop plays, a
    grant that runs out meanwhile makes no fault of it, and one that is given meanwhile excuses nothing.
    """

    def __init__(self) -> None:
        self._verified_with: tuple[AllowedContact, ...] = ()

    def allowed(self, phase: Phase | None, report: TickReport) -> tuple[AllowedContact, ...]:
        """The pairs that may touch in the tick of `report`, the next one to be called for.

        Args:
            phase: that is granted; None before the first.
            report: of the tick.
        """
        if report.command is not None or report.state.standstill:
            self._verified_with = phase.contacts_at(report.stamp_ns) if phase is not None else ()
        return self._verified_with
