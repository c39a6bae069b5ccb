"""What a server says of itself, held against the body and the map before anything moves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from interlock.errors import RemotePolicyError
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.embodiment import Embodiment
from interlock.policy.remote.action_map import ActionMap
from interlock.policy.remote.groot import MODALITIES, modality
from interlock.policy.remote.message import pack
from interlock.policy.remote.native import SECTION, VERSION, seen_by
from interlock.policy.remote.observation_map import ObservationMap
from interlock.policy.remote.tagged_array import ArrayTag

__all__ = ["Handshake"]

_FIELD = "policy server's metadata"


class Handshake:
    """Judges metadata.

    Args:
        embodiment: the body that chunks are wanted for.
        cameras: those of the cell.
        expected: items that the cell expects, with their values; None for any value.
        observation: the cell's own map, or None if Interlock's is to be used.
        actions: what comes back.
    """

    def __init__(
        self,
        embodiment: Embodiment,
        cameras: Iterable[CameraSpec],
        expected: Mapping[str, Any],
        observation: ObservationMap | None,
        actions: ActionMap,
    ) -> None:
        self._embodiment = embodiment
        self._cameras = {camera.name: camera for camera in cameras}
        self._expected = expected
        self._observation = observation
        self._actions = actions

    def check(self, metadata: object, *, modalities: bool) -> None:
        """Refuse a server that does not say what the cell expects, or says more.

        Args:
            metadata: what it said.
            modalities: whether it must be a modality configuration of Isaac-GR00T.

        Raises:
            RemotePolicyError: with the first thing that does not fit.
        """
        if not isinstance(metadata, Mapping):
            raise _bad("are no map", type(metadata).__name__, "Look at the server.")
        known = {SECTION, *self._expected}
        if modalities and self._observation is not None:
            self._check_modalities(metadata, self._observation)
            known |= set(MODALITIES)
        elif modalities:
            known |= set(MODALITIES)
        unknown = sorted(metadata.keys() - known)
        if unknown:
            raise _bad(
                f"hold items that the cell does not know: {', '.join(unknown)}",
                metadata[unknown[0]],
                "Name each under policy.options.metadata, with its value, or null for any.",
            )
        for key, value in self._expected.items():
            if key not in metadata or (value is not None and not _same(metadata[key], value)):
                raise _bad(
                    f"do not say {key}: {value!r}", metadata.get(key), "Ask the server for another model."
                )
        if SECTION in metadata or self._observation is None:
            self._check_interlock(metadata.get(SECTION))

    def _check_interlock(self, section: object) -> None:
        if not isinstance(section, Mapping):
            raise _bad(
                "do not say that this is an Interlock",
                None,
                "For any other server give policy.options.observation and policy.options.actions.",
            )
        if section.get("version") != VERSION:
            raise _bad(
                f"name another version than {VERSION}", section.get("version"), "Use the same release."
            )
        body = self._embodiment
        for key, mine in (("tag", body.tag), ("rate_hz", body.rate_hz), ("horizon", body.horizon)):
            if section.get(key) != mine:
                raise _bad(
                    f"name another {key} than {mine!r}", section.get(key), "Serve the same cell as is run."
                )
        if section.get("embodiment") != body.fingerprint:
            raise _bad(
                f"name another embodiment than {body.fingerprint[:12]} ({body.tag})",
                str(section.get("embodiment"))[:12],
                "Serve the same cell as is run, and run it in the action space that is served "
                "(--action-space).",
            )

        if not _names(section.get("skills")):
            raise _bad("do not name skills", section.get("skills"), "Use the same release.")
        cameras = section.get("cameras")
        if not isinstance(cameras, Mapping) or not _names([*cameras]):
            raise _bad("do not name cameras", cameras, "Use the same release.")
        for name, seen in cameras.items():
            camera = self._cameras.get(name)
            if camera is not None and seen != seen_by(camera):
                raise _bad(
                    f"mean another camera by {name} than one of {camera.width_px} × {camera.height_px} "
                    f"pixels with the role {camera.role or 'none'!r}",
                    seen,
                    "Serve the same cell as is run.",
                )

    def _check_modalities(self, metadata: Mapping[str, Any], told: ObservationMap) -> None:
        prompt = told.prompt_key
        mine = {
            "video": (told.picture_keys, 1),
            "state": (told.state_keys, 1),
            "language": (() if prompt is None else (prompt,), 1),
            "action": (tuple(self._actions.widths), self._actions.horizon),
        }
        for name, (keys, steps) in mine.items():
            said = modality(metadata.get(name), f"{_FIELD}.{name}")
            if sorted(said["modality_keys"]) != sorted(keys):
                raise _bad(
                    f"ask for other keys of {name} than {sorted(keys)}",
                    said["modality_keys"],
                    "Mend policy.options.",
                )
            if len(said["delta_indices"]) != steps:
                raise _bad(
                    f"name {len(said['delta_indices'])} steps of {name}, the cell {steps}",
                    said["delta_indices"],
                    "One picture and one state are sent at a time; actions.horizon is the cell's to mend.",
                )


def digest(metadata: object) -> str:
    """SHA-256 of what a server said of itself, whatever the order of its keys."""
    return hashlib.sha256(pack(_sorted(metadata), ArrayTag.OPENPI)).hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(inner) for inner in value] if isinstance(value, list) else value


def _names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _same(said: object, expected: object) -> bool:
    return digest(said) == digest(expected)


def _bad(what: str, value: object, mend: str) -> RemotePolicyError:
    return RemotePolicyError(what, field=_FIELD, value=value, mend=mend)
