"""What a cell tells a policy that runs elsewhere: where it is, and which number means what.

The form of `policy.options`; whether it fits the body is judged where the maps are built.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from interlock.errors import BadInputError
from interlock.policy.remote.unit import Scale, Unit

__all__ = [
    "ActionColumn",
    "ActionSection",
    "ObservationSection",
    "PictureField",
    "PromptField",
    "RemoteOptions",
    "StateField",
]

Key = Annotated[str, Field(strict=True, min_length=1, max_length=200)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e4, le=1e4)]
Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.001, le=60.0)]
Index = Annotated[int, Field(strict=True, ge=0, le=255)]
Pixels = Annotated[int, Field(strict=True, ge=16, le=4096)]


class Section(BaseModel):
    """One mapping of the options; a key that is not listed is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Scaled(Section):
    """Something with a unit; `normalised` needs the four numbers, and only it may have them.

    `closed` on the wire stands for the width `closed_m` [m], `open` for `open_m` [m].
    """

    unit: Unit
    closed: Number | None = None
    closed_m: Number | None = None
    open: Number | None = None
    open_m: Number | None = None

    @model_validator(mode="after")
    def _numbers(self) -> Self:
        given = [number is not None for number in (self.closed, self.closed_m, self.open, self.open_m)]
        if self.unit is not Unit.NORMALISED:
            if any(given):
                raise ValueError("only unit: normalised has closed, closed_m, open and open_m")
        elif not all(given):
            raise ValueError("unit: normalised needs closed, closed_m, open and open_m")
        elif self.closed == self.open or self.closed_m == self.open_m:
            raise ValueError("closed and open must differ")
        return self

    @property
    def scale(self) -> Scale:
        """How its numbers become Interlock's."""
        numbers = (self.closed, self.closed_m, self.open, self.open_m)
        if None in numbers:
            return Scale.of(self.unit)
        closed, closed_m, opened, opened_m = (number or 0.0 for number in numbers)
        return Scale.between(closed, closed_m, opened, opened_m)


class StateField(Scaled):
    """Measured values under one key, in the order named.

    `values`: joints of the robot by name; "gripper_width"; "tool_x", "tool_y", "tool_z", "tool_rx",
    "tool_ry", "tool_rz" for the tool's position and rotation vector in the world.
    """

    key: Key
    values: Annotated[tuple[Key, ...], Field(min_length=1, max_length=64)]
    dtype: Literal["float32", "float64"] = "float32"


class PictureField(Section):
    """The picture of one camera under one key, as it was taken: it must have exactly this size."""

    key: Key
    camera: Key
    width_px: Pixels
    height_px: Pixels


class PromptField(Section):
    """The words under one key."""

    key: Key


class ObservationSection(Section):
    """What the server is told."""

    state: tuple[StateField, ...] = ()
    pictures: tuple[PictureField, ...] = ()
    prompt: PromptField | None = None


class ActionColumn(Scaled):
    """One column of what comes back: which channel of the embodiment it is, and in what unit.

    Attributes:
        channel: name of the channel.
        key: key of the array it stands in.
        column: index in that array's last axis.
        relative_to: "nothing" for absolute values; "state", the value measured at the observation;
            "chunk_start", the value commanded then; "previous_step", the step before.
        frame: for the tool's channels, the axes: must be the channel's own.
    """

    channel: Key
    key: Key
    column: Index
    relative_to: Literal["nothing", "state", "chunk_start", "previous_step"]
    frame: Literal["world", "tool"] | None = None


class ActionSection(Section):
    """What comes back.

    Attributes:
        horizon: number of steps that the server sends; the embodiment's are the first of them.
        rate_hz: their rate, [Hz]; must be the embodiment's.
        columns: one for each channel of the embodiment.
        unused: columns that the server sends and nobody uses, by key.
    """

    horizon: Annotated[int, Field(strict=True, ge=2, le=1000)]
    rate_hz: Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0.0, le=1000.0)]
    columns: Annotated[tuple[ActionColumn, ...], Field(min_length=1, max_length=256)]
    unused: dict[Key, tuple[Index, ...]] = Field(default_factory=dict)


class RemoteOptions(Section):
    """All of `policy.options`.

    Attributes:
        host: where the server is; the traffic is neither encrypted nor signed.
        beyond_this_machine: must be true for any host but this one.
        port: its port; the protocol's usual one if left out.
        deadline_s: no proposal takes longer, [s].
        connect_s: nor does the first connection, [s].
        token_env: environment variable that holds the token, if it is set.
        token_file: file that holds it.
        metadata: every item that the server says of itself, with the value expected; null for any value.
        dialect: for Isaac-GR00T, which messages it speaks.
        extra: items that are sent along as they are.
        observation: what the server is told; left out, as `interlock serve` wants it.
        actions: what comes back; left out, as `interlock serve` sends it.
    """

    host: Annotated[str, Field(strict=True, min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")] = (
        "127.0.0.1"
    )
    beyond_this_machine: Annotated[bool, Field(strict=True)] = False
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] | None = None
    deadline_s: Seconds = 0.4
    connect_s: Seconds = 5.0
    token_env: Key = "INTERLOCK_POLICY_TOKEN"
    token_file: Key | None = None
    metadata: dict[Key, Any] = Field(default_factory=dict)
    dialect: Literal["n1.5", "n1.6"] = "n1.6"
    extra: dict[Key, str | int | float | bool] = Field(default_factory=dict)
    observation: ObservationSection | None = None
    actions: ActionSection | None = None

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.observation is None) != (self.actions is None):
            raise ValueError("observation and actions are given together, or neither is")
        if not is_this_machine(self.host) and not self.beyond_this_machine:
            raise ValueError("host is another machine: set beyond_this_machine: true if you mean it")
        return self

    @staticmethod
    def read(options: Mapping[str, Any]) -> RemoteOptions:
        """The options a cell gives, the defaults for the others.

        Raises:
            BadInputError: for a name that is no option, or a value that cannot be used.
        """
        try:
            return RemoteOptions.model_validate(dict(options))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in ("policy.options", *first["loc"]))
            raise BadInputError(
                first["msg"],
                field=where,
                value=first["input"] if isinstance(first["input"], str | int | float) else None,
                mend="docs/remote.md lists the options.",
            ) from error


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine, by its literal address or as "localhost"; nothing is looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
