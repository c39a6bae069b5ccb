from __future__ import annotations

from pathlib import Path

import pytest

from interlock.errors import BadInputError
from interlock.policy.uncertainty.options import CALIBRATION, UncertaintyOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("use", 1),
        ("calibration", 3),
        ("pace", 0.0),
        ("pace", 1.5),
        ("pace", True),
        ("pace", float("nan")),
        ("asks", -1),
        ("asks", 1.0),
        ("holds", "many"),
        ("patience", 3),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(BadInputError, match=name):
        UncertaintyOptions.read({name: value})


def test_nothing_is_watched_without_a_calibration_and_one_beside_the_weights_is_found(tmp_path: Path) -> None:
    assert UncertaintyOptions.read({}).find(tmp_path) is None
    (tmp_path / CALIBRATION).write_text("{}")
    assert UncertaintyOptions.read({}).find(tmp_path) == tmp_path / CALIBRATION
    assert UncertaintyOptions.read({"use": False}).find(tmp_path) is None


def test_a_calibration_that_is_named_is_taken_whether_it_is_there_or_not() -> None:
    assert UncertaintyOptions.read({"calibration": "gone.json"}).find(Path()) == Path("gone.json")
