"""A policy elsewhere: asked as its protocol wants it, read by the unit map, refused with the reason."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import pickle
import re
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import msgpack
import numpy as np
import pytest

pytest.importorskip("websockets")
pytest.importorskip("zmq")

from tests.policy.remote.conftest import (
    HEIGHT,
    MODALITIES,
    PATIENT_S,
    PROTOCOLS,
    STEPS,
    WIDTH,
    good_actions,
    maps,
    observation_of,
    wrapped,
)
from tests.policy.remote.stand_in import ZmqStandIn

from interlock.errors import BadInputError, RemotePolicyError
from interlock.hal.provenance import CODE
from interlock.hal.robot import RobotSpec
from interlock.orchestrator.cell import Cell
from interlock.policy.policy import PolicyContext
from interlock.policy.registry import create
from interlock.policy.remote.message import pack
from interlock.policy.remote.native import describe
from interlock.policy.remote.tagged_array import ArrayTag, write_tagged
from interlock.policy.remote.wire import MOST_ANSWER_BYTES

Connect = Callable[..., Any]
Start = Callable[..., Any]


def good(protocol: str, robot: RobotSpec) -> Callable[[Any, Any], object]:
    return lambda server, request: wrapped(protocol, good_actions(robot))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reads_actions_into_the_channels_of_the_body(
    protocol: str, stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    server = stand_in(protocol, good(protocol, panda))
    policy = connect(protocol, server.port, **maps())
    observation = observation_of(panda)
    chunks = [policy.propose(observation) for _ in range(3)]
    assert [chunk.seq for chunk in chunks] == [0, 1, 2]
    samples = chunks[-1].samples
    assert samples.shape == (1, STEPS, 8)
    assert np.array_equal(samples[0, :, :7], np.tile(panda.home.astype("<f4").astype(float), (STEPS, 1)))
    assert samples[0, :, 7] == pytest.approx(0.04)  # half open
    assert (chunks[0].t_obs_ns, chunks[0].t0_ns, chunks[0].dt_s) == (1_000, 1_000, 1.0 / 25.0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_chunk_says_over_what_it_came_and_never_the_token(
    protocol: str, stand_in: Start, connect: Connect, panda: RobotSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = stand_in(protocol, good(protocol, panda))
    monkeypatch.setenv("MY_TOKEN", "a-secret-of-mine")
    seen = observation_of(panda)
    chunk = connect(protocol, server.port, token_env="MY_TOKEN", **maps()).propose(seen)
    assert chunk.provenance.version == f"1 over {protocol} from 127.0.0.1:{server.port}"
    assert (chunk.provenance.transport, chunk.provenance.code) == (protocol, CODE)
    words = seen.task.instruction.encode()
    assert chunk.provenance.prompt_sha256 == hashlib.sha256(words).hexdigest()
    assert "a-secret-of-mine" not in repr(chunk)
    if protocol == "groot":
        assert server.requests[-1]["api_token"] == "a-secret-of-mine"
    else:
        assert server.headers[-1]["Authorization"] == "Api-Key a-secret-of-mine"


def test_openpi_is_told_side_by_side(stand_in: Start, connect: Connect, panda: RobotSpec) -> None:
    server = stand_in("openpi", good("openpi", panda))
    observation = observation_of(panda)
    connect("openpi", server.port, extra={"mode": "fast"}, **maps()).propose(observation)
    (request,) = server.requests
    assert sorted(request) == ["eye", "hand", "joints", "mode", "words"]
    assert request["joints"].dtype == np.float32
    assert np.array_equal(request["joints"], observation.state.q.astype(np.float32))
    assert request["hand"] == pytest.approx([0.5])
    assert np.array_equal(request["eye"], observation.frames[0].rgb)
    assert (request["words"], request["mode"]) == ("lift the cup", "fast")


def test_starvla_is_told_one_example(stand_in: Start, connect: Connect, panda: RobotSpec) -> None:
    server = stand_in("starvla", good("starvla", panda))
    connect("starvla", server.port, extra={"unnorm_key": "franka"}, **maps()).propose(observation_of(panda))
    (request,) = server.requests
    assert sorted(request) == ["examples", "unnorm_key"]
    (example,) = request["examples"]
    assert example["image"][0].shape == (HEIGHT, WIDTH, 3)
    assert example["state"].shape == (1, 8)
    assert example["lang"] == "lift the cup"


def test_groot_is_told_with_batch_and_time(stand_in: Start, connect: Connect, panda: RobotSpec) -> None:
    server = stand_in("groot", good("groot", panda))
    connect("groot", server.port, **maps()).propose(observation_of(panda))
    assert [request["endpoint"] for request in server.requests] == [
        "get_modality_config",
        "reset",
        "get_action",
    ]
    data = server.requests[-1]["data"]
    assert data["options"] is None
    assert data["observation"]["video"]["eye"].shape == (1, 1, HEIGHT, WIDTH, 3)
    assert data["observation"]["state"]["joints"].shape == (1, 1, 7)
    assert data["observation"]["language"] == {"words": [["lift the cup"]]}


def test_groot_before_n16_is_told_flat_and_answers_flat(
    stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    text = {
        name: {"__ModalityConfig_class__": True, "as_json": json.dumps(entry)}
        for name, entry in MODALITIES.items()
    }
    server = stand_in("groot", lambda _, data: {"actions": good_actions(panda)}, text)
    chunk = connect("groot", server.port, dialect="n1.5", **maps()).propose(observation_of(panda))
    assert chunk.samples.shape == (1, STEPS, 8)
    data = server.requests[-1]["data"]
    assert sorted(data) == ["eye", "hand", "joints", "words"]
    assert (data["eye"].shape, data["joints"].shape) == ((1, HEIGHT, WIDTH, 3), (1, 7))
    assert data["words"] == ["lift the cup"]


# What a server may do wrong -------------------------------------------------------------------------------


def tagged(**fields: Any) -> dict[bytes, Any]:
    data = {"__ndarray__": True, "data": b"", "dtype": "<f4", "shape": [STEPS, 8]}
    return {key.encode(): value for key, value in {**data, **fields}.items()}


def npy(array: np.ndarray) -> dict[str, Any]:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return {"__ndarray_class__": True, "as_npy": stream.getvalue()}


def with_nan(robot: RobotSpec) -> np.ndarray:
    array = good_actions(robot)
    array[3, 5] = np.nan
    return array


WRONG: dict[str, tuple[Callable[[RobotSpec], object], str]] = {
    "another element type": (lambda r: good_actions(r).astype("<i4"), "not of type float32 or float64"),
    "half precision": (lambda r: good_actions(r).astype("<f2"), "not of type float32 or float64"),
    "NaN": (with_nan, "not finite at step 3, column 5"),
    "infinity": (lambda r: good_actions(r) + np.float32(np.inf), "not finite at step 0"),
    "a horizon too short": (lambda r: good_actions(r)[:-1], r"not 16 steps of 8 columns.*\(15, 8\)"),
    "a channel too few": (lambda r: good_actions(r)[:, :7], r"not 16 steps of 8 columns.*\(16, 7\)"),
    "nothing": (lambda r: np.zeros((0, 8), "<f4"), "not 16 steps of 8 columns"),
    "no array": (lambda r: "up and to the left", "no such array"),
    "objects": (lambda r: tagged(dtype="|O", data=pickle.dumps([1])), "elements of a type that is not read"),
    "a record": (lambda r: tagged(dtype="<f4,<f4"), "elements of a type that is not read"),
    "another byte order": (lambda r: tagged(dtype=">f4"), "elements of a type that is not read"),
    "fewer bytes than it says": (lambda r: tagged(data=bytes(8)), "is 512 bytes"),
    "a shape beyond memory": (lambda r: tagged(shape=[2**31, 2**31]), "bytes"),
    "a negative shape": (lambda r: tagged(shape=[-1, 8]), "shape that is not whole numbers"),
    "a pickle in a .npy": (lambda r: npy(np.array([{"a": 1}])), "elements of a type that is not read"),
    "a .npy that is none": (lambda r: {"__ndarray_class__": True, "as_npy": b"\x80\x04."}, "no .npy file"),
    "a pickle of msgpack-numpy": (
        lambda r: {b"nd": True, b"type": "|O", b"kind": b"O", b"shape": [1], b"data": pickle.dumps([1])},
        "objects or records",
    ),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", WRONG)
def test_refuses_what_may_not_be_used_and_goes_on_with_what_may(
    fault: str, protocol: str, stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    make, reason = WRONG[fault]
    answers = [wrapped(protocol, good_actions(panda)), _raw(protocol, make(panda))]
    server = stand_in(protocol, lambda *_: answers.pop() if len(answers) > 1 else answers[0])
    policy = connect(protocol, server.port, **maps())
    with pytest.raises(RemotePolicyError, match=reason):
        policy.propose(observation_of(panda))
    policy.reset()
    assert policy.propose(observation_of(panda)).seq == 0


def _raw(protocol: str, array: object) -> bytes:
    """As bytes, since our own writer refuses to make what these servers send."""
    tag = ArrayTag.GROOT if protocol == "groot" else ArrayTag.OPENPI
    return bytes(msgpack.packb(wrapped(protocol, array), default=lambda value: write_tagged(value, tag)))


def _hang(server: Any, request: Any) -> None:
    return None


def _text(server: Any, request: Any) -> str:
    return "Traceback (most recent call last):\nRuntimeError: out of memory"


def _close(server: Any, request: Any) -> None:
    if isinstance(server, ZmqStandIn):
        raise ZmqStandIn.Gone
    server.close()


def _close_within_a_frame(server: Any, request: Any) -> None:
    server.socket.sendall(
        b"\x82\x7e\x10\x00" + bytes(100)
    )  # a binary frame of 4,096 bytes, of which 100 come
    server.socket.shutdown(socket.SHUT_RDWR)


def _huge(server: Any, request: Any) -> bytes:
    return bytes(MOST_ANSWER_BYTES + 1)


def _garbage(server: Any, request: Any) -> bytes:
    return b"\xc1"


BROKEN: dict[str, tuple[tuple[str, ...], Callable[[Any, Any], object], str]] = {
    "hangs": (PROTOCOLS, _hang, "no answer within"),
    "sends text": (("openpi", "starvla"), _text, "sent text.*out of memory"),
    "says ERROR": (("groot",), lambda *_: b"ERROR", "says that it failed"),
    "says an error": (("groot",), lambda *_: {"error": "out of memory"}, "out of memory"),
    "says it failed": (("starvla",), lambda *_: {"status": "error", "error": {"message": "oom"}}, "oom"),
    "closes": (PROTOCOLS, _close, "closed the connection"),
    "closes within a frame": (("openpi", "starvla"), _close_within_a_frame, "closed the connection"),
    "sends a huge message": (PROTOCOLS, _huge, "more than 4194304 bytes"),
    "sends no msgpack": (PROTOCOLS, _garbage, "no msgpack"),
    "sends a list": (("openpi", "starvla"), lambda *_: [1, 2], "no map|failed"),
    "sends no pair": (("groot",), lambda *_: {"actions": 1}, "no pair"),
}
CASES = [(fault, protocol) for fault, (protocols, _, _) in BROKEN.items() for protocol in protocols]


@pytest.mark.parametrize(("fault", "protocol"), CASES)
def test_a_server_that_breaks_is_told_apart_within_the_deadline(
    fault: str, protocol: str, stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    _, reply, reason = BROKEN[fault]
    server = stand_in(protocol, reply)
    deadline = {"deadline_s": 1.5} if fault == "hangs" else {}
    policy = connect(protocol, server.port, **deadline, **maps())
    told: list[BaseException] = []

    def propose() -> None:
        try:
            policy.propose(observation_of(panda))
        except BaseException as error:
            told.append(error)

    asking = threading.Thread(target=propose, daemon=True)
    asking.start()
    asking.join(timeout=20.0)
    assert not asking.is_alive()
    assert isinstance(told[0], RemotePolicyError)
    with pytest.raises(RemotePolicyError, match=reason):
        raise told[0]
    server.reply = good(protocol, panda)
    policy.reset()
    assert policy.propose(observation_of(panda)).samples.shape == (1, STEPS, 8)


def test_while_there_is_no_connection_it_raises_at_once_and_says_why(
    stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    server = stand_in("openpi", _close)
    policy = connect("openpi", server.port, **maps())
    server.metadata = "no longer at your service"
    with pytest.raises(RemotePolicyError, match="closed the connection"):
        policy.propose(observation_of(panda))
    with pytest.raises(RemotePolicyError, match=r"closed the connection|no longer at your service"):
        policy.propose(observation_of(panda))
    assert not server.requests[1:]


def test_an_answer_that_nobody_asked_for_is_never_taken_for_the_next_one(
    stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    said = threading.Event()

    def twice(server: Any, request: Any) -> object:
        message = pack(wrapped("openpi", good_actions(panda)), ArrayTag.OPENPI)
        server.send(message)
        server.send(message)
        server.ping().wait(10.0)  # the client has read both by now
        said.set()
        return None

    server = stand_in("openpi", twice)
    policy = connect("openpi", server.port, **maps())
    policy.propose(observation_of(panda))
    assert said.wait(10.0)
    with pytest.raises(RemotePolicyError, match="nobody asked for"):
        policy.propose(observation_of(panda))


def _handshake(port: socket.socket, answer: Callable[[bytes], bytes]) -> socket.socket:
    """Take one client, by hand, and answer its request."""
    client, _ = port.accept()
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += client.recv(4096)
    client.sendall(answer(request))
    return client


def _switching(request: bytes) -> bytes:
    (key,) = re.findall(rb"Sec-WebSocket-Key: (\S+)", request)
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n\x82\x01\x80"


def test_a_server_that_does_not_read_is_given_up_at_the_deadline(connect: Connect, panda: RobotSpec) -> None:
    """A picture of 12 MB fills every buffer on the way, so that the send itself never ends."""
    observation = observation_of(panda)
    rgb = np.zeros((2000, 2000, 3), np.uint8)
    large = replace(observation, frames=(replace(observation.frames[0], rgb=rgb),))
    options = maps()
    options["observation"]["pictures"][0] |= {"width_px": 2000, "height_px": 2000}
    with socket.create_server(("127.0.0.1", 0)) as port, ThreadPoolExecutor() as crew:
        taken = crew.submit(_handshake, port, _switching)
        policy = connect("openpi", port.getsockname()[1], deadline_s=0.5, **options)
        with taken.result(), pytest.raises(RemotePolicyError, match=r"no answer within 0\.5 s"):
            crew.submit(policy.propose, large).result(timeout=20.0)
        again = crew.submit(_handshake, port, _switching)
        policy.reset()  # the thread of the line has come back from that send, and connects
        again.result(timeout=20.0).close()


def test_a_server_that_sends_us_elsewhere_is_not_followed(connect: Connect) -> None:
    def elsewhere(request: bytes) -> bytes:
        return b"HTTP/1.1 307 Temporary Redirect\r\nLocation: ws://192.0.2.1:1/\r\nContent-Length: 0\r\n\r\n"

    with socket.create_server(("127.0.0.1", 0)) as port, ThreadPoolExecutor() as crew:
        taken = crew.submit(_handshake, port, elsewhere)
        with pytest.raises(RemotePolicyError, match=r"cannot be reached|HTTP 307"):
            connect("openpi", port.getsockname()[1], **maps())
        taken.result().close()


def test_a_policy_that_is_closed_leaves_no_thread_and_no_connection(
    stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    server = stand_in("openpi", good("openpi", panda))
    before = set(threading.enumerate())
    policy = connect("openpi", server.port, **maps())
    lines = [thread for thread in set(threading.enumerate()) - before if thread.name == "policy line"]
    assert len(lines) == 1
    policy.close()
    assert not lines[0].is_alive()
    with pytest.raises(RemotePolicyError, match="no longer asked"):
        policy.propose(observation_of(panda))


@pytest.mark.parametrize(("protocol", "wire"), [("openpi", "websocket_wire"), ("groot", "zmq_wire")])
def test_a_package_that_is_missing_is_named(
    protocol: str, wire: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, f"interlock.policy.remote.{wire}", None)
    with pytest.raises(BadInputError, match=r"pip install 'interlock\[remote\]'"):
        connect(protocol, 1, **maps())


# What a server may say of itself --------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_says_something_else_of_itself_is_refused_until_a_restart(
    protocol: str, stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    first = MODALITIES if protocol == "groot" else {"model": "a"}
    more = {"metadata": {"model": None}}
    server = stand_in(protocol, good(protocol, panda), {**first, "model": "a"})
    policy = connect(protocol, server.port, **more, **maps())
    policy.propose(observation_of(panda))
    if protocol == "groot":
        server.modalities = {**first, "model": "b"}
    else:
        server.metadata = {"model": "b"}
    with pytest.raises(RemotePolicyError, match="something else of itself"):
        policy.reset()
    asked = len(server.requests)
    server.metadata = server.modalities = {**first, "model": "a"}
    for _ in range(2):
        with pytest.raises(RemotePolicyError, match="something else of itself"):
            policy.propose(observation_of(panda))
    with pytest.raises(RemotePolicyError, match="something else of itself"):
        policy.reset()
    assert len(server.requests) == asked
    assert connect(protocol, server.port, **more, **maps()).propose(observation_of(panda)) is not None


def changed_modality(name: str, **entry: Any) -> dict[str, Any]:
    return {**MODALITIES, name: {**MODALITIES[name], **entry}}


METADATA: dict[str, tuple[str, object, dict[str, Any], str]] = {
    "items that nobody expects": ("openpi", {"reset_pose": [1.0]}, {}, "does not know: reset_pose"),
    "another model": ("openpi", {"model": "b"}, {"metadata": {"model": "a"}}, "do not say model: 'a'"),
    "no model": ("starvla", {}, {"metadata": {"model": "a"}}, "do not say model: 'a'"),
    "a list": ("openpi", [1, 2], {}, "are no map"),
    "text": ("openpi", "hello", {}, "sent text"),
    "no msgpack": ("starvla", b"\xc1", {}, "no msgpack"),
    "another action": (
        "groot",
        changed_modality("action", modality_keys=["left"]),
        {},
        r"other keys of action than \['actions'\]",
    ),
    "another camera": ("groot", changed_modality("video", modality_keys=["top"]), {}, "other keys of video"),
    "another horizon": ("groot", changed_modality("action", delta_indices=[0, 1]), {}, "2 steps of action"),
    "a history": ("groot", changed_modality("video", delta_indices=[-1, 0]), {}, "2 steps of video"),
    "no modalities": ("groot", {}, {}, "no modality configuration"),
    "another Interlock's body": (
        "openpi",
        {"interlock": {"version": 2, "tag": "other"}},
        {},
        "another tag than 'panda'",
    ),
    "another Interlock's version": ("openpi", {"interlock": {"version": 9}}, {}, "another version than 2"),
}


@pytest.mark.parametrize("case", METADATA)
def test_refuses_a_server_that_is_not_the_one_expected(
    case: str, stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    protocol, metadata, options, reason = METADATA[case]
    server = stand_in(protocol, good(protocol, panda), metadata)
    with pytest.raises(RemotePolicyError, match=reason):
        connect(protocol, server.port, **options, **maps())


OF_ITSELF: dict[str, tuple[dict[str, Any], str]] = {
    "cameras that are a number": ({"cameras": 1}, "do not name cameras"),
    "cameras without what is meant": ({"cameras": ["base"]}, "do not name cameras"),
    "no cameras": ({"cameras": None}, "do not name cameras"),
    "a camera of another size": (
        {"cameras": {"base": [64, 64, "base"]}},
        "another camera by base.*128 × 128",
    ),
    "a camera of another role": ({"cameras": {"base": [128, 128, "wrist"]}}, "another camera by base"),
    "no skills": ({"skills": None}, "do not name skills"),
    "skills that are text": ({"skills": "pick"}, "do not name skills"),
    "skills that are numbers": ({"skills": [1]}, "do not name skills"),
}


def cell_context(port: int) -> PolicyContext:
    cell = Cell.load("panda_tabletop")
    options = {"port": port, "deadline_s": PATIENT_S, "connect_s": PATIENT_S}
    return PolicyContext(
        robot=cell.robot_spec(), embodiment=cell.embodiment(), seed=0, options=options, cameras=cell.cameras()
    )


@pytest.mark.parametrize("case", OF_ITSELF)
def test_another_interlock_that_means_something_else_is_refused(case: str, stand_in: Start) -> None:
    changed, reason = OF_ITSELF[case]
    metadata = describe(cell_context(0).embodiment, "vla", (), ())
    server = stand_in("openpi", lambda *_: None, {"interlock": {**metadata, **changed}})
    with pytest.raises(RemotePolicyError, match=reason):
        create("openpi", cell_context(server.port))


def test_cameras_and_skills_are_those_that_the_other_interlock_says(stand_in: Start) -> None:
    cameras = [each for each in cell_context(0).cameras if each.role]
    metadata = describe(cell_context(0).embodiment, "vla", cameras, {"pick", "place"})
    server = stand_in("openpi", lambda *_: None, {"interlock": metadata})
    policy: Any = create("openpi", cell_context(server.port))
    with closing(policy):
        assert (policy.cameras, policy.skills) == ({"base", "wrist"}, {"pick", "place"})


@pytest.mark.parametrize("protocol", ["openpi", "groot"])
def test_without_a_map_only_another_interlock_will_do(
    protocol: str, stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    server = stand_in(protocol, good(protocol, panda))
    with pytest.raises(RemotePolicyError, match=r"do not say that this is an Interlock.*policy.options"):
        connect(protocol, server.port)


def test_starvla_needs_a_map(connect: Connect) -> None:
    with pytest.raises(BadInputError, match="needs a map"):
        connect("starvla", 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_is_not_there_ends_the_start(protocol: str, connect: Connect) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    within = {"connect_s": 0.3} if protocol == "groot" else {}  # ZeroMQ does not say that nobody listens
    with pytest.raises(RemotePolicyError, match=r"cannot be reached|no answer within|not connected"):
        connect(protocol, port, **within, **maps())


# What a cell may say wrong --------------------------------------------------------------------------------


def column(index: int, **changed: Any) -> dict[str, Any]:
    columns = [dict(c) for c in maps()["actions"]["columns"]]
    columns[index] |= changed
    return maps(columns=columns)


def state(**changed: Any) -> dict[str, Any]:
    made = maps()
    made["observation"]["state"][0] |= changed
    return made


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown option": ({"hots": "x"}, r"policy\.options\.hots"),
    "another host by accident": ({"host": "example.org", **maps()}, "beyond_this_machine"),
    "a map of one side": ({"actions": maps()["actions"]}, "given together"),
    "a deadline without end": ({"deadline_s": 3600.0, **maps()}, "deadline_s"),
    "a wrong unit": (column(0, unit="mm"), r"columns\.0\.unit: panda_joint1 is in rad"),
    "a joint that is normalised": (
        column(0, unit="normalised", closed=0.0, closed_m=0.0, open=1.0, open_m=1.0),
        "panda_joint1 is in rad",
    ),
    "half a gripper": (column(7, open_m=None), "needs closed, closed_m, open and open_m"),
    "a gripper without stroke": (column(7, open_m=0.0), "must differ"),
    "an unknown channel": (column(0, channel="panda_joint9"), "no such channel.*panda_joint"),
    "a channel twice": (column(0, channel="panda_joint2"), "one column for panda_joint1, has 0"),
    "a column twice": (column(0, column=1), "leaves out a column or names one twice"),
    "a gripper that adds up": (column(7, relative_to="previous_step"), "cannot be read relative"),
    "a shorter horizon": (maps(horizon=8), "shorter than the cell's chunks of 16"),
    "another rate": (maps(rate_hz=10.0), "not the cell's rate of 25 Hz"),
    "an unknown joint": (state(values=["elbow"]), "measures no such value"),
    "a state in the wrong unit": (state(unit="m"), "panda_joint1 is measured in rad"),
    "a key twice": (state(key="hand"), "given twice"),
    "a token file that is not there": ({"token_file": "/nowhere/token", **maps()}, "cannot be read"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_refuses_options_before_it_connects(case: str, connect: Connect) -> None:
    options, reason = OPTIONS[case]
    with pytest.raises(BadInputError, match=reason):
        connect("openpi", 1, **options)


# What cannot be told --------------------------------------------------------------------------------------


def test_refuses_an_instruction_of_100_kB(stand_in: Start, connect: Connect, panda: RobotSpec) -> None:
    server = stand_in("openpi", good("openpi", panda))
    policy = connect("openpi", server.port, **maps())
    with pytest.raises(RemotePolicyError, match="longer than 4096 bytes"):
        policy.propose(observation_of(panda, instruction="x" * 100_000))
    assert not server.requests


def test_refuses_a_picture_of_another_size_and_one_that_is_missing(
    stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    server = stand_in("openpi", good("openpi", panda))
    for change, reason in ({"width_px": 64}, "no picture of 64"), ({"camera": "roof"}, "no picture of this"):
        options = maps()
        options["observation"]["pictures"][0] |= change
        with pytest.raises(RemotePolicyError, match=reason):
            connect("openpi", server.port, **options).propose(observation_of(panda))
    assert not server.requests


def test_the_longer_chunk_of_a_server_is_cut_to_the_bodys(
    stand_in: Start, connect: Connect, panda: RobotSpec
) -> None:
    longer = np.concatenate([good_actions(panda), good_actions(panda) + np.float32(1.0)])
    server = stand_in("openpi", lambda *_: wrapped("openpi", longer))
    chunk = connect("openpi", server.port, **maps(horizon=2 * STEPS)).propose(observation_of(panda))
    assert chunk.samples.shape == (1, STEPS, 8)
    assert chunk.samples[0, -1, 0] == np.float32(panda.home[0])
