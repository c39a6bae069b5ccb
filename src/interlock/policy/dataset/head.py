"""What a set of demonstrations says of its origin: meta/interlock.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from interlock.errors import BadInputError
from interlock.hal.camera_spec import CameraSpec
from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.policy.dataset.features import Features

__all__ = ["HEAD", "Head", "embodiment_from"]

HEAD = "meta/interlock.json"
_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a set came from.

    Attributes:
        features: body, joints, cameras.
        cell: name of the cell.
        cell_sha256: SHA-256 of the cell file, before it was varied.
        base_in_world: pose of the robot's root link in the world, row by row, 16 numbers, [m].
        command: everything that decides what is in the set; JSON. A set goes on under the same one alone.
        versions: versions of packages, by name.
        sealed: whether the rest of meta/ was written after the last episode.
        episodes: one note an episode, in order; empty until sealed.
        failed: attempts that were not kept.
    """

    features: Features
    cell: str
    cell_sha256: str
    base_in_world: tuple[float, ...]
    command: Mapping[str, Any]
    versions: Mapping[str, str]
    sealed: bool = False
    episodes: tuple[Mapping[str, Any], ...] = ()
    failed: int = 0

    def as_sealed(self, episodes: tuple[Mapping[str, Any], ...], failed: int) -> Head:
        """The head of a set whose meta/ is whole."""
        return replace(self, sealed=True, episodes=episodes, failed=failed)

    def to_json(self) -> str:
        """The file's text."""
        body = self.features.embodiment
        data = {
            "schema": _SCHEMA,
            "embodiment": asdict(body),
            "fingerprint": body.fingerprint,
            "joints": list(self.features.joints),
            "cameras": [asdict(camera) for camera in self.features.cameras],
            "frame_rate_hz": self.features.frame_rate_hz,
            "cell": self.cell,
            "cell_sha256": self.cell_sha256,
            "base_in_world": list(self.base_in_world),
            "command": dict(self.command),
            "versions": dict(self.versions),
            "sealed": self.sealed,
            "failed": self.failed,
            "episodes": [dict(note) for note in self.episodes],
        }
        return json.dumps(data, indent=1, sort_keys=True) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Head:
        """The head of the set in a folder.

        Raises:
            BadInputError: if there is none, or it is not of this version, or it contradicts itself.
        """
        path = folder / HEAD
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["schema"] != _SCHEMA:
                raise ValueError(f"schema {data['schema']}, not {_SCHEMA}")
            features = Features(
                embodiment=embodiment_from(data["embodiment"]),
                joints=tuple(data["joints"]),
                cameras=tuple(_camera(camera) for camera in data["cameras"]),
                frame_rate_hz=float(data["frame_rate_hz"]),
            )
            if features.embodiment.fingerprint != data["fingerprint"]:
                raise ValueError("the fingerprint is not that of the embodiment")
            return cls(
                features=features,
                cell=data["cell"],
                cell_sha256=data["cell_sha256"],
                base_in_world=_matrix(data["base_in_world"]),
                command=data["command"],
                versions=data["versions"],
                sealed=data["sealed"] is True,
                episodes=tuple(data["episodes"]),
                failed=data["failed"],
            )
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise BadInputError(
                f"this is no set of demonstrations ({type(error).__name__}: {error})",
                field="data",
                value=str(path),
                mend="Name a folder that `interlock demos` has written.",
            ) from error


def embodiment_from(data: Mapping[str, Any]) -> Embodiment:
    """The embodiment that `asdict` gave.

    Raises:
        KeyError: if something is missing.
        ValueError: if a kind or reference is unknown.
    """
    channels = tuple(
        Channel(
            name=str(channel["name"]),
            kind=ChannelKind(channel["kind"]),
            unit=str(channel["unit"]),
            frame=str(channel["frame"]),
            reference=Reference(channel["reference"]),
            lower=float(channel["lower"]),
            upper=float(channel["upper"]),
        )
        for channel in data["channels"]
    )
    return Embodiment(
        tag=str(data["tag"]),
        channels=channels,
        rate_hz=float(data["rate_hz"]),
        horizon=int(data["horizon"]),
    )


def _matrix(data: Any) -> tuple[float, ...]:
    numbers = tuple(float(number) for number in data)
    if len(numbers) != 16 or not np.isfinite(numbers).all():
        raise ValueError("base_in_world is no pose")
    return numbers


def _camera(data: Mapping[str, Any]) -> CameraSpec:
    points = {key: tuple(data[key]) for key in ("eye_m", "target_m")}
    return CameraSpec(**{**data, **points})
