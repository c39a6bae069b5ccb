"""What gate, guards, referee and hash chain have to say, and what all of it does not prove."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from interlock.traces.chain import ChainState
from interlock.traces.lanes import RUNG_COLORS, RUNG_NAMES
from interlock.traces.markup import card, number, table, text
from interlock.traces.show import TraceSummary

__all__ = ["gate", "guards", "integrity", "limits_of_proof", "referee"]

_LIMITS = (
    "It is a record by the software that moved the robot, made on an ordinary computer. It shows what the "
    "gate was told, what it decided and what was sent. It does not show that the limits in the cell file are "
    "the right ones, that the world held nothing but the objects listed, or that a moving obstacle kept its "
    "declared speed. The claim is that the arm touches nothing <em>while it moves</em>; something may still "
    "run into an arm that stands. The hash chain shows a change made afterwards, not who wrote the record. "
    "Interlock’s stop is a software stop, not an emergency stop: it sits above the robot’s own certified one "
    "and replaces none of it."
)


def referee(outcome: Mapping[str, Any] | None) -> str:
    """What the independent observer in the simulator counted."""
    found = outcome.get("referee") if outcome else None
    if not isinstance(found, Mapping) or not found:
        body = '<p class="quiet">No finding was recorded. Only a simulated run has a referee.</p>'
        return card("Referee", body)
    rows = [
        _finding("Contacts while moving", found.get("contacts"), judged=True),
        _finding("Limit violations", found.get("limit_violations"), judged=True),
        _finding("Contacts into the standing arm", found.get("contacts_into_standing_arm"), judged=False),
        ("", "Smallest distance", number(found.get("min_distance_m"), ".1f", " mm", 1e3)),
        ("", "Top measured tool speed", number(found.get("max_tcp_speed_m_s"), ".3f", " m/s")),
    ]
    body = "".join(f'<li class="{mood}"><span>{name}</span><b>{value}</b></li>' for mood, name, value in rows)
    note = (
        '<p class="quiet">An observer inside the simulator that shares no code with the guards. '
        "The gate never reads it.</p>"
    )
    return card("Referee", f'<ul class="findings">{body}</ul>{note}')


def _finding(name: str, value: object, *, judged: bool) -> tuple[str, str, str]:
    if isinstance(value, Mapping):
        count: object = sum(v for v in value.values() if isinstance(v, int))
    else:
        count = value
    mood = ("good" if count == 0 else "bad") if judged and isinstance(count, int) else ""
    return mood, name, number(count, ",.0f", "") if isinstance(count, int) else number(count, "g", "")


def gate(summary: TraceSummary) -> str:
    """Where the released motion came from, as one bar."""
    total = max(summary.ticks, 1)
    shares = [(RUNG_NAMES.get(r, r), RUNG_COLORS.get(r, "--rung-stop"), n) for r, n in summary.rungs.items()]
    bar = "".join(
        f'<i style="flex-grow:{n};background:var({color})" title="{html.escape(name)}"></i>'
        for name, color, n in shares
    )
    rows = "".join(
        f'<li><i style="background:var({color})"></i><span>{text(name)}</span>'
        f"<b>{n:,}</b><em>{100.0 * n / total:.1f} %</em></li>"
        for name, color, n in shares
    )
    return card("Gate", f'<div class="share">{bar}</div><ul class="legend">{rows}</ul>')


def guards(summary: TraceSummary) -> str:
    """What each guard changed and refused, with the first reason it gave."""
    if not summary.guards:
        return card(
            "Guards", '<p class="quiet">No guard changed or refused anything in the ticks recorded.</p>'
        )
    rows = (
        (
            text(t.guard.replace("_", " ")),
            f"{t.changed:,}",
            f"{t.refused:,}",
            f"{t.turned_down:,}",
            f"{t.first_s:.2f} s",
            text(t.example),
        )
        for t in summary.guards
    )
    listed = table(
        ("Guard", "Ticks changed", "Ticks refused", "Turned down", "First at", "First reason"), rows
    )
    note = (
        '<p class="quiet">A refused tick plays the stop. “Turned down” counts every step of '
        "the ladder that was refused, also where a later step was released in the same tick.</p>"
    )
    return card("Guards", listed + note)


def integrity(summary: TraceSummary) -> str:
    """What the hash chain says about the file this page was made from."""
    chain = summary.chain
    mood = {ChainState.INTACT: "good", ChainState.UNFINISHED: "warn", ChainState.BROKEN: "bad"}[chain.state]
    words = {
        ChainState.INTACT: f"The hash chain over {chain.messages:,} messages is intact.",
        ChainState.UNFINISHED: "The run ended without closing its trace. Checkpoints vouch for "
        f"{chain.vouched:,} of {chain.messages:,} messages; the rest could be read.",
        ChainState.BROKEN: f"The hash chain is broken: {chain.reason}.",
    }[chain.state]
    return card(
        "Record",
        f'<p class="chain {mood}">{html.escape(words)}</p>'
        f'<p class="quiet">Head of the chain <code>{html.escape(chain.head)}</code></p>',
    )


def limits_of_proof() -> str:
    """What this report does not prove, in plain words."""
    return card("What this report does not prove", f"<p>{_LIMITS}</p>", "plain")
