"""Finding policies by name, plug-ins included."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.errors import BadInputError
from interlock.hal.robot import RobotSpec
from interlock.policy.policy import PolicyContext
from interlock.policy.registry import available, create

MakeContext = Callable[..., PolicyContext]
BUILT_IN = [
    "frozen",
    "groot",
    "nan",
    "openpi",
    "oscillating",
    "pi0",
    "random",
    "reckless",
    "replay",
    "scripted",
    "stale",
    "starvla",
    "vla",
    "wrong_unit",
]
NEEDS_MORE = {"groot", "openpi", "pi0", "replay", "starvla", "vla"}  # a file, or a server

MODULE = '''
class Still:
    """Says nothing, ever.

    More about it.
    """

    name = "still"

    def __init__(self, context):
        self.seed = context.seed

    def reset(self):
        pass

    def propose(self, observation):
        return None


def no_policy(context):
    return object()


def broken(context):
    raise KeyError("oops")
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Lay real distributions into a folder on the path, as an installer would."""
    (tmp_path / "thirdparty_policy.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))

    def lay(distribution: str, **points: str) -> None:
        info = tmp_path / f"{distribution.replace('-', '_')}-2.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.1\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("[interlock.policies]\n" + "\n".join(lines) + "\n")

    yield lay
    sys.modules.pop("thirdparty_policy", None)


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name not in NEEDS_MORE])
def test_every_built_in_policy_can_be_built(name: str, robot: RobotSpec, context_of: MakeContext) -> None:
    assert create(name, context_of(robot)).name == name


def test_lists_the_built_in_policies_with_one_line_each() -> None:
    rows = [row for row in available() if row[1] == "built-in"]
    assert [name for name, _, _ in rows] == BUILT_IN
    assert all(about and "\n" not in about for _, _, about in rows)


def test_a_third_party_registers_through_an_entry_point(
    install: Callable[..., None], panda: RobotSpec, context_of: MakeContext
) -> None:
    install("acme-robotics", still="thirdparty_policy:Still")
    policy: Any = create("still", context_of(panda, seed=5))
    assert policy.seed == 5
    assert ("still", "acme-robotics 2.1", "Says nothing, ever.") in available()


def test_names_the_nearest_policy(panda: RobotSpec, context_of: MakeContext) -> None:
    with pytest.raises(BadInputError, match="Did you mean reckless"):
        create("reckles", context_of(panda))
    with pytest.raises(BadInputError, match="Valid names: frozen"):
        create("zzz", context_of(panda))


def test_a_plug_in_cannot_take_a_built_in_name(
    install: Callable[..., None], panda: RobotSpec, context_of: MakeContext
) -> None:
    install("acme-robotics", random="thirdparty_policy:Still")
    assert type(create("random", context_of(panda))).__name__ == "RandomPolicy"
    assert any(origin == "acme-robotics 2.1" and "hidden" in about for _, origin, about in available())


def test_refuses_a_name_that_two_packages_register(
    install: Callable[..., None], panda: RobotSpec, context_of: MakeContext
) -> None:
    install("acme-robotics", still="thirdparty_policy:Still")
    install("other-robotics", still="thirdparty_policy:broken")
    with pytest.raises(BadInputError, match=r"acme-robotics 2\.1, other-robotics 2\.1"):
        create("still", context_of(panda))


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("no_such_module:Still", "cannot be loaded"),
        ("thirdparty_policy:nothing", "cannot be loaded"),
        ("thirdparty_policy:no_policy", "no policy"),
        ("thirdparty_policy:broken", "cannot be built"),
    ],
)
def test_a_broken_plug_in_is_bad_input_and_spoils_no_listing(
    install: Callable[..., None], panda: RobotSpec, context_of: MakeContext, value: str, complaint: str
) -> None:
    install("acme-robotics", still=value)
    with pytest.raises(BadInputError, match=complaint) as caught:
        create("still", context_of(panda))
    assert caught.value.mend
    assert [row[0] for row in available()].count("scripted") == 1
