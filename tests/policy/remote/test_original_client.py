"""openpi's own client and codec, against ours: it needs numpy < 2, and so an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.policy.remote.conftest import HEIGHT, WIDTH, maps, observation_of
from tests.policy.remote.test_servers import TOKEN, Echo, client, echo, serve

from interlock.hal.robot import RobotSpec

__all__ = ["client", "echo", "serve"]

pytestmark = pytest.mark.network

HERE = Path(__file__).parent
PACKAGES = ["openpi-client==0.1.2", "typing-extensions"]  # it imports the second without asking for it
PATIENT_S = 60.0


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with openpi's client and nothing of ours."""
    folder = tmp_path_factory.mktemp("openpi")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    subprocess.run(command, check=True, timeout=600)
    return python


@pytest.fixture
def original_server(original: Path) -> Iterator[int]:
    with subprocess.Popen(
        [original, "-I", HERE / "openpi_stand_in.py"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


def test_the_original_client_gets_our_chunks_bit_for_bit(
    original: Path, panda: RobotSpec, echo: Echo, serve: Callable[..., Any]
) -> None:
    server = serve("openpi", panda, echo)
    arguments = ["127.0.0.1", str(server.port), TOKEN, str(HEIGHT), str(WIDTH)]
    home = panda.home + 1e-13
    done = subprocess.run(
        [original, "-I", HERE / "original_client.py", *arguments],
        input=json.dumps(home.tolist()),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENT_S,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["numpy"].startswith("1.")
    assert told["metadata"]["interlock"]["tag"] == "panda"
    assert told["dtype"] == "float64"
    assert np.array_equal(np.array(told["actions"])[:, :7], np.tile(home, (16, 1)))
    assert told["first"] == told["actions"][0]
    assert echo.seen[0].frames[0].rgb.shape == (HEIGHT, WIDTH, 3)


def test_our_client_reads_what_the_original_codec_writes(
    original_server: int, panda: RobotSpec, client: Callable[..., Any]
) -> None:
    class Server:
        port = original_server

    policy = client(
        "openpi", Server, panda, metadata={"model": "original", "numbers": None}, token_env="NONE", **maps()
    )
    observation = observation_of(panda)
    samples = policy.propose(observation).samples
    assert np.array_equal(samples[0, 0, :7], observation.state.q.astype(np.float32).astype(np.float64))
    mean = np.float32(observation.frames[0].rgb.astype(np.float64).mean() / 255.0)
    assert samples[0, 0, 7] == pytest.approx(0.08 * (1.0 - mean))


def test_the_environment_of_the_tests_has_no_openpi() -> None:
    assert "openpi_client" not in sys.modules
