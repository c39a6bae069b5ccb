"""What a policy's successful rollouts look like and where doubt begins, as a file bound to its weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from interlock.errors import BadInputError, CheckpointError, StorageError
from interlock.hal.arrays import FloatArray
from interlock.policy.uncertainty.likeness import Likeness
from interlock.policy.uncertainty.stage import Stage
from interlock.policy.vla.strict_json import from_json, parsed, to_json

__all__ = ["Calibration", "MadeFor", "Played"]

_FORMAT = "interlock-calibration-1"
_MOST_BYTES = 16_000_000
_AGAIN = "Calibrate again; do not edit the file by hand."
_WRITTEN = "Name the file that `interlock policy calibrate` has written."


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFor:
    """What a calibration holds for, and for nothing else.

    Attributes:
        weights_sha256: SHA-256 of the policy's weights.
        files_sha256: SHA-256 over what reads and scales for them: configuration, statistics, tokenizer.
        embodiment: fingerprint of the body.
        sampling: how chunks are sampled, in words.
    """

    weights_sha256: str
    files_sha256: str
    embodiment: str
    sampling: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the calibration was made from.

    Attributes:
        cell: name of the cell.
        variation: axes that were varied, as they were taught.
        goals: the goals.
        moved_by: policy that moved the arm: "vla", or "scripted" where the checkpoint was only asked.
        episodes: how many were played.
        seeds: of those that succeeded, in order.
        fitted: how many of them the likeness was fitted to; the thresholds come from the others.
    """

    cell: str
    variation: tuple[str, ...]
    goals: tuple[str, ...]
    moved_by: str
    episodes: int
    seeds: tuple[int, ...]
    fitted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Likeness and thresholds of one policy.

    Attributes:
        made_for: what it holds for.
        played: what it was made from.
        samples: samples K of a chunk that the spread is taken over.
        slow_share: share of successful rollouts that may exceed `slow`, at most.
        doubt_share: the same of `doubt`.
        slow: a total score up to here is trusted.
        doubt: a total score beyond here is not followed.
        likeness: gives the scores.
    """

    made_for: MadeFor
    played: Played
    samples: int
    slow_share: float
    doubt_share: float
    slow: float
    doubt: float
    likeness: Likeness

    def __post_init__(self) -> None:
        if not 2 <= self.samples <= 64:
            raise CheckpointError(
                "from 2 to 64 samples are wanted",
                field="calibration.samples",
                value=self.samples,
                mend="Calibrate again, with so many --samples.",
            )
        if not (0.0 < self.doubt_share <= self.slow_share < 1.0 and 0.0 < self.slow <= self.doubt < np.inf):
            raise CheckpointError(
                "thresholds or shares are out of order",
                field="calibration",
                value=(self.slow, self.doubt, self.slow_share, self.doubt_share),
                mend=_AGAIN,
            )

    def check(self, policy: MadeFor) -> None:
        """Refuse another policy.

        Raises:
            CheckpointError: names what differs.
        """
        for name in (each.name for each in fields(MadeFor)):
            mine, found = getattr(self.made_for, name), getattr(policy, name)
            if mine != found:
                raise CheckpointError(
                    f"this calibration was made for another policy ({mine})",
                    field=f"calibration.made_for.{name}",
                    value=found,
                    mend="Run `interlock policy calibrate` with this checkpoint, or set "
                    "policy.options.uncertainty.use to false.",
                )

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self._text()).hexdigest()

    def save(self, path: Path) -> None:
        """Write the file; the same calibration gives the same bytes.

        Raises:
            StorageError: if it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._text())
        except OSError as error:
            raise StorageError(
                f"cannot be written: {error}",
                field="calibration",
                value=str(path),
                mend="Free some space or name another file with --out.",
            ) from None

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read and check the file.

        Raises:
            CheckpointError: if it is missing or cut off, holds what is no finite number, or does not fit
                itself.
        """
        filed = from_json(_Filed, parsed(_content(path), "calibration"), "calibration")
        if filed.format != _FORMAT:
            raise CheckpointError(
                f"{_FORMAT} is wanted",
                field="calibration.format",
                value=filed.format,
                mend="Calibrate again with this version of Interlock.",
            )
        try:
            return filed.opened()
        except CheckpointError:
            raise
        except BadInputError as error:
            raise CheckpointError(
                f"does not fit itself: {error.what}", field=error.field, value=error.value, mend=_AGAIN
            ) from None

    def _text(self) -> bytes:
        return (json.dumps(to_json(_Filed.of(self)), allow_nan=False) + "\n").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    name: str
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    units: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filed:
    """The file's form."""

    format: str
    made_for: MadeFor
    played: Played
    samples: int
    slow_share: float
    doubt_share: float
    slow: float
    doubt: float
    stages: tuple[_Stage, ...]
    directions: tuple[tuple[float, ...], ...]
    variances: tuple[float, ...]
    residual: float

    @classmethod
    def of(cls, calibration: Calibration) -> _Filed:
        likeness = calibration.likeness
        return cls(
            format=_FORMAT,
            made_for=calibration.made_for,
            played=calibration.played,
            samples=calibration.samples,
            slow_share=calibration.slow_share,
            doubt_share=calibration.doubt_share,
            slow=calibration.slow,
            doubt=calibration.doubt,
            stages=tuple(_stage(name, each) for name, each in likeness.stages.items()),
            directions=tuple(_numbers(each) for each in likeness.directions),
            variances=_numbers(likeness.variances),
            residual=likeness.residual,
        )

    def opened(self) -> Calibration:
        if len({each.name for each in self.stages}) != len(self.stages):
            raise CheckpointError("holds a stage twice", field="calibration.stages", mend=_AGAIN)
        if len({len(each) for each in self.directions}) != 1:
            raise CheckpointError(
                "wants directions of one length", field="calibration.directions", mend=_AGAIN
            )
        likeness = Likeness(
            stages={
                each.name: Stage(
                    mean=np.array(each.mean), spread=np.array(each.spread), units=np.array(each.units)
                )
                for each in self.stages
            },
            directions=np.array(self.directions),
            variances=np.array(self.variances),
            residual=self.residual,
        )
        return Calibration(
            made_for=self.made_for,
            played=self.played,
            samples=self.samples,
            slow_share=self.slow_share,
            doubt_share=self.doubt_share,
            slow=self.slow,
            doubt=self.doubt,
            likeness=likeness,
        )


def _stage(name: str, stage: Stage) -> _Stage:
    return _Stage(
        name=name,
        mean=_numbers(stage.mean),
        spread=_numbers(stage.spread),
        units=_numbers(stage.units),
    )


def _numbers(array: FloatArray) -> tuple[float, ...]:
    return tuple(float(each) for each in array)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"cannot be read: {error.strerror}",
            field="calibration",
            value=str(path),
            mend=_WRITTEN,
        ) from None
    if len(content) > _MOST_BYTES:
        raise CheckpointError(
            "is too large for a calibration", field="calibration", value=len(content), mend=_WRITTEN
        )
    return content
