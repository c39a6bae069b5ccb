from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from interlock.errors import BadInputError
from interlock.traces import telemetry as telemetry_module
from interlock.traces.chain import content_digest, verify_chain
from interlock.traces.recorder import Recorder, RecorderSummary
from interlock.traces.telemetry import Telemetry


def _record(
    folder: Path, synthetic: ModuleType, telemetry: Telemetry | None, **fields: Any
) -> RecorderSummary:
    run = synthetic.SyntheticRun(**{"ticks": 160} | fields)
    recorder = Recorder(folder, run.info(), telemetry=telemetry)
    run.feed(recorder)
    return recorder.close()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[bytes]]]:
    """An OTLP collector on this host: its address and what it was sent."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    taken: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                taken.append(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    thread.join(10.0)
    server.server_close()


def test_console_gets_spans_for_run_plan_task_chunk_and_stop(tmp_path: Path, synthetic: ModuleType) -> None:
    stream = io.StringIO()
    telemetry = Telemetry.chosen("console", environment={}, stream=stream)
    summary = _record(tmp_path, synthetic, telemetry, reckless=True)
    spans = [json.loads(line) for line in stream.getvalue().splitlines()]
    names = [span["name"] for span in spans]
    by_id = {span["context"]["span_id"]: span for span in spans}
    assert summary.telemetry_fault is None
    assert set(names) == {f"interlock.{n}" for n in ("run", "plan", "task", "chunk", "stop")}
    assert (names.count("interlock.run"), names.count("interlock.task")) == (1, 2)
    assert names.count("interlock.chunk") == 10
    assert len(spans) < 20  # never one per tick
    parents = {by_id[s["parent_id"]]["name"] for s in spans if s["name"] == "interlock.chunk"}
    assert parents <= {"interlock.task", "interlock.run"}
    (run,) = (s for s in spans if s["name"] == "interlock.run")
    assert run["attributes"]["interlock.outcome"] == "achieved"
    assert run["parent_id"] is None


def test_collector_gets_the_same_spans_over_http(
    tmp_path: Path, synthetic: ModuleType, collector: tuple[str, list[bytes]]
) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    address, taken = collector
    telemetry = Telemetry.chosen(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": address})
    summary = _record(tmp_path, synthetic, telemetry, goal="\ud800 <b>")
    names = set()
    for body in taken:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            attributes = {a.key: a.value.string_value for a in resource.resource.attributes}
            assert attributes["service.name"] == "interlock"
            names |= {span.name for scope in resource.scope_spans for span in scope.spans}
    assert summary.telemetry_fault is None
    assert names == {f"interlock.{n}" for n in ("run", "plan", "task", "chunk")}


def test_collector_that_never_answers_does_not_hold_the_close(
    tmp_path: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(telemetry_module, "_CLOSE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        telemetry = Telemetry.chosen("otlp", f"http://127.0.0.1:{deaf.getsockname()[1]}", environment={})
        summary = _record(tmp_path, synthetic, telemetry)
    assert summary.fault is None
    assert summary.telemetry_fault is not None
    assert verify_chain(tmp_path).ok


def test_collector_that_refuses_is_told_apart_from_the_trace(
    tmp_path: Path, synthetic: ModuleType, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    telemetry = Telemetry.chosen("otlp", f"http://127.0.0.1:{port}", environment={})
    summary = _record(tmp_path, synthetic, telemetry)
    assert summary.fault is None
    assert summary.telemetry_fault is not None
    assert "Traceback" not in capfd.readouterr().err


def test_telemetry_that_raises_costs_no_record(tmp_path: Path, synthetic: ModuleType) -> None:
    class Broken(Telemetry):
        def tick(self, report: object) -> None:
            raise RuntimeError("broken")

    summary = _record(tmp_path / "a", synthetic, Broken({}))
    _record(tmp_path / "b", synthetic, None)
    assert summary.fault is None
    assert summary.telemetry_fault == "RuntimeError: broken"
    assert content_digest(tmp_path / "a") == content_digest(tmp_path / "b")


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"},
    ],
)
def test_no_spans_unless_asked_for(environment: dict[str, str]) -> None:
    assert Telemetry.chosen(environment=environment) is None


def test_unknown_exporter_names_the_ones_there_are() -> None:
    with pytest.raises(BadInputError, match="console, none, otlp") as caught:
        Telemetry.chosen(environment={"OTEL_TRACES_EXPORTER": "zipkin"})
    assert (caught.value.field, caught.value.value) == ("OTEL_TRACES_EXPORTER", "zipkin")


_DRAWS = """
import importlib.util, io, random, sys
from pathlib import Path
from interlock.traces.recorder import Recorder
from interlock.traces.telemetry import Telemetry

spec = importlib.util.spec_from_file_location("synthetic", sys.argv[1])
synthetic = importlib.util.module_from_spec(spec)
sys.modules["synthetic"] = synthetic
spec.loader.exec_module(synthetic)
random.seed(1)
before = random.getstate()
run = synthetic.SyntheticRun(ticks=160)
telemetry = Telemetry.chosen("console", environment={}, stream=io.StringIO())
recorder = Recorder(Path(sys.argv[2]), run.info(), telemetry=telemetry)
run.feed(recorder)
recorder.close()
sys.exit(random.getstate() != before)
"""


def test_spans_draw_nothing_from_the_global_random_numbers(tmp_path: Path, synthetic_source: Path) -> None:
    # In a process of its own: an exporter that another test left behind may still draw its pauses.
    command = [sys.executable, "-c", _DRAWS, str(synthetic_source), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
