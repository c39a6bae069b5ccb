"""openpi's messages: one flat map each way, arrays without a batch axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.errors import RemotePolicyError
from interlock.policy.remote.native import OPENPI_KEYS, SECTION, NativeKeys
from interlock.policy.remote.tagged_array import ArrayTag
from interlock.policy.remote.told import Told

__all__ = ["OpenpiDialect"]


class OpenpiDialect:
    """Implements `Dialect` for github.com/Physical-Intelligence/openpi (packages/openpi-client)."""

    name = "openpi"
    port = 8000
    tag = ArrayTag.OPENPI
    native: NativeKeys | None = OPENPI_KEYS

    def request(self, told: Told) -> dict[str, Any]:
        """State, pictures and prompt side by side."""
        request: dict[str, Any] = {**told.extra, **told.states, **told.pictures}
        if told.prompt is not None:
            request[told.prompt[0]] = told.prompt[1]
        if told.interlock is not None:
            request[SECTION] = told.interlock
        return request

    def arrays(self, answer: Any) -> Mapping[str, object]:
        """The answer as it is."""
        if not isinstance(answer, Mapping):
            raise RemotePolicyError(
                "is no map",
                field="answer",
                value=type(answer).__name__,
                mend="Look at the server: it has to speak openpi's protocol.",
            )
        return answer
