"""Where spans go: a console or an OTLP collector over HTTP, watched so that a fault is told and not thrown.

Imported only when somebody asks for spans: the SDK takes its time to load.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import TextIO

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator

__all__ = ["ConsoleLines", "WatchedExporter", "otlp_exporter", "provider"]

_DELAY_MS = 500
_QUEUE = 4096
_TIMEOUT_S = 2.0


class _OwnIds(IdGenerator):
    """Identifiers that draw nothing from `random`: a policy's random numbers must not depend on telemetry."""

    def generate_span_id(self) -> int:
        return secrets.randbits(64) or 1

    def generate_trace_id(self) -> int:
        return secrets.randbits(128) or 1


class ConsoleLines(SpanExporter):
    """One JSON line for each span."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write the spans."""
        for span in spans:
            line = json.dumps(json.loads(span.to_json()), separators=(",", ":"))
            self._stream.write(line + "\n")
        self._stream.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing to let go of: the stream is not ours."""


class WatchedExporter(SpanExporter):
    """Passes spans on and reports the first failure."""

    def __init__(self, name: str, exporter: SpanExporter, note: Callable[[str], None]) -> None:
        self._name = name
        self._exporter = exporter
        self._note = note

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Pass them on."""
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # a collector must never end the thread that feeds it
            self._note(f"{self._name}: {type(error).__name__}: {error}")
            return SpanExportResult.FAILURE
        if result is not SpanExportResult.SUCCESS:
            self._note(f"{self._name}: the collector did not take the spans")
        return result

    def shutdown(self) -> None:
        """Let go."""
        self._exporter.shutdown()


def otlp_exporter(url: str | None) -> SpanExporter:
    """OTLP over HTTP; `url` is the full address of the traces, or None to follow the environment."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT_S)


def provider(exporters: dict[str, SpanExporter], note: Callable[[str], None]) -> TracerProvider:
    """A provider of our own: the process's global one is left alone.

    The SDK prints a stack trace for each batch that a dead collector refuses; the summary tells it once.
    """
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    made = TracerProvider(
        resource=Resource.create({"service.name": "interlock"}),
        id_generator=_OwnIds(),
        shutdown_on_exit=False,
    )
    for name, exporter in sorted(exporters.items()):
        made.add_span_processor(
            BatchSpanProcessor(
                WatchedExporter(name, exporter, note),
                max_queue_size=_QUEUE,
                schedule_delay_millis=_DELAY_MS,
            )
        )
    return made
