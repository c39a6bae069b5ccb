"""Re-execution: ask the gate again what a trace says it was asked, and compare every answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from interlock.errors import StorageError
from interlock.guards.gate import Gate
from interlock.orchestrator.asking import Asking
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.gate_maker import GateMaker, build_gate
from interlock.traces.chain import ChainReport, ChainState, ChainVerifier
from interlock.traces.difference import difference
from interlock.traces.odd_records import odd_records_are_damage
from interlock.traces.read import DamagedTraceError, Message, TraceReader
from interlock.traces.records import robot_record
from interlock.traces.tick_record import TickRecord, read_ticks

__all__ = ["ReplayResult", "replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What came out of asking again.

    Attributes:
        run: the trace.
        exact: whether every bit was compared (see `difference`).
        decisions: questions that were asked again.
        same: how many got the same answer.
        not_asked: ticks at which the gate had not been asked (a stop was latched, the world was not seen).
        dropped: ticks that the recorder left out in real time, and said so; nothing is shown of them.
        first_difference: the first answer that differs, in words, or "".
        chain: what the hash chain says.
        numeric_path: "compiled" or "numpy", of the recorded certificates and of this process.
    """

    run: str
    exact: bool
    decisions: int
    same: int
    not_asked: int
    dropped: int
    first_difference: str
    chain: ChainReport
    numeric_path: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether there was something to ask, all is the same, and the chain is not broken."""
        same = self.decisions > 0 and self.same == self.decisions and not self.first_difference
        return same and self.chain.state is not ChainState.BROKEN

    @property
    def whole(self) -> bool:
        """Whether the trace holds every tick of its run, up to the last one."""
        return not self.dropped and self.chain.state is ChainState.INTACT

    def to_json(self) -> str:
        """One line."""
        names = ("run", "exact", "decisions", "same", "not_asked", "dropped", "whole", "first_difference")
        record = {name: getattr(self, name) for name in names}
        chain = {"chain": self.chain.state, "chain_reason": self.chain.reason}
        return json.dumps(record | chain | {"numeric_path": dict(self.numeric_path)})


def replay(
    run: Path,
    *,
    cell: str | None = None,
    exact: bool = True,
    tell: Callable[[int], None] = lambda _: None,
    make_gate: GateMaker = build_gate,
) -> ReplayResult:
    """Ask the gate of the recorded cell again at every tick of a trace.

    Args:
        run: a run's folder, or its trace file.
        cell: a cell file or name to use instead of the one in the trace.
        exact: compare every bit, else numbers within 1e-6 (see `difference`).
        tell: is told the number of ticks read so far.
        make_gate: how to build the gate.

    Raises:
        StorageError: if there is no readable trace, or it does not hold what is needed.
        CellError: if the recorded cell cannot be used here.
    """
    reader, verifier = TraceReader(run), ChainVerifier()
    asking: Asking | None = None
    with odd_records_are_damage(reader.path):
        for met in read_ticks(_verified(reader, verifier), finished=reader.finished):
            if isinstance(met, Message) and met.topic == "/run":
                record, chosen = met.json(), _cell_of(met, cell)
                gate = make_gate(chosen)
                asking = Asking(gate, exact=exact, start_ns=record["start_ns"])
                if cell is None:
                    asking.note(_other_run(met, chosen, gate, exact))
            elif asking is None:
                raise _out_of_order(reader.path)
            elif isinstance(met, TickRecord):
                asking.tick(met)
                tell(asking.ticks)
            else:
                asking.hear(met.topic, met.json())
        if asking is None:
            raise _out_of_order(reader.path)
        if record["real_time"] and asking.late is False:
            asking.note("run.real_time was True, but no tick began late, as in lockstep")
        return ReplayResult(
            run=str(reader.path),
            exact=exact,
            decisions=asking.decisions,
            same=asking.same,
            not_asked=asking.not_asked,
            dropped=asking.dropped,
            first_difference=asking.first_difference,
            chain=verifier.report(),
            numeric_path={"recorded": asking.recorded_path, "now": asking.path},
        )


def _verified(reader: TraceReader, verifier: ChainVerifier) -> Iterator[Message]:
    for message in reader.messages():
        verifier.feed(message)
        yield message


def _other_run(run: Message, cell: Cell, gate: Gate, exact: bool) -> str:
    """How the run's record is not that of its own cell, or ""."""
    now = run.json() | {
        "cell": cell.name,
        "period_s": cell.period_s,
        "robot": robot_record(gate.body.robot),
        "gate": gate.config,
    }
    return difference("/run", run.data, now, exact=exact)


def _cell_of(run: Message, chosen: str | None) -> Cell:
    if chosen is not None:
        return Cell.load(chosen)
    record = run.json()
    if not record.get("cell_text"):
        raise StorageError(
            "the trace does not hold the cell it was recorded with",
            field="run",
            mend="Name the cell with --cell FILE.",
        )
    return Cell.read(record["cell_text"].encode(), Path(f"{record['cell']}.yaml").absolute())


def _out_of_order(path: Path) -> StorageError:
    return DamagedTraceError(
        "the trace does not begin with its run", field="run", value=str(path), mend="Take an unchanged copy."
    )
