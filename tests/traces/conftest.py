"""The synthetic run, its trace on disk, and a browser."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from interlock.traces.recorder import Recorder, RecorderSummary

_SOURCE = Path(__file__).with_name("synthetic_run.py")


def _load() -> ModuleType:
    name = "interlock_synthetic_run"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _SOURCE)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    return _load()


@pytest.fixture(scope="session")
def synthetic_source() -> Path:
    return _SOURCE


@pytest.fixture(scope="session")
def record() -> Callable[..., RecorderSummary]:
    """Record a synthetic run with the given fields into a folder."""

    def record_into(folder: Path, **fields: object) -> RecorderSummary:
        run = _load().SyntheticRun(**{"ticks": 240} | fields)
        recorder = Recorder(folder, run.info())
        run.feed(recorder)
        return recorder.close()

    return record_into


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, record: Callable[..., RecorderSummary]) -> Path:
    """The folder of one finished run with refusals; not to be changed."""
    folder = tmp_path_factory.mktemp("recorded") / "run"
    record(folder, reckless=True, outcome="stopped")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    if os.environ.get("INTERLOCK_REQUIRE_BROWSER") == "1":
        pytest.fail("INTERLOCK_REQUIRE_BROWSER=1, but no Chromium is installed")
    pytest.skip("no Chromium is installed; the report was not opened in a browser")
