"""Every error Interlock raises on purpose, under one root.

::

    InterlockError
    ├── BadInputError            exit 2: does not parse, breaks a schema, names something unknown
    │   ├── CellError            a cell file: field, value, mend
    │   ├── CheckpointError      a learned policy's files that cannot be used, or not for this body
    │   ├── GoalError            a goal that cannot be read or names something unknown
    │   ├── RobotModelError      a URDF or data sheet that cannot be used
    │   ├── ShapeError           an array of the wrong shape (a bad *value* is a verdict, not an error)
    │   └── StorageError         a folder that cannot be written or read
    ├── RefusedError             exit 3: well formed, but unsafe, unreachable or contradictory
    │   ├── PlanRefusedError     a rule of the plan guard said no
    │   ├── RemotePolicyError    a policy server that cannot be reached or says what may not be used
    │   ├── StartRefusedError    the robot may not start from here
    │   └── UnsureError          a policy that meets what is unlike its successful rollouts
    └── StoppedError             exit 4
        ├── LatchedError         a stop is latched and nobody has reset it
        ├── LeaseError           another run owns this robot
        └── DriverFaultError     a driver lost its robot

Each leaf keeps the field, the value and the mend, so that a caller may show them apart.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "BadInputError",
    "CellError",
    "CheckpointError",
    "DriverFaultError",
    "ExitCode",
    "GoalError",
    "InterlockError",
    "LatchedError",
    "LeaseError",
    "PlanRefusedError",
    "RefusedError",
    "RemotePolicyError",
    "RobotModelError",
    "ShapeError",
    "StartRefusedError",
    "StoppedError",
    "StorageError",
    "UnsureError",
]


class ExitCode(IntEnum):
    """What the command line returns."""

    ACHIEVED = 0
    BAD_INPUT = 2
    REFUSED = 3
    STOPPED = 4
    GAVE_UP = 5


class InterlockError(Exception):
    """Root of all errors raised on purpose.

    Args:
        what: what is wrong, one sentence without the value.
        field: the dotted name of the offending field, or "".
        value: the offending value as it came in.
        mend: how to mend it, an imperative sentence, or "".
    """

    exit_code: ExitCode = ExitCode.BAD_INPUT

    def __init__(self, what: str, *, field: str = "", value: object = None, mend: str = "") -> None:
        self.what = what
        self.field = field
        self.value = value
        self.mend = mend
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The sentence shown to a person: field, what is wrong, the value, the mend."""
        head = f"{self.field}: {self.what}" if self.field else self.what
        if self.value is not None:
            shown = repr(self.value)
            head += f" (got {shown if len(shown) <= 120 else shown[:117] + '...'})"
        return f"{head}. {self.mend}" if self.mend else head


class BadInputError(InterlockError):
    """Input that does not parse, breaks a schema or names something unknown; nothing was started."""


class CellError(BadInputError):
    """A cell file that cannot be used."""


class CheckpointError(BadInputError):
    """A learned policy's files that cannot be used, or not for this body."""


class GoalError(BadInputError):
    """A goal that cannot be read, or that names something the cell does not have."""


class RobotModelError(BadInputError):
    """A robot description that cannot be used."""


class ShapeError(BadInputError):
    """An array whose shape does not fit."""


class StorageError(BadInputError):
    """A folder or file that cannot be read or written."""


class RefusedError(InterlockError):
    """Well-formed input that is unsafe, unreachable or contradictory; nothing moved."""

    exit_code = ExitCode.REFUSED


class PlanRefusedError(RefusedError):
    """The plan guard refused a plan; `rule` names the rule."""

    def __init__(
        self, what: str, *, rule: str, field: str = "", value: object = None, mend: str = ""
    ) -> None:
        self.rule = rule
        super().__init__(f"[{rule}] {what}", field=field, value=value, mend=mend)


class RemotePolicyError(RefusedError):
    """A policy server that cannot be reached, is late, or says what may not be used."""


class StartRefusedError(RefusedError):
    """The robot may not start from the state it is in."""


class UnsureError(RefusedError):
    """A policy that meets what is unlike its successful rollouts; nothing it said before is followed further.

    `plan_anew` says that it has been so for long, and that the rest of the goal should be planned anew.
    """

    def __init__(
        self, what: str, *, plan_anew: bool, field: str = "", value: object = None, mend: str = ""
    ) -> None:
        self.plan_anew = plan_anew
        super().__init__(what, field=field, value=value, mend=mend)


class StoppedError(InterlockError):
    """A stop stands in the way."""

    exit_code = ExitCode.STOPPED


class LatchedError(StoppedError):
    """A stop is latched; only a person may reset it."""


class LeaseError(StoppedError):
    """Another run owns this robot."""


class DriverFaultError(StoppedError):
    """A driver lost its robot or was given something it may not play."""
