"""A policy lets go of what it holds when it is no longer asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from interlock.policy.policy import Policy

__all__ = ["closing_policy"]


@contextmanager
def closing_policy(policy: Policy) -> Iterator[None]:
    """Let a policy let go of what it holds (a connection, a process), if it knows how to."""
    try:
        yield
    finally:
        close = getattr(policy, "close", None)
        if callable(close):
            with suppress(Exception):  # nobody asks it any more, and what came of it stands
                close()
