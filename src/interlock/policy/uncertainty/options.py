"""What a cell may say about a policy that is unsure: `policy.options.uncertainty`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from interlock.errors import BadInputError
from interlock.policy.told_options import told_options, unusable

__all__ = ["CALIBRATION", "UncertaintyOptions"]

CALIBRATION = "calibration.json"
"""Name of the file that is looked for in a checkpoint's folder."""

_FIELD = "policy.options.uncertainty"


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertaintyOptions:
    """How doubt is acted upon.

    Attributes:
        use: whether it is acted upon at all, where there is a calibration.
        calibration: its file; None for `calibration.json` in the checkpoint's folder, if it is there.
        pace: speed of a slowed chunk as a share of the model's own, from 0.1 to 1.
        asks: so many doubtful answers in a row are only asked again, 0 to 100.
        holds: so many holds in a row, and the planner is asked, 0 to 10,000.

    Raises:
        BadInputError: if a value cannot be used.
    """

    use: bool = True
    calibration: Path | None = None
    pace: float = 0.5
    asks: int = 1
    holds: int = 5

    def __post_init__(self) -> None:
        if type(self.use) is not bool:
            raise _unusable("use", self.use, "true or false")
        if self.calibration is not None and not isinstance(self.calibration, Path):
            raise _unusable("calibration", self.calibration, "the path of a file")
        pace = self.pace
        if isinstance(pace, bool) or not isinstance(pace, int | float) or not 0.1 <= pace <= 1.0:
            raise _unusable("pace", pace, "a number from 0.1 to 1")
        for name, most in (("asks", 100), ("holds", 10_000)):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value <= most:
                raise _unusable(name, value, f"a whole number from 0 to {most}")

    @classmethod
    def read(cls, told: object) -> UncertaintyOptions:
        """The options of a cell; what it does not say has its default.

        Raises:
            BadInputError: if a name is unknown or a value cannot be used.
        """
        values = told_options(cls, told, _FIELD)
        if isinstance(values.get("calibration"), str):
            values["calibration"] = Path(values["calibration"])
        return cls(**values)

    def find(self, checkpoint: Path) -> Path | None:
        """The calibration to use with a checkpoint's folder; None if there is none, or it is not to be used.

        A file that is named is never missing in silence: reading it refuses.
        """
        if not self.use or self.calibration is not None:
            return self.calibration if self.use else None
        beside = checkpoint / CALIBRATION
        return beside if beside.exists() else None


def _unusable(name: str, value: object, wanted: str) -> BadInputError:
    return unusable(f"{_FIELD}.{name}", value, wanted)
