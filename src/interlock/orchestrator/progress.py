"""What a run tells whoever watches it."""

from __future__ import annotations

from typing import Protocol

from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.summary import RunSummary
from interlock.planners.plan import Plan, Task

__all__ = ["Progress", "SilentProgress"]


class Progress(Protocol):
    """Watches one run; called by the session's thread, never between a stop and the motor."""

    def plan(self, plan: Plan) -> None:
        """The plan was made and validated."""
        ...

    def task(self, task: Task) -> None:
        """A task begins."""
        ...

    def tick(self, report: TickReport) -> None:
        """One tick was played."""
        ...

    def event(self, text: str) -> None:
        """Something worth a line happened."""
        ...

    def done(self, summary: RunSummary) -> None:
        """The run has ended; called once, also after a stop."""
        ...


class SilentProgress:
    """Watches and says nothing."""

    def plan(self, plan: Plan) -> None:
        """Say nothing."""

    def task(self, task: Task) -> None:
        """Say nothing."""

    def tick(self, report: TickReport) -> None:
        """Say nothing."""

    def event(self, text: str) -> None:
        """Say nothing."""

    def done(self, summary: RunSummary) -> None:
        """Say nothing."""
