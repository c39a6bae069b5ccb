"""What the referee lets touch while a stop plays."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from interlock.hal.phase import AllowedContact, Phase
from interlock.orchestrator.contact_grant import ContactGrant

FINGER = AllowedContact(link="finger", other="block")
TRAY = AllowedContact(link="block", other="tray")


def phase(*allowed: AllowedContact, expires_ns: int = 100) -> Phase:
    return Phase(
        task_id="t",
        skill="pick",
        name="p",
        allowed=allowed,
        expires_ns=expires_ns,
        held=None,
        maybe_held=None,
        max_force_n=0.0,
    )


def released(stamp_ns: int) -> Any:
    return SimpleNamespace(stamp_ns=stamp_ns, command=object(), state=SimpleNamespace(standstill=False))


def stopping(stamp_ns: int, *, standstill: bool = False) -> Any:
    return SimpleNamespace(stamp_ns=stamp_ns, command=None, state=SimpleNamespace(standstill=standstill))


def test_a_stop_may_touch_what_it_was_verified_with_when_the_grant_has_run_out() -> None:
    grant, granted = ContactGrant(), phase(FINGER)
    assert grant.allowed(granted, released(99)) == (FINGER,)
    assert grant.allowed(granted, stopping(100)) == (FINGER,)
    assert grant.allowed(granted, stopping(101, standstill=True)) == ()
    assert grant.allowed(granted, stopping(102)) == ()


def test_a_grant_that_comes_while_a_stop_plays_excuses_nothing_of_that_stop() -> None:
    grant = ContactGrant()
    assert grant.allowed(phase(), released(1)) == ()
    assert grant.allowed(phase(FINGER), stopping(2)) == ()
    assert grant.allowed(phase(FINGER), released(3)) == (FINGER,)
    assert grant.allowed(phase(TRAY), stopping(4)) == (FINGER,)
    assert grant.allowed(phase(TRAY), stopping(5, standstill=True)) == (TRAY,)


def test_motion_released_after_the_grant_has_run_out_may_touch_nothing() -> None:
    grant, granted = ContactGrant(), phase(FINGER)
    assert grant.allowed(granted, released(99)) == (FINGER,)
    assert grant.allowed(granted, released(100)) == ()
    assert grant.allowed(granted, stopping(101)) == ()
    assert grant.allowed(None, stopping(102, standstill=True)) == ()
