"""The numbers that scale each body's actions and state to what the model sees, about −1 to 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from interlock.errors import CheckpointError, ShapeError
from interlock.hal.arrays import FloatArray
from interlock.hal.embodiment import Channel, Embodiment
from interlock.policy.vla.channel_scale import ChannelScale
from interlock.policy.vla.growth import check_growth, growth_of
from interlock.policy.vla.strict_json import from_json, to_json

__all__ = ["BodyStatistics", "StateName", "Statistics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateName:
    """One number of the proprioceptive state: its name and unit, "rad" or "m"."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyStatistics:
    """Scales of one body's action channels and of its state, each in the body's order.

    What is relative to the start of a chunk grows along it: `growth` is the share of each channel's scale
    that each step has, shape (H, C), () for 1 throughout. Without it the first steps, which are the ones that
    are played, would be a hundredth of a scale that the last ones need, and drown in the model's noise.

    Values outside the percentiles are neither clipped here nor later: what the model says is judged by the
    gate, not bent. (Qwen-VLA §3.2.1 clips its training data.) The one exception are the gripper's widths, of
    which up to 5 mm outside the stroke mean its end (`vla.grip_profile`).

    `skills` are those that the data shows with this body; none: nobody knows.
    """

    tag: str
    channels: tuple[Channel, ...]
    rate_hz: float
    horizon: int
    action: tuple[ChannelScale, ...]
    state: tuple[ChannelScale, ...]
    growth: tuple[tuple[float, ...], ...]
    skills: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_growth(self.growth, self.channels, self.horizon)
        wanted = [(channel.name, channel.unit) for channel in self.channels]
        found = [(scale.name, scale.unit) for scale in self.action]
        if wanted != found:
            raise CheckpointError(
                f"has no scale for each channel of {self.tag}, in order and unit",
                field="statistics.action",
                value=found,
                mend=f"Make the statistics again for {wanted}.",
            )

    @property
    def embodiment(self) -> Embodiment:
        """The body that these are for."""
        return Embodiment(tag=self.tag, channels=self.channels, rate_hz=self.rate_hz, horizon=self.horizon)

    @classmethod
    def measure(
        cls,
        embodiment: Embodiment,
        actions: ArrayLike,
        states: ArrayLike,
        state_names: tuple[StateName, ...],
        constants: Mapping[str, float],
        skills: Iterable[str] = (),
    ) -> BodyStatistics:
        """Percentiles over a data set.

        Args:
            embodiment: the body.
            actions: all chunks, shape (N, H, C), or any steps of them, shape (N, C), of which no growth can
                be measured; channel units, as the model is to say them (relative ones already relative).
            states: shape (M, S), units of `state_names`.
            state_names: of the S numbers.
            constants: channels or states that never move, by name, and their value.
            skills: what the data shows; twice counts once.

        Raises:
            CheckpointError: if something is not finite, or does not move and is not declared constant.
            ShapeError: if a shape does not fit.
        """
        names = tuple(StateName(name=c.name, unit=c.unit) for c in embodiment.channels)
        known = {each.name for each in (*names, *state_names)}
        for name in constants:
            if name not in known:
                raise CheckpointError(
                    "declared constant, but no such channel",
                    field="constants",
                    value=name,
                    mend=f"Known are: {', '.join(sorted(known))}.",
                )
        steps = np.asarray(actions, dtype=np.float64)
        growth: FloatArray = np.ones(steps.shape[1:])
        if steps.ndim == 3:
            growth = growth_of(steps, embodiment.channels)
            steps = (steps / growth).reshape(-1, steps.shape[2])
        return cls(
            tag=embodiment.tag,
            channels=embodiment.channels,
            rate_hz=embodiment.rate_hz,
            horizon=embodiment.horizon,
            action=_scales(steps, names, constants, "actions"),
            state=_scales(np.asarray(states, dtype=np.float64), state_names, constants, "states"),
            growth=tuple(tuple(row) for row in growth.tolist()) if growth.ndim == 2 else (),
            skills=tuple(sorted(set(skills))),
        )

    def scale_actions(self, actions: ArrayLike) -> FloatArray:
        """To the model's numbers; a constant channel becomes 0.

        Args:
            actions: the first T steps of chunks, shape (…, T, C), channel units.

        Raises:
            ShapeError: if there are more steps or other channels than the body's.
        """
        given = np.asarray(actions, dtype=np.float64)
        return _forward(given / self._growth_of(given, "actions"), self.action, "actions")

    def unscale_actions(self, numbers: ArrayLike) -> FloatArray:
        """From the model's numbers for the first T steps of chunks, shape (…, T, C), to channel units."""
        given = np.asarray(numbers, dtype=np.float64)
        _check_width(given, len(self.action), "numbers")
        middle, half = _columns(self.action)
        result: FloatArray = (middle + half * given) * self._growth_of(given, "numbers")
        return result

    def _growth_of(self, steps: FloatArray, field: str) -> FloatArray:
        if not self.growth:
            return np.ones(1)
        _check_width(steps, len(self.action), field)
        if steps.ndim < 2 or steps.shape[-2] > self.horizon:
            raise ShapeError(
                f"expected at most {self.horizon} steps in the last axis but one",
                field=field,
                value=steps.shape,
            )
        return np.array(self.growth[: steps.shape[-2]])

    def scale_state(self, state: ArrayLike) -> FloatArray:
        """From units, shape (…, S), to the model's numbers; a constant becomes 0."""
        return _forward(np.asarray(state, dtype=np.float64), self.state, "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Every body that a checkpoint knows."""

    bodies: tuple[BodyStatistics, ...]

    def __post_init__(self) -> None:
        prints = [body.embodiment.fingerprint for body in self.bodies]
        if not self.bodies or len(set(prints)) != len(prints):
            raise CheckpointError(
                "at least one body, and each only once",
                field="statistics.bodies",
                value=[body.tag for body in self.bodies],
                mend="Give each body its own entry.",
            )

    def of(self, embodiment: Embodiment) -> BodyStatistics:
        """The statistics of exactly this body.

        Raises:
            CheckpointError: if the checkpoint was not trained with it; says in what the nearest one differs.
        """
        for body in self.bodies:
            if body.embodiment.fingerprint == embodiment.fingerprint:
                return body
        alike = [body for body in self.bodies if body.tag == embodiment.tag]
        raise CheckpointError(
            _difference(alike[0], embodiment) if alike else "this policy was not trained with that body",
            field="embodiment",
            value=embodiment.tag,
            mend=f"It knows: {', '.join(sorted({body.tag for body in self.bodies}))}. "
            "Take a checkpoint of this body, or train one.",
        )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data, keyed by fingerprint."""
        return {"bodies": {body.embodiment.fingerprint: to_json(body) for body in self.bodies}}

    @classmethod
    def from_json(cls, data: object) -> Statistics:
        """From plain JSON data.

        Raises:
            CheckpointError: if something is missing, unknown, not finite, or filed under another body.
        """
        entries = data.get("bodies") if isinstance(data, Mapping) and set(data) == {"bodies"} else None
        if not isinstance(entries, Mapping):
            raise CheckpointError(
                'wants one key, "bodies", with an object',
                field="statistics",
                value=data,
                mend="Make the statistics again; do not edit them by hand.",
            )
        bodies = []
        for fingerprint, entry in entries.items():
            body = from_json(BodyStatistics, entry, f"statistics.{str(fingerprint)[:8]}")
            if body.embodiment.fingerprint != fingerprint:
                raise CheckpointError(
                    f"the entry of {body.tag} is filed under another body's fingerprint",
                    field="statistics.bodies",
                    value=fingerprint,
                    mend="Make the statistics again; do not edit them by hand.",
                )
            bodies.append(body)
        return cls(bodies=tuple(bodies))


def _difference(body: BodyStatistics, asked: Embodiment) -> str:
    if body.horizon != asked.horizon:
        return f"this policy was trained with a horizon of {body.horizon} steps, not {asked.horizon}"
    if body.rate_hz != asked.rate_hz:
        return f"this policy was trained at {body.rate_hz:g} Hz, not {asked.rate_hz:g} Hz"
    names = [channel.name for channel in body.channels], [channel.name for channel in asked.channels]
    if names[0] != names[1]:
        return f"this policy was trained with the channels {names[0]}, not {names[1]}"
    changed = next(a.name for a, b in zip(body.channels, asked.channels, strict=True) if a != b)
    return f"channel {changed} differs from the one this policy was trained with (unit, frame or limits)"


def _scales(
    values: FloatArray, names: tuple[StateName, ...], constants: Mapping[str, float], field: str
) -> tuple[ChannelScale, ...]:
    if values.ndim != 2 or values.shape[1] != len(names) or (names and not len(values)):
        raise ShapeError(f"expected shape (N > 0, {len(names)})", field=field, value=values.shape)
    if not np.isfinite(values).all():
        raise CheckpointError("must be finite", field=field, mend="Leave the broken episode out.")
    if not names:
        return ()
    q01, q99 = np.percentile(values, [1.0, 99.0], axis=0)
    return tuple(
        ChannelScale(
            name=each.name,
            unit=each.unit,
            q01=float(q01[index]),
            q99=float(q99[index]),
            constant=constants.get(each.name),
        )
        for index, each in enumerate(names)
    )


def _columns(scales: tuple[ChannelScale, ...]) -> tuple[FloatArray, FloatArray]:
    return np.array([s.middle for s in scales]), np.array([s.half_range for s in scales])


def _check_width(values: FloatArray, width: int, field: str) -> None:
    if values.ndim == 0 or values.shape[-1] != width:
        raise ShapeError(f"expected {width} numbers in the last axis", field=field, value=values.shape)


def _forward(values: FloatArray, scales: tuple[ChannelScale, ...], field: str) -> FloatArray:
    _check_width(values, len(scales), field)
    middle, half = _columns(scales)
    moves = half > 0.0
    # Times 0, not set to 0: a NaN in a constant channel stays a NaN.
    result: FloatArray = (values - middle) * np.where(moves, 1.0 / np.where(moves, half, 1.0), 0.0)
    return result
