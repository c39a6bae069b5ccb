"""What a cell may say about the learned policy: `policy.options`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.errors import BadInputError
from interlock.policy.told_options import unusable
from interlock.policy.vla.shipped_weights import DEFAULT_WEIGHTS, shipped_weights, weights_at

__all__ = ["LearnedOptions"]

_REST_M, _REST_RAD = 0.003, 0.02
_KNOWN = ("checkpoint", "rest_m", "rest_rad", "steps", "stream", "temperature", "threads", "uncertainty")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedOptions:
    """Which checkpoint, and how it is sampled.

    Attributes:
        checkpoint: its folder; a cell may name one that ships (`shipped_weights`).
        rest_m: way of the tool below which a chunk stands still, [m] (`rest.RestBand`).
        rest_rad: the same for its rotation, or for a joint, [rad].
        steps: Euler steps; None for the checkpoint's own.
        temperature: factor on the noise that the first sample starts from; None for the checkpoint's own.
            At least 1 where the arm was hindered for half a second (`standing.Standing`), which a client
            of `interlock serve`, who tells no history, never is.
        threads: of torch.
    """

    checkpoint: Path
    rest_m: float = _REST_M
    rest_rad: float = _REST_RAD
    steps: int | None = None
    temperature: float | None = None
    threads: int = 1

    @classmethod
    def read(cls, told: Mapping[str, Any], beside: Path | None = None) -> LearnedOptions:
        """The options of a cell; the stream's own (`stream`) are read by the stream.

        Args:
            told: the options.
            beside: the folder that a checkpoint's is told from; None for the current one.

        Raises:
            BadInputError: if a name is unknown, a value cannot be used, or there is no checkpoint.
        """
        for name in told:
            if name not in _KNOWN:
                raise _unusable(name, told[name], f"one of {', '.join(_KNOWN)}")
        path = told.get("checkpoint")
        if path is None and DEFAULT_WEIGHTS not in shipped_weights():
            raise BadInputError(
                "the trained weights are missing from this installation",
                field="policy.options.checkpoint",
                mend="Name the folder of a checkpoint that `interlock train` has written.",
            )
        if path is not None and not isinstance(path, str | Path):
            names = ", ".join(shipped_weights())
            raise _unusable("checkpoint", path, f"a checkpoint's folder, or weights that ship: {names}")
        return cls(
            checkpoint=weights_at(DEFAULT_WEIGHTS if path is None else path, beside),
            rest_m=_share("rest_m", told.get("rest_m", _REST_M)),
            rest_rad=_share("rest_rad", told.get("rest_rad", _REST_RAD)),
            steps=None if told.get("steps") is None else _whole("steps", told["steps"], 100),
            temperature=None
            if told.get("temperature") is None
            else _share("temperature", told["temperature"]),
            threads=_whole("threads", told.get("threads", 1), 64),
        )

    def decisive(self) -> dict[str, Any]:
        """What changes a chunk; JSON."""
        rest = {"rest_m": self.rest_m, "rest_rad": self.rest_rad}
        return rest | {"steps": self.steps, "temperature": self.temperature, "threads": self.threads}


def _whole(name: str, value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise _unusable(name, value, f"a whole number from 1 to {most}")
    return value


def _share(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 2.0:
        raise _unusable(name, value, "a number from 0 to 2")
    return float(value)


def _unusable(name: str, value: object, wanted: str) -> BadInputError:
    return unusable(f"policy.options.{name}", value, wanted)
