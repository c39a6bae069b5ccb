"""Plan, pictures, plots and events of a run as parts of the page."""

from __future__ import annotations

import base64
import html
import io
import struct
import warnings
from collections.abc import Sequence

from PIL import Image

from interlock.traces.markup import card, table, text
from interlock.traces.picture import jpeg
from interlock.traces.plot import Figure
from interlock.traces.show import printable
from interlock.traces.task_graph import task_graph
from interlock.traces.timeline import Picture, Timeline

__all__ = ["events", "pictures", "plan", "plots"]

_MOST_EVENTS = 400
_MOST_PICTURES = 12
_PICTURE_PX = 420
_NO_PICTURE = (
    OSError,  # PIL's word for bytes that are no picture, or the half of one
    SyntaxError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def plan(timeline: Timeline) -> str:
    """The task graph and the goal as facts."""
    if timeline.plan is None:
        return card("Plan", '<p class="quiet">No plan was recorded.</p>')
    worked = list(dict.fromkeys(p.task for p in timeline.phases))
    achieved = bool(timeline.outcome) and (timeline.outcome or {}).get("outcome") == "achieved"
    atoms = "".join(
        f"<code>{text(atom[0] + '(' + ', '.join(atom[1:]) + ')')}</code>"
        for atom in timeline.plan["goal_atoms"]
        if atom
    )
    drawing = task_graph(timeline.plan, worked, achieved)
    return card("Plan", f'<p class="atoms">Goal as facts: {atoms}</p><div class="scroll">{drawing}</div>')


def pictures(taken: Sequence[Picture]) -> str:
    """A strip of pictures with their times."""
    if not taken:
        return ""
    step = max(1, -(-len(taken) // _MOST_PICTURES))
    chosen = list(taken[::step])
    if chosen[-1] is not taken[-1]:
        chosen[-1] = taken[-1]
    body = "".join(
        f'<figure><img alt="{html.escape(printable(p.camera))} at {p.at_s:.2f} s" src="{_source(p)}">'
        f"<figcaption>{p.at_s:.2f} s <span>{text(p.camera)}</span></figcaption></figure>"
        for p in chosen
    )
    return card("Pictures", f'<div class="strip">{body}</div>')


def _source(picture: Picture) -> str:
    """A data address; the picture is made anew, so that no foreign bytes get into the page.

    Raises:
        ValueError: if it is no picture, or far larger than a camera's.
    """
    data = io.BytesIO(base64.b64decode(picture.data))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(data, formats=["JPEG"])
            image.thumbnail((_PICTURE_PX, _PICTURE_PX))
            made = jpeg(image)
    except _NO_PICTURE as error:
        raise ValueError(f"a picture at {picture.at_s:.2f} s cannot be opened: {error}") from error
    return "data:image/jpeg;base64," + base64.b64encode(made).decode("ascii")


def plots(figures: Sequence[Figure]) -> str:
    """A place for each plot; the script draws into it."""
    if not figures:
        return card("Timeline", '<p class="quiet">No tick was recorded: nothing moved.</p>')
    body = "".join(
        f'<div class="plot"><h3>{html.escape(f.title)}</h3><p class="quiet">{html.escape(f.note)}</p>'
        f'<div class="graph" id="plot-{f.name}" style="height:{f.height}px"></div></div>'
        for f in figures
    )
    hint = (
        '<p class="quiet screen">Drag to zoom all plots together, double-click to see everything again.</p>'
    )
    return card("Timeline", hint + body)


def events(timeline: Timeline) -> str:
    """What happened, line by line."""
    shown = timeline.events[:_MOST_EVENTS]
    if not shown:
        return ""
    rows = (
        (f"{e.at_s:.2f} s", f'<span class="level {html.escape(e.level)}">{text(e.kind)}</span>', text(e.text))
        for e in shown
    )
    more = len(timeline.events) - len(shown)
    rest = f'<p class="quiet">{more:,} more in the trace.</p>' if more else ""
    return card("Events", table(("Time", "What", ""), rows, "events") + rest)
