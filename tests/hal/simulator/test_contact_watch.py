from __future__ import annotations

from dataclasses import dataclass

import pytest

from interlock.hal.simulator.contact_watch import ContactWatch

MS = 1_000_000
PAIR = ("link", "ball")


@dataclass
class Arm:
    standing: bool = False
    told_to_stand: bool = False


@pytest.fixture
def arm() -> Arm:
    return Arm()


@pytest.fixture
def watch(arm: Arm) -> ContactWatch:
    return ContactWatch(lambda: arm.standing, lambda: arm.told_to_stand)


@pytest.mark.parametrize(("pause_ms", "episodes"), [(1, 1), (99, 1), (100, 2)])
def test_an_episode_begins_after_100_ms_without_touching(
    watch: ContactWatch, pause_ms: int, episodes: int
) -> None:
    for t in (0, 1, 2, 2 + pause_ms):
        watch.touch(PAIR, "contact_environment", t * MS)
    assert watch.counts == {"contact_environment": episodes}


def test_each_pair_has_its_own_episodes(watch: ContactWatch) -> None:
    for pair in (PAIR, ("hand", "ball"), ("link", "pillar")):
        watch.touch(pair, "contact_environment", 0)
    assert watch.counts == {"contact_environment": 3}


def test_a_contact_into_a_standing_arm_is_counted_apart(watch: ContactWatch, arm: Arm) -> None:
    arm.standing = arm.told_to_stand = True
    watch.touch(PAIR, "contact_environment", 0)
    assert watch.counts == {"contact_standing": 1}


def test_an_arm_that_is_blocked_while_told_to_move_does_not_stand(watch: ContactWatch, arm: Arm) -> None:
    arm.standing = True
    watch.touch(PAIR, "contact_environment", 0)
    assert watch.counts == {"contact_environment": 1}


def test_a_pushed_arm_makes_no_contact_of_its_own(watch: ContactWatch, arm: Arm) -> None:
    arm.standing = arm.told_to_stand = True
    watch.touch(PAIR, "contact_environment", 0)
    arm.standing = False
    watch.touch(PAIR, "contact_environment", 50 * MS)
    watch.touch(("hand", "pillar"), "contact_environment", 60 * MS)
    assert watch.counts == {"contact_standing": 2}


def test_an_arm_that_moves_on_by_itself_answers_for_what_it_touches(watch: ContactWatch, arm: Arm) -> None:
    arm.standing = arm.told_to_stand = True
    watch.touch(PAIR, "contact_environment", 0)
    arm.standing = arm.told_to_stand = False
    watch.touch(("hand", "pillar"), "contact_environment", 60 * MS)
    assert watch.counts == {"contact_standing": 1, "contact_environment": 1}


def test_a_push_that_is_over_excuses_nothing(watch: ContactWatch, arm: Arm) -> None:
    arm.standing = arm.told_to_stand = True
    watch.touch(PAIR, "contact_environment", 0)
    arm.standing = False
    watch.touch(("hand", "pillar"), "contact_environment", 200 * MS)
    assert watch.counts == {"contact_standing": 1, "contact_environment": 1}


def test_an_arm_that_is_moved_while_it_is_touched_has_made_a_contact_of_its_own(
    watch: ContactWatch, arm: Arm
) -> None:
    arm.standing = arm.told_to_stand = True
    watch.touch(PAIR, "contact_environment", 0)
    arm.standing = arm.told_to_stand = False
    for t in (50, 51, 52):
        watch.touch(PAIR, "contact_environment", t * MS)
    assert watch.counts == {"contact_standing": 1, "contact_environment": 1}
