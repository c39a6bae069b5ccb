"""Serves one of our policies as an Isaac-GR00T N1.6 server does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import zmq

from interlock.errors import InterlockError, RemotePolicyError
from interlock.policy.remote.batch import unbatched
from interlock.policy.remote.message import MOST_BYTES, pack, unpack
from interlock.policy.remote.native import GROOT_KEYS, SECTION
from interlock.policy.remote.served_policy import ServedPolicy
from interlock.policy.remote.tagged_array import ArrayTag
from interlock.policy.remote.token import Token

__all__ = ["GrootServer"]

_IDLE_NS = 5_000_000_000


class GrootServer:
    """Listens from when it is made; `run` answers until `stop`.

    Clients do not say when they leave. So the one that has the policy keeps it until it has been silent for
    5 s and another one asks. Every fault is answered with `{"error": …}`, as these clients expect it; `kill`
    is refused, even with the token.

    Args:
        served: the policy.
        token: what clients must send as `api_token`.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        clock_ns: monotonic time, [ns].

    Raises:
        OSError: if nothing can listen there.
    """

    def __init__(
        self,
        served: ServedPolicy,
        token: Token,
        host: str,
        port: int,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._served = served
        self._token = token
        self._clock_ns = clock_ns
        self._client: bytes | None = None
        self._heard_ns = 0
        self._context: Any = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)  # REP would not say who asks
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MOST_BYTES)
        self._socket.setsockopt(zmq.RCVHWM, 4)
        self._socket.setsockopt(zmq.IPV6, int(":" in host))
        self._wake = self._context.socket(zmq.PAIR)
        self._wake.bind("inproc://stop")
        self._stop = self._context.socket(zmq.PAIR)
        self._stop.connect("inproc://stop")
        try:
            self._socket.bind(f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}")
        except zmq.ZMQError as error:
            self._context.destroy(linger=0)
            raise OSError(error.errno, str(error)) from error

    @property
    def address(self) -> str:
        """Where it listens."""
        return str(self._socket.getsockopt_string(zmq.LAST_ENDPOINT))

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.address.rpartition(":")[2])

    def run(self) -> None:
        """Answer until `stop`."""
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._wake, zmq.POLLIN)
        try:
            while True:
                ready = dict(poller.poll())
                if self._wake in ready:
                    return
                frames = self._socket.recv_multipart()
                if (
                    len(frames) == 3 and frames[1] == b""
                ):  # as a REQ socket sends it; nothing else is answered
                    self._socket.send_multipart([frames[0], b"", self._reply(frames[0], frames[2])])
        finally:
            self._context.destroy(linger=0)

    def stop(self) -> None:
        """Listen no more; one other thread may say so, once."""
        self._stop.send(b"")

    def _reply(self, client: bytes, message: bytes) -> bytes:
        try:
            return pack(self._answer(client, unpack(message)), ArrayTag.GROOT)
        except InterlockError as error:
            return pack({"error": error.message}, ArrayTag.GROOT)

    def _answer(self, client: bytes, request: Any) -> Any:
        if not isinstance(request, Mapping):
            raise _bad("is no map", type(request).__name__)
        if not self._token.matches(request.get("api_token")):
            raise RemotePolicyError(
                "Unauthorized", field="request.api_token", mend="Send the token as api_token."
            )
        endpoint = request.get("endpoint", "get_action")
        if endpoint == "ping":
            return {"status": "ok", "message": "ready"}
        if endpoint == "get_modality_config":
            return self._modalities()
        if endpoint not in ("get_action", "reset"):
            raise _bad("names no endpoint of ping, get_modality_config, get_action, reset", endpoint)
        self._take(client)
        if endpoint == "reset":
            self._served.restart()
            return {}
        return self._act(request.get("data"))

    def _take(self, client: bytes) -> None:
        now_ns = self._clock_ns()
        if client != self._client:
            if self._client is not None:
                if now_ns - self._heard_ns < _IDLE_NS:
                    raise _taken()
                self._client = None
                self._served.leave()
            if not self._served.take():
                raise _taken()
            self._client = client
        self._heard_ns = now_ns

    def _act(self, data: Any) -> list[Any]:
        if not isinstance(data, Mapping) or not isinstance(data.get("observation"), Mapping):
            raise _bad("has no map of observation and options under data", type(data).__name__)
        told, options = data["observation"], data.get("options") or {}
        parts = {name: told.get(name) or {} for name in ("video", "state", "language")}
        if told.keys() - parts.keys() or not all(isinstance(part, Mapping) for part in parts.values()):
            raise _bad("does not hold maps of video, state and language", sorted(told))
        if not isinstance(options, Mapping) or options.keys() - {SECTION}:
            raise _bad("has options that are unknown", str(options)[:80])
        actions = self._served.answer(
            {key: unbatched(value, f"state.{key}", axes=1) for key, value in parts["state"].items()},
            {key: unbatched(value, f"video.{key}", axes=3) for key, value in parts["video"].items()},
            _words(parts["language"]),
            options.get(SECTION),
        )
        arm = actions.shape[1] - int(self._served.embodiment.has_gripper)
        answer = {GROOT_KEYS.arm: actions[None, :, :arm]}
        if self._served.embodiment.has_gripper:
            answer[GROOT_KEYS.gripper] = actions[None, :, arm:]
        return [answer, {}]

    def _modalities(self) -> dict[str, Any]:
        body, reader = self._served.embodiment, self._served.reader
        action = [GROOT_KEYS.arm, GROOT_KEYS.gripper] if body.has_gripper else [GROOT_KEYS.arm]
        entries: dict[str, tuple[list[str], int]] = {
            "video": ([camera.name for camera in self._served.cameras], 1),
            "state": (list(reader.state_names), 1),
            "language": ([GROOT_KEYS.prompt], 1),
            "action": (action, body.horizon),
        }
        modalities: dict[str, Any] = {
            name: {
                "__ModalityConfig_class__": True,
                "as_json": {"delta_indices": list(range(steps)), "modality_keys": keys},
            }
            for name, (keys, steps) in entries.items()
        }
        return modalities | {SECTION: self._served.describe()}


def _words(language: Mapping[str, Any]) -> object:
    """The one sentence of a batch of one."""
    words = language.get(GROOT_KEYS.prompt)
    if language.keys() - {GROOT_KEYS.prompt}:
        raise _bad(f"has languages other than {GROOT_KEYS.prompt}", sorted(language))
    while isinstance(words, list) and len(words) == 1:
        words = words[0]
    return words


def _taken() -> RemotePolicyError:
    return RemotePolicyError(
        "the policy is taken by another client",
        field="policy",
        mend=f"Ask again when that one has been silent for {_IDLE_NS * 1e-9:g} s.",
    )


def _bad(what: str, value: object) -> RemotePolicyError:
    return RemotePolicyError(what, field="request", value=value, mend="docs/remote.md says what is expected.")
