"""OpenTelemetry spans of a run: run, plan, task, chunk, stop; from the recorder's thread, never per tick.

The trace is the evidence; spans are for watching. A collector that is dead costs nothing but its spans.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from interlock.errors import BadInputError
from interlock.hal.chunk import ActionChunk
from interlock.hal.phase import Phase
from interlock.planners.plan import Plan
from interlock.traces.run_info import RunInfo
from interlock.traces.tick import TickLike

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

__all__ = ["EXPORTERS", "Telemetry"]

EXPORTERS = ("console", "none", "otlp")
_CLOSE_S = 1.0


class Telemetry:
    """The spans of one run.

    Span times are the run's own time laid onto the wall clock at its start, so that a second in lockstep
    simulation is a second in the collector.

    Args:
        exporters: where finished spans go.

    Attributes:
        fault: what went wrong with the collector, or None.
    """

    def __init__(self, exporters: Mapping[str, SpanExporter]) -> None:
        from interlock.traces.span_export import provider

        self.fault: str | None = None
        self._provider = provider(dict(exporters), self.note)
        self._tracer = self._provider.get_tracer("interlock")
        self._epoch_ns = 0
        self._run: Span | None = None
        self._task: Span | None = None
        self._task_id = ""
        self._chunk: Span | None = None
        self._stop: Span | None = None
        self._counts = {"released": 0, "refused": 0}

    @classmethod
    def chosen(
        cls,
        exporter: str | None = None,
        endpoint: str | None = None,
        *,
        environment: Mapping[str, str] = os.environ,
        stream: TextIO | None = None,
    ) -> Telemetry | None:
        """The telemetry that the arguments, else the standard environment variables, ask for; None for none.

        Args:
            exporter: "none", "console" or "otlp", several with commas; default `OTEL_TRACES_EXPORTER`, and
                where that is not set "otlp" if an endpoint is named, else "none".
            endpoint: base URL of an OTLP collector over HTTP; default `OTEL_EXPORTER_OTLP_ENDPOINT`.
            environment: the environment variables.
            stream: where the console exporter writes; default standard error, because standard output is
                the command's answer.

        Raises:
            BadInputError: if an exporter is unknown.
        """
        url = endpoint or environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
        signal_url = "" if endpoint else environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
        default = "otlp" if url or signal_url else "none"
        text = exporter or environment.get("OTEL_TRACES_EXPORTER", "") or default
        names = {name.strip().lower() for name in text.split(",")} - {"none", ""}
        unknown = sorted(names - set(EXPORTERS))
        if unknown:
            raise BadInputError(
                "unknown exporter",
                field="telemetry" if exporter else "OTEL_TRACES_EXPORTER",
                value=unknown[0],
                mend=f"Use one of {', '.join(EXPORTERS)}.",
            )
        if not names or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
            return None
        from interlock.traces.span_export import ConsoleLines, otlp_exporter

        made: dict[str, SpanExporter] = {}
        if "console" in names:
            made["console"] = ConsoleLines(stream or sys.stderr)
        if "otlp" in names:
            made["otlp"] = otlp_exporter(signal_url or (url.rstrip("/") + "/v1/traces" if url else None))
        return cls(made)

    def begin(self, run: RunInfo) -> None:
        """Open the run's span."""
        self._epoch_ns = time.time_ns() - run.start_ns
        facts = {"goal": run.goal, "cell": run.cell, "policy": run.policy, "seed": run.seed}
        self._run = self._open("run", run.start_ns, None, facts | {"robot": run.robot.name})

    def plan(self, plan: Plan, stamp_ns: int) -> None:
        """One span for the plan: it is there as a whole."""
        facts = {"tasks": [str(task) for task in plan.tasks]}
        self._open("plan", stamp_ns, self._run, facts).end(self._epoch_ns + stamp_ns)

    def phase(self, phase: Phase, stamp_ns: int) -> None:
        """A span for each task; its phases are events in it."""
        if phase.task_id != self._task_id or self._task is None:
            self._end_chunk(stamp_ns)
            self._end_task(stamp_ns)
            self._task_id = phase.task_id
            facts = {"task": phase.task_id, "skill": phase.skill}
            self._task = self._open("task", stamp_ns, self._run, facts)
        self._task.add_event(phase.name, timestamp=self._epoch_ns + stamp_ns)

    def chunk(self, chunk: ActionChunk, stamp_ns: int) -> None:
        """A span for each chunk, until the next one comes."""
        self._end_chunk(stamp_ns)
        facts = {"seq": chunk.seq, "policy": chunk.provenance.policy, "steps": chunk.samples.shape[1]}
        self._chunk = self._open("chunk", stamp_ns, self._task or self._run, facts)

    def tick(self, report: TickLike) -> None:
        """Count; a stop's span ends when standstill is measured."""
        self._counts["refused" if report.verdict.decision == "refuse" else "released"] += 1
        if self._stop is not None and report.state.standstill:
            self._stop.end(self._epoch_ns + report.stamp_ns)
            self._stop = None

    def stop(self, stamp_ns: int, category: int, causes: tuple[str, ...]) -> None:
        """A span from the stop to standstill."""
        if self._stop is not None:
            self._stop.end(self._epoch_ns + stamp_ns)
        self._stop = self._open(
            "stop", stamp_ns, self._run, {"category": int(category), "causes": list(causes)}
        )

    def outcome(self, summary: Mapping[str, Any]) -> None:
        """Put the outcome on the run's span."""
        if self._run is not None:
            for key in ("outcome", "reason", "ticks"):
                if isinstance(summary.get(key), (str, int, float)):
                    self._run.set_attribute(f"interlock.{key}", summary[key])

    def end(self, stamp_ns: int) -> None:
        """End every open span and let go of the collector within a second, whatever it does."""
        self._end_chunk(stamp_ns)
        self._end_task(stamp_ns)
        for span in (self._stop, self._run):
            if span is not None:
                span.end(self._epoch_ns + stamp_ns)
        self._stop = self._run = None
        closing = threading.Thread(target=self._provider.shutdown, name="interlock-spans", daemon=True)
        closing.start()
        closing.join(_CLOSE_S)
        if closing.is_alive():
            self.note(f"the collector did not answer within {_CLOSE_S:g} s")

    def _open(self, name: str, stamp_ns: int, parent: Span | None, facts: Mapping[str, Any]) -> Span:
        from opentelemetry.trace import set_span_in_context

        return self._tracer.start_span(
            f"interlock.{name}",
            context=None if parent is None else set_span_in_context(parent),
            attributes={f"interlock.{key}": _sendable(value) for key, value in facts.items()},
            start_time=self._epoch_ns + stamp_ns,
        )

    def _end_chunk(self, stamp_ns: int) -> None:
        if self._chunk is not None:
            for key, count in self._counts.items():
                self._chunk.set_attribute(f"interlock.ticks_{key}", count)
            self._chunk.end(self._epoch_ns + stamp_ns)
        self._chunk = None
        self._counts = dict.fromkeys(self._counts, 0)

    def _end_task(self, stamp_ns: int) -> None:
        if self._task is not None:
            self._task.end(self._epoch_ns + stamp_ns)
        self._task = None

    def note(self, fault: str) -> None:
        """Remember the first thing that went wrong."""
        self.fault = self.fault or fault


def _sendable(value: Any) -> Any:
    """Text that survives UTF-8: a goal may hold lone surrogates."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
