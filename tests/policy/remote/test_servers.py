"""Our policies, served: the same chunks bit for bit, and nothing for those who may not or ask wrongly."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("websockets")
pytest.importorskip("zmq")

import zmq
from tests.policy.dataset.two_cameras import two_cameras
from tests.policy.remote.conftest import HEIGHT, PATIENT_S, WIDTH, observation_of
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as websocket

from interlock.errors import BadInputError, RemotePolicyError, StorageError
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import SceneObject
from interlock.policy.chunk_maker import ChunkMaker
from interlock.policy.policy import PolicyContext
from interlock.policy.registry import create
from interlock.policy.remote.groot_server import GrootServer
from interlock.policy.remote.message import pack, unpack
from interlock.policy.remote.observation_reader import ObservationReader
from interlock.policy.remote.openpi_server import OpenpiServer
from interlock.policy.remote.served_policy import ServedPolicy
from interlock.policy.remote.tagged_array import ArrayTag
from interlock.policy.remote.token import Token

TOKEN = "correct-horse-battery"
BASE, WRIST = (replace(camera, height_px=HEIGHT) for camera in two_cameras(WIDTH))


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


PROTOCOLS = ("openpi", "groot")
Serve = Callable[..., Any]


@pytest.fixture
def serve(
    context_of: Callable[..., PolicyContext],
    cell_of: Callable[[RobotSpec], list[SceneObject]],
    ball: SceneObject,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Serve]:
    """Serves a policy on a free port of this machine, and stops it."""
    running: list[tuple[Any, threading.Thread]] = []

    def start(
        protocol: str, robot: RobotSpec, policy: Any = "scripted", host: str = "127.0.0.1", **options: Any
    ) -> Any:
        context = context_of(robot)
        made = create(policy, context) if isinstance(policy, str) else policy
        objects = (*cell_of(robot), ball)
        reader = ObservationReader(robot, objects, [BASE, WRIST])
        served = ServedPolicy(made, context.embodiment, reader, (WRIST,), frozenset({"pick"}))
        kind = {"openpi": OpenpiServer, "groot": GrootServer}[protocol]
        server = kind(served, Token(TOKEN, "test"), host, 0, **options)
        thread = threading.Thread(target=server.run)
        thread.start()
        running.append((server, thread))
        return server

    monkeypatch.setenv("INTERLOCK_POLICY_TOKEN", TOKEN)
    yield start
    for server, thread in running:
        server.stop()
        thread.join()


@pytest.fixture
def client(context_of: Callable[..., PolicyContext]) -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def build(protocol: str, server: Any, robot: RobotSpec, **options: Any) -> Any:
        given = {"port": server.port, "deadline_s": PATIENT_S, "connect_s": PATIENT_S, **options}
        made.append(create(protocol, context_of(robot, **given)))
        return made[-1]

    yield build
    for policy in made:
        policy.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_served_expert_picks_with_the_same_chunks_as_at_home(
    protocol: str,
    robot: RobotSpec,
    serve: Serve,
    client: Callable[..., Any],
    playback: Any,
    context_of: Callable[..., PolicyContext],
    cell_of: Callable[[RobotSpec], list[SceneObject]],
    ball: SceneObject,
) -> None:
    server = serve(protocol, robot)
    chunks = []
    for policy in (create("scripted", context_of(robot)), client(protocol, server, robot)):
        world = playback(robot, policy, cell_of(robot))
        world.movers.append((ball, lambda t: (0.9, 0.1 * t, 0.6)))
        world.pick("red_block")
        chunks.append(world.chunks)
    home, away = chunks
    assert len(home) == len(away) > 10
    assert [c.seq for c in away] == list(range(len(away)))
    for ours, theirs in zip(home, away, strict=True):
        assert ours.samples.tobytes() == theirs.samples.tobytes()
        assert (ours.t_obs_ns, ours.t0_ns, ours.dt_s) == (theirs.t_obs_ns, theirs.t0_ns, theirs.dt_s)


class Echo:
    """Answers with what it was shown: joint positions, and the mean of the picture as a width."""

    name = "echo"

    def __init__(self, context: PolicyContext) -> None:
        self.maker = ChunkMaker("echo", context)
        self.seen: list[Any] = []
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def propose(self, observation: Any) -> Any:
        self.seen.append(observation)
        if observation.task.instruction == "wait":
            return None
        if observation.task.instruction == "fail":
            raise ValueError("no idea")
        joints = np.tile(observation.state.q, (self.maker.steps, 1))
        return self.maker.make(observation, joints, np.full(self.maker.steps, 0.03))


@pytest.fixture
def echo(context_of: Callable[..., PolicyContext], panda: RobotSpec) -> Echo:
    return Echo(context_of(panda))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_half_a_scene_is_refused(
    protocol: str, panda: RobotSpec, echo: Echo, serve: Serve, client: Callable[..., Any]
) -> None:
    policy = client(protocol, serve(protocol, panda, echo), panda)
    with pytest.raises(RemotePolicyError, match="does not hold exactly"):
        policy.propose(observation_of(panda))
    assert not echo.seen


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_policy_that_waits_says_nothing_and_one_that_fails_says_why(
    protocol: str,
    panda: RobotSpec,
    echo: Echo,
    serve: Serve,
    client: Callable[..., Any],
    playback: Any,
    cell_of: Any,
    ball: SceneObject,
    task_view: Any,
) -> None:
    policy = client(protocol, serve(protocol, panda, echo), panda)
    world = playback(panda, policy, [*cell_of(panda), ball])
    task = task_view("pick", "approach", (0.1, 0.2, 0.3), object="red_block")
    assert policy.propose(world.observe(task)).seq == 0
    assert policy.propose(world.observe(replace(task, instruction="wait"))) is None
    assert echo.seen[0].task == task
    assert echo.seen[0].stamp_ns == world.now_ns
    assert {o.name for o in echo.seen[0].scene.objects} == {*world.objects}
    with pytest.raises(RemotePolicyError, match="no idea"):
        policy.propose(world.observe(replace(task, instruction="fail")))


# By hand, as other clients do -----------------------------------------------------------------------------


def request_of(robot: RobotSpec) -> dict[str, Any]:
    """The least that an openpi client has to send."""
    return {
        "state/joint_position": robot.home.astype("<f4"),
        "state/gripper": np.array([0.04, 0.0], "<f4"),
        "prompt": "pick up the red block",
    }


def dial(server: Any, token: str | None = TOKEN) -> Any:
    headers = {} if token is None else {"Authorization": f"Api-Key {token}"}
    return websocket(server.address, additional_headers=headers, compression=None, proxy=None)


def ask(connection: Any, request: object) -> Any:
    connection.send(request if isinstance(request, bytes | str) else pack(request, ArrayTag.OPENPI))
    answer = connection.recv(timeout=PATIENT_S)
    return answer if isinstance(answer, str) else unpack(answer)


def test_an_openpi_client_needs_state_and_words_alone(panda: RobotSpec, echo: Echo, serve: Serve) -> None:
    with dial(serve("openpi", panda, echo)) as connection:
        metadata = unpack(connection.recv())
        told = metadata["interlock"]
        assert (told["tag"], told["skills"]) == ("panda", ["pick"])
        assert told["cameras"] == {"wrist": [WIDTH, HEIGHT, "wrist"]}
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        answer = ask(connection, {**request_of(panda), "image/wrist": picture})
    assert answer["actions"].shape == (16, 8)
    assert answer["server_timing"]["infer_ms"] >= 0.0
    (seen,) = echo.seen
    assert seen.task.instruction == "pick up the red block"
    assert seen.state.standstill
    assert np.array_equal(seen.state.q_commanded, seen.state.q)
    assert [frame.camera for frame in seen.frames] == ["wrist"]
    assert echo.resets == 1


def history(**changed: Any) -> dict[str, Any]:
    """What another Interlock sends of two ticks, with something changed."""
    told = {"stamps_ns": np.array([1, 2]), "q": np.zeros((2, 7)), "widths_m": None, "kinds": ["proposed"] * 2}
    return {"interlock": {"stamp_ns": 3, "executed": {**told, **changed}}}


WRONG: dict[str, tuple[object, str]] = {
    "text": ("hello", "is text"),
    "no msgpack": (b"\xc1", "no msgpack"),
    "no map": ([1], "is unknown"),
    "no joints": ({"state/joint_position": None}, "no array of float32 or float64"),
    "too few joints": ({"state/joint_position": np.zeros(6)}, "does not hold 7 numbers"),
    "whole numbers": ({"state/joint_position": np.zeros(7, int)}, "no array of float32 or float64"),
    "NaN": ({"state/joint_position": np.full(7, np.nan)}, "is not finite"),
    "no gripper": ({"state/gripper": None}, "state.gripper"),
    "an unknown value": ({"state/mood": np.zeros(1)}, "state.mood: is unknown"),
    "an unknown key": ({"mood": 1}, "state.mood: is unknown"),
    "an unknown camera": ({"image/roof": np.zeros((HEIGHT, WIDTH, 3), np.uint8)}, "picture.roof"),
    "a picture of another size": ({"image/wrist": np.zeros((8, 8, 3), np.uint8)}, "no picture of 32 × 24"),
    "a picture of floats": ({"image/wrist": np.zeros((HEIGHT, WIDTH, 3))}, "no picture of 32 × 24"),
    "no words": ({"prompt": None}, "prompt: is no text"),
    "100 kB of words": ({"prompt": "x" * 100_000}, "no msgpack|no text of at most 4096"),
    "10 kB of words": ({"prompt": "x" * 10_000}, "no text of at most 4096"),
    "an unknown item": ({"interlock": {"mood": 1}}, "does not have the keys"),
    "a time before time": ({"interlock": {"stamp_ns": -1}}, "no time in nanoseconds"),
    "half a scene": ({"interlock": {"scene": {}}}, "does not hold exactly"),
    "half a task": ({"interlock": {"task": {"skill": "pick"}}}, "does not have the keys"),
    "a task of numbers": (
        {
            "interlock": {
                "task": {
                    "task_id": 1,
                    "skill": "",
                    "arguments": {},
                    "phase": "",
                    "step": "",
                    "target_in_world": None,
                }
            }
        },
        "no text of at most",
    ),
    "half a history": ({"interlock": {"executed": {"kinds": []}}}, "does not have the keys"),
    "a history of the future": (history(stamps_ns=np.array([1, 9_000_000_000])), "ascend to stamp_ns"),
    "a history that goes back": (history(stamps_ns=np.array([2, 1])), "ascend to stamp_ns"),
    "an empty history": (history(stamps_ns=np.zeros(0, np.int64)), "ascend to stamp_ns"),
    "a history of floats": (history(stamps_ns=np.zeros(2)), "no row of int64"),
    "a history of another arm": (history(q=np.zeros((2, 6))), r"float64 of shape \(2, 7\)"),
    "a history of NaN": (history(q=np.full((2, 7), np.nan)), "executed.q: is not finite"),
    "a history from afar": (history(q=np.full((2, 7), 1e308)), "beyond 1000"),
    "a history that wraps round": (history(stamps_ns=np.array([2**63 - 1, -2])), "ascend to stamp_ns"),
    "a history of no kinds": (history(kinds=[None, {}]), "one of proposed, changed, stopping"),
    "a task whose arguments hide a text": (
        {
            "interlock": {
                "task": {
                    "task_id": "",
                    "skill": "",
                    "arguments": {"step": "x"},
                    "phase": "",
                    "step": [1],
                    "target_in_world": None,
                }
            }
        },
        "interlock.task.step: is no text",
    ),
    "a history with a width too few": (history(widths_m=np.zeros(1)), r"float64 of shape \(2,\)"),
    "a history of unknown kinds": (
        history(kinds=["proposed", "dreamt"]),
        "one of proposed, changed, stopping",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_bad_request_ends_the_connection_with_the_reason_and_the_next_client_is_served(
    case: str, panda: RobotSpec, echo: Echo, serve: Serve
) -> None:
    change, reason = WRONG[case]
    server = serve("openpi", panda, echo)
    request = {**request_of(panda), **change} if isinstance(change, dict) else change
    if isinstance(request, dict):
        request = {key: value for key, value in request.items() if value is not None or key == "prompt"}
    with dial(server) as connection:
        connection.recv()
        answer = ask(connection, request)
        assert isinstance(answer, str)
        assert re.search(reason, answer), answer
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=PATIENT_S)
    assert not echo.seen
    with dial(server) as connection:
        connection.recv()
        assert ask(connection, request_of(panda))["actions"].shape == (16, 8)


@pytest.mark.parametrize("token", [None, "", "wrong-horse-battery", TOKEN + "x", TOKEN[:-1]])
def test_openpi_without_the_token_is_401(token: str | None, panda: RobotSpec, serve: Serve) -> None:
    server = serve("openpi", panda)
    with pytest.raises(InvalidStatus) as refused, dial(server, token):
        pass
    assert refused.value.response.status_code == 401
    assert TOKEN not in str(refused.value.response)


def test_openpi_says_that_it_is_alive_without_a_token(panda: RobotSpec, serve: Serve) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", serve("openpi", panda).port, timeout=PATIENT_S)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b"OK\n"
    connection.close()


def test_openpi_serves_one_client_at_a_time(panda: RobotSpec, echo: Echo, serve: Serve) -> None:
    server = serve("openpi", panda, echo)
    with dial(server) as first:
        first.recv()
        with dial(server) as second, suppress(ConnectionClosed):
            assert second.recv(timeout=PATIENT_S) == "the policy is taken by another client"
        assert ask(first, request_of(panda))["actions"].shape == (16, 8)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_our_client_with_the_wrong_token_is_refused(
    protocol: str, panda: RobotSpec, serve: Serve, client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(protocol, panda)
    monkeypatch.setenv("INTERLOCK_POLICY_TOKEN", "wrong-horse-battery")
    with pytest.raises(RemotePolicyError, match=r"refuses the token|Unauthorized") as refused:
        client(protocol, server, panda)
    assert "horse" not in str(refused.value)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_speaks_over_ipv6(
    protocol: str, panda: RobotSpec, echo: Echo, serve: Serve, client: Callable[..., Any]
) -> None:
    server = serve(protocol, panda, echo, "::1")
    assert "[::1]" in server.address
    with pytest.raises(RemotePolicyError, match="does not hold exactly"):
        client(protocol, server, panda, host="::1").propose(observation_of(panda))


class Groot:
    """A client as Isaac-GR00T has one: a REQ socket, nothing checked."""

    def __init__(self, server: Any) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.REQ)
        self.socket.connect(server.address)

    def __enter__(self) -> Groot:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)

    def call(self, endpoint: str, data: object = None, token: str | None = TOKEN) -> Any:
        request = {"endpoint": endpoint, "data": data, "api_token": token}
        return self.raw(pack({k: v for k, v in request.items() if v is not None}, ArrayTag.GROOT))

    def raw(self, message: bytes) -> Any:
        self.socket.send(message)
        assert self.socket.poll(round(PATIENT_S * 1e3))
        return unpack(self.socket.recv())


def groot_request(robot: RobotSpec, **changed: Any) -> dict[str, Any]:
    observation = {
        "video": {"wrist": np.zeros((1, 1, HEIGHT, WIDTH, 3), np.uint8)},
        "state": {
            "joint_position": robot.home.astype("<f4")[None, None],
            "gripper": np.array([[[0.04, 0.0]]], "<f4"),
        },
        "language": {"task": [["pick up the red block"]]},
    }
    return {"observation": {**observation, **changed}, "options": None}


def test_a_groot_client_is_told_what_goes_in_and_gets_actions_by_part(
    panda: RobotSpec, echo: Echo, serve: Serve
) -> None:
    with Groot(serve("groot", panda, echo)) as robot:
        assert robot.call("ping")["status"] == "ok"
        said = robot.call("get_modality_config")
        assert said["action"]["as_json"] == {
            "delta_indices": list(range(16)),
            "modality_keys": ["arm", "gripper"],
        }
        assert said["video"]["as_json"]["modality_keys"] == ["wrist"]
        assert robot.call("reset", {"options": None}) == {}
        actions, more = robot.call("get_action", groot_request(panda))
    assert (actions["arm"].shape, actions["gripper"].shape, more) == ((1, 16, 7), (1, 16, 1), {})
    assert echo.seen[0].task.instruction == "pick up the red block"


GROOT_WRONG: dict[str, tuple[Callable[[Groot, RobotSpec], Any], str]] = {
    "no token": (lambda g, r: g.call("get_action", groot_request(r), None), "Unauthorized"),
    "another token": (lambda g, r: g.call("ping", None, "wrong-horse-battery"), "Unauthorized"),
    "kill": (lambda g, r: g.call("kill"), "names no endpoint"),
    "no msgpack": (lambda g, r: g.raw(b"\xc1"), "no msgpack"),
    "no map": (lambda g, r: g.raw(pack([1], ArrayTag.GROOT)), "no map"),
    "no observation": (lambda g, r: g.call("get_action", {"state": 1}), "no map of observation"),
    "a batch of two": (
        lambda g, r: g.call("get_action", groot_request(r, state={"joint_position": np.zeros((2, 1, 7))})),
        "batch of other than one",
    ),
    "another modality": (lambda g, r: g.call("get_action", groot_request(r, audio={})), "maps of video"),
    "no maps": (lambda g, r: g.call("get_action", groot_request(r, video=[1])), "maps of video"),
    "another language": (
        lambda g, r: g.call("get_action", groot_request(r, language={"tone": [["calm"]]})),
        "languages other than task",
    ),
    "two sentences": (
        lambda g, r: g.call("get_action", groot_request(r, language={"task": [["a"], ["b"]]})),
        "no text",
    ),
    "unknown options": (
        lambda g, r: g.call("get_action", {**groot_request(r), "options": {"speed": 9}}),
        "options that are unknown",
    ),
    "a joint too few": (
        lambda g, r: g.call("get_action", groot_request(r, state={"joint_position": np.zeros((1, 1, 6))})),
        "does not hold 7 numbers",
    ),
}


@pytest.mark.parametrize("case", GROOT_WRONG)
def test_groot_answers_a_bad_request_with_the_reason_and_goes_on(
    case: str, panda: RobotSpec, echo: Echo, serve: Serve
) -> None:
    wrong, reason = GROOT_WRONG[case]
    with Groot(serve("groot", panda, echo)) as robot:
        assert reason in wrong(robot, panda)["error"]
        assert not echo.seen
        assert len(robot.call("get_action", groot_request(panda))) == 2


def test_groot_keeps_a_client_until_it_has_been_silent(panda: RobotSpec, echo: Echo, serve: Serve) -> None:
    now_ns = [0]
    server = serve("groot", panda, echo, clock_ns=lambda: now_ns[0])
    with Groot(server) as first, Groot(server) as second:
        first.call("get_action", groot_request(panda))
        now_ns[0] = 4_999_999_999
        assert "taken by another" in second.call("get_action", groot_request(panda))["error"]
        now_ns[0] = 5_000_000_000
        assert len(second.call("get_action", groot_request(panda))) == 2
        assert "taken by another" in first.call("get_action", groot_request(panda))["error"]
    assert echo.resets == 2


# The secret -----------------------------------------------------------------------------------------------


def test_a_token_is_saved_for_its_owner_alone_and_never_shown(tmp_path: Path) -> None:
    token, path = Token.new(), tmp_path / "deep" / "token"
    path.parent.mkdir()
    path.write_text("the old one, which others may read")
    with pytest.raises(StorageError, match="File exists"):
        token.save(path, replace=False)
    assert path.read_text() == "the old one, which others may read"
    token.save(path, replace=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Token.from_file(path, "token_file").matches(token.reveal())
    assert token.reveal() not in repr(token) + str(token)


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o640)
    with pytest.raises(StorageError, match="chmod 600"):
        Token.from_file(path, "token_file")


@pytest.mark.parametrize("text", ["", "short", "two words here", "x" * 513, "naïve-token"])
def test_what_is_no_token_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(BadInputError, match="holds no token") as refused:
        Token(text, "here")
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("given", [None, 5, b"correct-horse-battery", TOKEN + "x", "\ud800" * 8])
def test_nothing_but_the_token_matches_it(given: object) -> None:
    assert Token(TOKEN, "here").matches(TOKEN)
    assert not Token(TOKEN, "here").matches(given)
