"""Policy servers that do as they are told: right, wrong, or nothing at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import zmq
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from interlock.policy.remote.message import pack, unpack
from interlock.policy.remote.tagged_array import ArrayTag


class WebsocketStandIn:
    """Sends its metadata to each client, then lets `reply` answer each message; a server on a real socket.

    Attributes:
        metadata: what the next client is sent; bytes and text go out as they are.
        reply: given the connection and the request; what it returns is sent, None sends nothing.
        requests: every request in order.
        connections: how many clients have come.
    """

    def __init__(self, reply: Callable[[Any, Any], object], metadata: object = None) -> None:
        self.metadata: object = {} if metadata is None else metadata
        self.reply = reply
        self.requests: list[Any] = []
        self.connections = 0
        self.headers: list[Any] = []
        self._server = serve(self._client, "127.0.0.1", 0, compression=None, max_size=None, close_timeout=0.5)
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()

    def _client(self, connection: Any) -> None:
        self.connections += 1
        self.headers.append(connection.request.headers)
        try:
            _send(connection, self.metadata)
            for message in connection:
                self.requests.append(unpack(message))
                _send(connection, self.reply(connection, self.requests[-1]))
        except (ConnectionClosed, OSError):
            return


def _send(connection: Any, message: object) -> None:
    if message is not None:
        raw = isinstance(message, bytes | str)
        connection.send(message if raw else pack(message, ArrayTag.OPENPI))


class ZmqStandIn:
    """Answers endpoints; `reply` is for `get_action`.

    Attributes:
        modalities: answer to `get_modality_config`.
        reply: as above; to raise `Gone` closes the socket.
        requests: every request in order.
    """

    class Gone(Exception):
        """Close the socket and open it again on the same port."""

    def __init__(self, reply: Callable[[Any, Any], object], modalities: object) -> None:
        self.modalities = modalities
        self.reply = reply
        self.requests: list[Any] = []
        self._context = zmq.Context()
        self._over = self._context.socket(zmq.PAIR)
        self._over.bind("inproc://over")
        self._end = self._context.socket(zmq.PAIR)
        self._end.connect("inproc://over")
        self._socket = self._bind("tcp://127.0.0.1:*")
        self.port = int(self._socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._end.send(b"")
        self._thread.join()
        self._context.destroy(linger=0)

    def _bind(self, address: str) -> Any:
        socket = self._context.socket(zmq.ROUTER)
        socket.setsockopt(zmq.LINGER, 0)
        try:
            socket.bind(address)
        except zmq.ZMQError:
            socket.close()
            raise
        return socket

    def _bind_again(self) -> Any:
        """On the same port, which ZeroMQ lets go of in its own time."""
        while True:
            try:
                return self._bind(f"tcp://127.0.0.1:{self.port}")
            except zmq.ZMQError:
                self._over.poll(10)

    def _run(self) -> None:
        while True:
            poller = zmq.Poller()
            poller.register(self._socket, zmq.POLLIN)
            poller.register(self._over, zmq.POLLIN)
            if self._over in dict(poller.poll()):
                return
            client, _, message = self._socket.recv_multipart()
            try:
                answer = self._answer(unpack(message))
            except self.Gone:
                self._socket.close(linger=0)
                self._socket = self._bind_again()
                continue
            if answer is not None:
                raw = answer if isinstance(answer, bytes) else pack(answer, ArrayTag.GROOT)
                self._socket.send_multipart([client, b"", raw])

    def _answer(self, request: Any) -> object:
        self.requests.append(request)
        if request["endpoint"] == "get_modality_config":
            return self.modalities
        if request["endpoint"] == "reset":
            return {}
        return self.reply(self, request.get("data"))
