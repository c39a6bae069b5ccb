"""One connection to a policy server, whatever carries it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from interlock.policy.remote.deadline import Deadline

__all__ = ["MOST_ANSWER_BYTES", "OpenWire", "Wire"]

MOST_ANSWER_BYTES = 4 * 2**20
"""A server's message is never larger: a chunk of 1,000 steps of 64 columns has half a megabyte."""


class Wire(Protocol):
    """Used by one thread, but for `abort`."""

    metadata: Any
    """What the server said of itself when this connection was opened."""

    def call(self, request: Any, deadline: Deadline) -> Any:
        """The answer to a request.

        Raises:
            RemotePolicyError: if none comes in time, or one that cannot be read; the wire is of no more use.
        """
        ...

    def abort(self) -> None:
        """Make a call that is going on fail soon; any thread may say so."""
        ...

    def close(self) -> None:
        """Let go of the connection, without waiting for the other side."""
        ...


OpenWire = Callable[[Deadline], Wire]
"""Connects, and reads what the server says of itself.

Raises:
    RemotePolicyError: if that fails.
"""
