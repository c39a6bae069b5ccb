"""The report's page: one file, nothing fetched, nothing that a hostile text could run."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from interlock.errors import StorageError
from interlock.traces import exhibits, findings, headline
from interlock.traces.markup import text
from interlock.traces.plot import Figure
from interlock.traces.show import TraceSummary, printable
from interlock.traces.timeline import Timeline

__all__ = ["page"]


def page(timeline: Timeline, summary: TraceSummary, figures: Sequence[Figure]) -> str:
    """The whole page as text.

    The content policy allows exactly the three scripts below, by their hashes, and no request to anywhere.

    Raises:
        StorageError: if plotly's script is not installed.
    """
    watch, plotly, draw = _asset("watch.js"), _plotly(), _asset("report.js")
    allowed = " ".join(_hash(script) for script in (watch, plotly, draw))
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    title = html.escape(printable(timeline.run["goal"]))
    body = "".join(
        (
            headline.header(timeline),
            headline.tiles(timeline, summary),
            f'<div class="pair">{findings.gate(summary)}{findings.referee(timeline.outcome)}</div>',
            exhibits.plan(timeline),
            exhibits.pictures(timeline.pictures),
            exhibits.plots(figures),
            findings.guards(summary),
            exhibits.events(timeline),
            findings.integrity(summary),
            findings.limits_of_proof(),
            _footer(timeline),
        )
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title} · Interlock</title><style>{_asset('report.css')}</style></head>\n"
        f"<body><script>{watch}</script><main>{body}</main>\n"
        f'<script type="application/json" id="figures">{_data(figures)}</script>\n'
        f"<script>{plotly}</script>\n<script>{draw}</script></body></html>\n"
    )


def _footer(timeline: Timeline) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(timeline.run["versions"].items()))
    return f"<footer>{text(versions)}</footer>"


def _data(figures: Sequence[Figure]) -> str:
    """The figures as JSON that cannot end the script element it stands in."""
    plain = json.dumps([asdict(f) for f in figures], separators=(",", ":"), allow_nan=False)
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return resources.files("interlock.traces").joinpath("assets", name).read_text(encoding="utf-8")


def _plotly() -> str:
    """Plotly's own script out of its package, without importing the package."""
    found = importlib.util.find_spec("plotly")
    for folder in (found.submodule_search_locations or ()) if found else ():
        script = Path(folder) / "package_data" / "plotly.min.js"
        if script.is_file():
            return script.read_text(encoding="utf-8")
    raise StorageError(
        "plotly is not installed, and the report draws with it", field="report", mend="pip install plotly"
    )


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
