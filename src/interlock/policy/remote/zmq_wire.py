"""A ZeroMQ connection to an Isaac-GR00T server."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import zmq

from interlock.errors import RemotePolicyError
from interlock.policy.remote.deadline import Deadline
from interlock.policy.remote.message import pack, unpack
from interlock.policy.remote.tagged_array import ArrayTag
from interlock.policy.remote.token import Token
from interlock.policy.remote.wire import MOST_ANSWER_BYTES

__all__ = ["ZmqWire"]

_FIELD = "policy server"


class ZmqWire:
    """Implements `Wire`: a request names an endpoint, its answer is one message.

    ZeroMQ connects again by itself and would hide that a server was replaced. So each connection is watched,
    and the first one that is lost ends the wire.

    Args:
        host: where the server is.
        port: its port.
        token: sent as `api_token`, or None.
        restart: whether to ask for a new episode (`reset`, from N1.6 on).
        deadline: for asking what the server is.

    Raises:
        RemotePolicyError: if it cannot be reached, refuses the token, or does not say what it is.
    """

    def __init__(self, host: str, port: int, token: Token | None, restart: bool, deadline: Deadline) -> None:
        self._token = token
        self._context: Any = zmq.Context()
        self._socket = self._context.socket(zmq.REQ)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MOST_ANSWER_BYTES)
        self._socket.setsockopt(zmq.IPV6, int(":" in host))
        self._watch = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        shown = f"[{host}]" if ":" in host else host
        try:
            self._socket.connect(f"tcp://{shown}:{port}")
            self.metadata: Any = self._endpoint("get_modality_config", None, deadline)
            if restart:
                self._endpoint("reset", {"options": None}, deadline)
        except zmq.ZMQError as error:
            self.close()
            raise RemotePolicyError(
                f"cannot be reached ({error})",
                field=_FIELD,
                value=f"{host}:{port}",
                mend="Start it, or name its host and port under policy.options.",
            ) from error
        except BaseException:
            self.close()
            raise

    def call(self, request: Any, deadline: Deadline) -> Any:
        """The answer of the endpoint `get_action`."""
        return self._endpoint("get_action", request, deadline)

    def abort(self) -> None:
        """Nothing to do: no call here waits longer than its deadline."""

    def close(self) -> None:
        """Drop the connection and whatever has not been sent."""
        self._socket.disable_monitor()
        self._context.destroy(linger=0)

    def _endpoint(self, name: str, data: Any, deadline: Deadline) -> Any:
        request: dict[str, Any] = {"endpoint": name}
        if data is not None:
            request["data"] = data
        if self._token is not None:
            request["api_token"] = self._token.reveal()
        message = pack(request, ArrayTag.GROOT)
        self._expect_connected()
        self._wait(zmq.POLLOUT, deadline)
        self._socket.send(message, zmq.NOBLOCK)
        self._wait(zmq.POLLIN, deadline)
        answer = self._socket.recv(zmq.NOBLOCK)
        self._expect_connected()
        if answer == b"ERROR":
            raise RemotePolicyError("says that it failed", field=_FIELD, mend="Look at its log.")
        value = unpack(answer)
        if isinstance(value, Mapping) and "error" in value:
            told = value["error"]
            raise RemotePolicyError("says that it failed", field=_FIELD, value=told, mend="Look at its log.")
        return value

    def _wait(self, event: int, deadline: Deadline) -> None:
        """Until something can be sent or read, or the server is gone."""
        poller = zmq.Poller()
        poller.register(self._socket, event)
        poller.register(self._watch, zmq.POLLIN)
        while True:  # a poll may come back early and with nothing
            ready = dict(poller.poll(math.ceil(deadline.left_s() * 1e3)))
            if self._socket in ready:
                return
            if self._watch in ready:
                self._expect_connected()
            if deadline.left_s() <= 0.0:
                raise deadline.missed()

    def _expect_connected(self) -> None:
        if self._watch.poll(0):
            raise RemotePolicyError(
                f"closed the connection, or sent a message of more than {MOST_ANSWER_BYTES} bytes",
                field=_FIELD,
                mend="Look at its log.",
            )
