"""starVLA's messages: a list of one example each way, over openpi's transport."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from interlock.errors import RemotePolicyError
from interlock.policy.remote.batch import unbatched
from interlock.policy.remote.native import NativeKeys
from interlock.policy.remote.tagged_array import ArrayTag
from interlock.policy.remote.told import Told

__all__ = ["StarvlaDialect"]


class StarvlaDialect:
    """Implements `Dialect` for github.com/starVLA/starVLA (deployment/model_server).

    Pictures go in the order in which the map names them; the server knows them by their place. All measured
    values go in one row, in the order of the map.
    """

    name = "starvla"
    port = 10093
    tag = ArrayTag.OPENPI
    native: NativeKeys | None = None

    def request(self, told: Told) -> dict[str, Any]:
        """One example: pictures, words, and one row of state if there is any."""
        example: dict[str, Any] = {"image": list(told.pictures.values())}
        if told.prompt is not None:
            example["lang"] = told.prompt[1]
        if told.states:
            example["state"] = np.concatenate(list(told.states.values()))[None]
        return {**told.extra, "examples": [example]}

    def arrays(self, answer: Any) -> Mapping[str, object]:
        """The arrays under `data`, without their batch axis.

        Raises:
            RemotePolicyError: if the server says that it failed, or sends a batch of other than one.
        """
        if not isinstance(answer, Mapping) or answer.get("status") != "ok":
            told = answer.get("error") if isinstance(answer, Mapping) else type(answer).__name__
            raise RemotePolicyError(
                "the server says that it failed", field="answer", value=told, mend="Look at its log."
            )
        data = answer.get("data")
        if not isinstance(data, Mapping):
            raise RemotePolicyError(
                "has no map under data",
                field="answer",
                value=sorted(answer),
                mend="Look at the server: it has to be starVLA's.",
            )
        return {key: unbatched(value, f"answer.data.{key}", axes=2) for key, value in data.items()}
