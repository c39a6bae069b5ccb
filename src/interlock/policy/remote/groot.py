"""Isaac-GR00T's messages: endpoints, and a modality configuration that says what goes in and out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from interlock.errors import RemotePolicyError
from interlock.policy.remote.batch import unbatched
from interlock.policy.remote.native import GROOT_KEYS, SECTION, NativeKeys
from interlock.policy.remote.tagged_array import ArrayTag
from interlock.policy.remote.told import Told

__all__ = ["MODALITIES", "GrootDialect", "modality"]

MODALITIES = ("video", "state", "language", "action")
_MARK = "__ModalityConfig_class__"
_DIALECT = "Set policy.options.dialect to what the server speaks: n1.6 or n1.5."
_SERVER = "Look at the server: it has to be Isaac-GR00T N1.5 or N1.6."


class GrootDialect:
    """Implements `Dialect` for github.com/NVIDIA/Isaac-GR00T.

    Args:
        newer: True for N1.6 and after: nested observations with batch and time axes, and (action, info) back;
            False for N1.5: flat ones with a time axis, and the actions back.
    """

    name = "groot"
    port = 5555
    tag = ArrayTag.GROOT

    def __init__(self, *, newer: bool = True) -> None:
        self.newer = newer
        self.native: NativeKeys | None = GROOT_KEYS if newer else None

    def request(self, told: Told) -> dict[str, Any]:
        """What stands under `data` of a call of `get_action`."""
        if not self.newer:
            flat: dict[str, Any] = {key: row[None] for key, row in told.states.items()}
            flat |= {key: picture[None] for key, picture in told.pictures.items()}
            if told.prompt is not None:
                flat[told.prompt[0]] = [told.prompt[1]]
            return {**told.extra, **flat}
        language = {} if told.prompt is None else {told.prompt[0]: [[told.prompt[1]]]}
        observation = {
            "video": {key: picture[None, None] for key, picture in told.pictures.items()},
            "state": {key: row[None, None] for key, row in told.states.items()},
            "language": language,
        }
        options: dict[str, Any] = dict(told.extra)
        if told.interlock is not None:
            options[SECTION] = told.interlock
        return {"observation": observation, "options": options or None}

    def arrays(self, answer: Any) -> Mapping[str, object]:
        """The actions, without their batch axis.

        Raises:
            RemotePolicyError: if it is no map of actions (N1.5) or no pair of actions and more (N1.6).
        """
        if self.newer:
            if not isinstance(answer, list) or len(answer) != 2:
                raise RemotePolicyError(
                    "is no pair of actions and more", field="answer", value=_kind(answer), mend=_DIALECT
                )
            answer = answer[0]
        if not isinstance(answer, Mapping):
            raise RemotePolicyError(
                "is no map of actions", field="answer", value=_kind(answer), mend=_DIALECT
            )
        return {key: _columns(unbatched(value, f"answer.{key}", axes=2)) for key, value in answer.items()}


def modality(value: object, field: str) -> dict[str, Any]:
    """One entry of a modality configuration: `delta_indices` and `modality_keys`.

    N1.5 sends it as JSON text, N1.6 as a map; both mark it.

    Raises:
        RemotePolicyError: if it is none.
    """
    if isinstance(value, Mapping) and _MARK in value:
        value = value.get("as_json", value.get("as_dict"))
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise RemotePolicyError("is no JSON", field=field, value=value, mend=_SERVER) from error
    if not isinstance(value, Mapping):
        raise RemotePolicyError("is no modality configuration", field=field, value=_kind(value), mend=_SERVER)
    indices, keys = value.get("delta_indices"), value.get("modality_keys")
    if not _all(indices, int) or not _all(keys, str):
        raise RemotePolicyError(
            "has no lists of delta_indices and modality_keys",
            field=field,
            value=sorted(map(str, value)),
            mend=_SERVER,
        )
    return {"delta_indices": indices, "modality_keys": keys}


def _all(value: object, kind: type) -> bool:
    return isinstance(value, list) and all(type(item) is kind for item in value)


def _columns(value: object) -> object:
    """A single column may come without its axis."""
    return value[:, None] if isinstance(value, np.ndarray) and value.ndim == 1 else value


def _kind(value: object) -> str:
    return f"{type(value).__name__} of {len(value)}" if isinstance(value, list) else type(value).__name__
