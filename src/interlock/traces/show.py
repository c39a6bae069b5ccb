"""What a trace holds, in one screen of text: `interlock trace show RUN`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.traces.chain import ChainReport, ChainState, ChainVerifier
from interlock.traces.odd_records import odd_records_are_damage
from interlock.traces.read import Message, TraceReader

__all__ = ["GuardTally", "TraceSummary", "printable", "render_text", "summarise"]

_RUNGS = ("as_proposed", "projected", "slowed", "retreating", "braking", "driver_stop")
_READ = frozenset({"/run", "/chunk", "/verdict", "/stop", "/outcome"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTally:
    """What one guard did in a run.

    Attributes:
        guard: its family.
        changed: ticks in which it changed the proposal.
        refused: ticks in which it refused the proposal for good, so that the stop played.
        turned_down: times it turned down a step of the ladder, in any tick.
        first_s: time of the first refusal or change, from the start of the run, [s].
        example: the first reason it gave.
    """

    guard: str
    changed: int
    refused: int
    turned_down: int
    first_s: float
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSummary:
    """A trace in numbers.

    Attributes:
        path: the trace file.
        finished: whether the run closed it.
        run: the run's record, empty if it is missing.
        outcome: the outcome's record, or None.
        duration_s: from the start of the run to its last message, [s].
        messages: count per topic.
        rungs: ticks per rung of the ladder, best first.
        guards: what each guard did, the busiest first.
        stops: (time [s], category, causes) of each stop.
        origins: proposals by who made them, in words.
        chain: what the hash chain says.
    """

    path: Path
    finished: bool
    run: Mapping[str, Any]
    outcome: Mapping[str, Any] | None
    duration_s: float
    messages: Mapping[str, int]
    rungs: Mapping[str, int]
    guards: tuple[GuardTally, ...]
    stops: tuple[tuple[float, int, tuple[str, ...]], ...]
    chain: ChainReport
    origins: Mapping[str, int]

    @property
    def ticks(self) -> int:
        """Ticks recorded."""
        return sum(self.rungs.values())


class _Counter:
    """Collects a summary message by message."""

    def __init__(self) -> None:
        self.run: Mapping[str, Any] = {}
        self.outcome: Mapping[str, Any] | None = None
        self.start_ns = 0
        self.messages: Counter[str] = Counter()
        self.rungs: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.turned_down: Counter[str] = Counter()
        self.first: dict[str, tuple[float, str]] = {}
        self.stops: list[tuple[float, int, tuple[str, ...]]] = []
        self.origins: dict[str, set[int]] = {}

    def feed(self, message: Message) -> None:
        self.messages[message.topic] += 1
        if message.topic not in _READ:
            return
        record = message.json()
        at_s = (message.stamp_ns - self.start_ns) / 1e9
        if message.topic == "/run":
            self.run, self.start_ns = record, int(record["start_ns"])
        elif message.topic == "/chunk":
            self.origins.setdefault(_origin(record["provenance"]), set()).add(record["seq"])
        elif message.topic == "/outcome":
            self.outcome = record
        elif message.topic == "/stop":
            self.stops.append((at_s, int(record["category"]), tuple(record["causes"])))
        else:
            self._verdict(record, at_s)

    def _verdict(self, verdict: Mapping[str, Any], at_s: float) -> None:
        self.rungs[verdict["rung"]] += 1
        for guard, reason in verdict["refusals"]:
            self.turned_down[guard] += 1
            self.first.setdefault(guard, (at_s, reason))
        counts = {"modify": self.changed, "refuse": self.refused}.get(verdict["decision"])
        if counts is not None:
            counts[verdict["guard"]] += 1
            self.first.setdefault(verdict["guard"], (at_s, verdict["reason"]))

    def tallies(self) -> tuple[GuardTally, ...]:
        made = (
            GuardTally(
                guard=guard,
                changed=self.changed[guard],
                refused=self.refused[guard],
                turned_down=self.turned_down[guard],
                first_s=at_s,
                example=reason,
            )
            for guard, (at_s, reason) in self.first.items()
        )
        return tuple(sorted(made, key=lambda t: (-t.refused, -t.changed, -t.turned_down, t.guard)))


def summarise(run: Path) -> TraceSummary:
    """Read a trace once and count; `run` is the run's folder or its trace file.

    Raises:
        StorageError: if there is no trace, or if it is damaged.
    """
    reader, verifier, counter, last_ns = TraceReader(run), ChainVerifier(), _Counter(), 0
    with odd_records_are_damage(reader.path):
        for message in reader.messages():
            verifier.feed(message)
            counter.feed(message)
            last_ns = max(last_ns, message.stamp_ns)
        rungs = {rung: counter.rungs.pop(rung) for rung in _RUNGS if rung in counter.rungs}
        return TraceSummary(
            path=reader.path,
            finished=reader.finished,
            run=counter.run,
            outcome=counter.outcome,
            duration_s=max(0.0, (last_ns - counter.start_ns) / 1e9),
            messages=dict(sorted(counter.messages.items())),
            rungs=rungs | dict(counter.rungs),
            guards=counter.tallies(),
            stops=tuple(counter.stops),
            chain=verifier.report(),
            origins={origin: len(seqs) for origin, seqs in counter.origins.items()},
        )


def printable(text: object) -> str:
    """Text without control characters: a goal in a trace must not command a terminal."""
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(text))
    return shown.encode("utf-8", "replace").decode()


def render_text(summary: TraceSummary) -> str:
    """The summary as plain text, for a terminal or a log.

    Raises:
        StorageError: if a record holds something that cannot be written down.
    """
    with odd_records_are_damage(summary.path):
        return _text(summary)


def _text(summary: TraceSummary) -> str:
    run, outcome = summary.run, summary.outcome
    lines = [
        f"trace     {printable(summary.path)}",
        f"goal      {printable(run.get('goal', '?'))}",
        f"run       cell {printable(run.get('cell', '?'))}, policy {printable(run.get('policy', '?'))}, "
        f"seed {printable(run.get('seed', '?'))}",
        f"outcome   {_outcome(outcome)}",
        f"length    {summary.duration_s:.2f} s, {summary.ticks} ticks, "
        f"{sum(summary.messages.values())} messages",
        f"chain     {_chain(summary.chain)}",
        *(f"proposed  {count} by {printable(origin)}" for origin, count in summary.origins.items()),
        "",
        "released motion",
    ]
    total = max(summary.ticks, 1)
    lines += [f"  {printable(r):<14}{n:>8}  {100.0 * n / total:5.1f} %" for r, n in summary.rungs.items()]
    lines += ["", f"guards{'':<14}{'changed':>8}{'refused':>9}{'turned down':>13}  first"]
    for tally in summary.guards:
        lines.append(
            f"  {printable(tally.guard):<18}{tally.changed:>8}{tally.refused:>9}"
            f"{tally.turned_down:>13}  "
            f"{tally.first_s:.2f} s: {printable(tally.example)}"
        )
    if not summary.guards:
        lines.append("  no guard changed or refused anything")
    for at_s, category, causes in summary.stops:
        lines.append(f"stop      {at_s:.2f} s, category {category}: {printable(', '.join(causes))}")
    lines += ["", "messages"]
    lines += [f"  {printable(topic):<18}{count:>8}" for topic, count in summary.messages.items()]
    return "\n".join(lines) + "\n"


def _origin(provenance: Mapping[str, Any]) -> str:
    """Who made a chunk, the words that it read left out."""
    facts = [
        f"version {provenance['version']}",
        *([str(provenance["code"])] if "code" in provenance else []),
        *([str(provenance["transport"])] if "transport" in provenance else []),
        *(f"{name} {str(sha256)[:12]}" for name, sha256 in sorted(provenance.get("files", {}).items())),
        *([f"{provenance['steps']} steps"] if "steps" in provenance else []),
    ]
    return f"{provenance['policy']} ({', '.join(facts)})"


def _outcome(outcome: Mapping[str, Any] | None) -> str:
    if outcome is None:
        return "none recorded: the run ended before it could say"
    reason = outcome.get("reason")
    return printable(outcome.get("outcome", "?")) + (f": {printable(reason)}" if reason else "")


def _chain(chain: ChainReport) -> str:
    words = {
        ChainState.INTACT: f"intact, {chain.messages} messages, head {chain.head[:16]}…",
        ChainState.UNFINISHED: f"unfinished: {chain.reason}; checkpoints vouch for {chain.vouched} of "
        f"{chain.messages} messages",
        ChainState.BROKEN: f"BROKEN: {chain.reason}",
    }
    return words[chain.state]
