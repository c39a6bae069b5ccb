"""The few pieces of HTML that all parts of the page are made of; foreign text is escaped here."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable

from interlock.traces.show import printable

__all__ = ["card", "number", "table", "text"]


def text(value: object) -> str:
    """Foreign text, safe in HTML; `bdi` keeps its direction to itself."""
    return f"<bdi>{html.escape(printable(value))}</bdi>"


def card(title: str, body: str, kind: str = "") -> str:
    """One part of the page; title and body are HTML."""
    return f'<section class="card {kind}"><h2>{title}</h2>{body}</section>'


def number(value: object, form: str, unit: str, scale: float = 1.0) -> str:
    """A number with its unit, or a dash where there is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return '<span class="none">–</span>'
    return f'{value * scale:z{form}}<span class="unit">{unit}</span>'


def table(heads: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """A table; heads and cells are HTML."""
    head = "".join(f"<th>{h}</th>" for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
