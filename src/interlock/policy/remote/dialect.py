"""How one kind of server wants to be asked, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from interlock.policy.remote.native import NativeKeys
from interlock.policy.remote.tagged_array import ArrayTag
from interlock.policy.remote.told import Told

__all__ = ["Dialect"]


class Dialect(Protocol):
    """The messages of one protocol; what carries them is a `Wire`."""

    name: str
    """The policy's name, too."""

    port: int
    """Its usual port."""

    tag: ArrayTag
    """How it writes arrays."""

    native: NativeKeys | None
    """How another Interlock names things over it; None if Interlock is not served over it."""

    def request(self, told: Told) -> Any:
        """The message that asks for a chunk."""
        ...

    def arrays(self, answer: Any) -> Mapping[str, object]:
        """The arrays of an answer by key, without a batch axis.

        Raises:
            RemotePolicyError: if it is no answer to such a question.
        """
        ...
