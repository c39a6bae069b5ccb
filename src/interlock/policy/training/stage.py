"""The stages of a training, in Qwen-VLA's order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interlock.errors import BadInputError

__all__ = ["Stage", "StageKind"]


class StageKind(StrEnum):
    """What a stage learns from (Qwen-VLA §3, arXiv 2605.30280; its reinforcement stage is not here)."""

    TEXT_TO_ACTION = "t2a"  # prompt and state alone: no pictures, τ sigmoid-normal
    PRETRAINING = "pretrain"  # every set, pictures, τ Beta
    FINE_TUNING = "finetune"  # the same on one set, at a lower rate
    GEOMETRY = "geometry"  # not in the paper: which place a pixel means, where nothing stood; all else stays
    ACTION = "action"  # not in the paper: the decoder alone, several times on what the backbone saw once


_RATE_SHARE = {
    StageKind.TEXT_TO_ACTION: 1.0,
    StageKind.PRETRAINING: 1.0,
    StageKind.FINE_TUNING: 0.3,
    StageKind.GEOMETRY: 1.0,
    StageKind.ACTION: 1.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage.

    Attributes:
        kind: what it learns from.
        steps: number of steps.
        sets: names of the sets it uses; none: all.
    """

    kind: StageKind
    steps: int
    sets: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Stage:
        """From KIND:STEPS or KIND:STEPS:SET,SET.

        Raises:
            BadInputError: if it is not of that form.
        """
        parts = text.split(":")
        try:
            kind, steps = StageKind(parts[0]), int(parts[1])
            sets = tuple(name for name in parts[2].split(",") if name) if len(parts) > 2 else ()
        except (IndexError, ValueError):
            kind, steps, sets = StageKind.PRETRAINING, 0, ()
        if steps < 1 or len(parts) > 3:
            raise BadInputError(
                "is no stage",
                field="stage",
                value=text,
                mend=f"Write KIND:STEPS or KIND:STEPS:SET, KIND one of {', '.join(StageKind)}.",
            )
        return cls(kind=kind, steps=steps, sets=sets)

    def __str__(self) -> str:
        return ":".join([self.kind, str(self.steps), *([",".join(self.sets)] if self.sets else [])])

    @property
    def text_only(self) -> bool:
        """Whether it sees no pictures."""
        return self.kind is StageKind.TEXT_TO_ACTION

    @property
    def moves_only(self) -> bool:
        """Whether it learns nothing from sets that show no motion."""
        return self.kind in (StageKind.TEXT_TO_ACTION, StageKind.ACTION)

    @property
    def rate_share(self) -> float:
        """Its peak learning rate, as a share of the command's."""
        return _RATE_SHARE[self.kind]
