"""A websocket to an openpi or starVLA server."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import connect

from interlock.errors import RemotePolicyError
from interlock.policy.remote.deadline import Deadline
from interlock.policy.remote.message import pack, unpack
from interlock.policy.remote.tagged_array import ArrayTag
from interlock.policy.remote.token import Token
from interlock.policy.remote.wire import MOST_ANSWER_BYTES

__all__ = ["WebsocketWire"]

_FIELD = "policy server"


class WebsocketWire:
    """Implements `Wire`: the server speaks first, then answers each binary frame with one.

    Args:
        host: where the server is.
        port: its port.
        token: sent as `Authorization: Api-Key …`, or None.
        deadline: for the connection and the server's first message.

    Raises:
        RemotePolicyError: if it cannot be reached, refuses the token, or does not say what it is.
    """

    def __init__(self, host: str, port: int, token: Token | None, deadline: Deadline) -> None:
        self._exit = ExitStack()
        try:
            self._socket = socket.create_connection((host, port), timeout=max(deadline.left_s(), 1e-3))
            self._exit.callback(self._socket.close)
            self._connection: Any = self._exit.enter_context(self._opening(host, port, token, deadline))
        except InvalidStatus as error:
            self._exit.close()
            raise _refused(error.response.status_code) from error
        except TimeoutError as error:
            self._exit.close()
            raise deadline.missed() from error
        except Exception as error:  # whatever a stranger makes of a handshake
            self._exit.close()
            raise RemotePolicyError(
                f"cannot be reached ({error})",
                field=_FIELD,
                value=f"{host}:{port}",
                mend="Start it, or name its host and port under policy.options.",
            ) from error
        try:
            self.metadata: Any = self._receive(deadline)
        except BaseException:
            self.close()
            raise

    def call(self, request: Any, deadline: Deadline) -> Any:
        """The answer to a request; a server that has said something unasked is refused."""
        data = pack(request, ArrayTag.OPENPI)
        self._expect_silence()
        try:
            self._connection.send(data)
        except (OSError, WebSocketException) as error:
            raise self._lost(error, deadline) from error
        return self._receive(deadline)

    def abort(self) -> None:
        """Cut the connection, which ends a send that does not go forward."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cut the connection."""
        self.abort()
        with suppress(OSError, WebSocketException):
            self._exit.close()

    def _opening(self, host: str, port: int, token: Token | None, deadline: Deadline) -> Any:
        headers = {} if token is None else {"Authorization": f"Api-Key {token.reveal()}"}
        return connect(
            f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}",
            sock=self._socket,  # ours: the library would follow a redirection, and take the token along
            additional_headers=headers,
            compression=None,
            max_size=MOST_ANSWER_BYTES,
            max_queue=2,
            open_timeout=max(deadline.left_s(), 1e-3),
            ping_interval=None,  # a server that thinks for long does not answer pings
            close_timeout=0.0,
            proxy=None,  # what the environment names would see every picture
        )

    def _receive(self, deadline: Deadline) -> Any:
        try:
            message = self._connection.recv(timeout=deadline.left_s())
        except TimeoutError as error:
            raise deadline.missed() from error
        except (OSError, WebSocketException) as error:
            raise self._lost(error, deadline) from error
        if isinstance(message, str):  # how these servers report their own faults: a traceback
            last = (message.strip().splitlines() or [""])[-1]
            raise RemotePolicyError(
                "sent text, not an answer", field=_FIELD, value=last, mend="Look at its log."
            )
        return unpack(message)

    def _expect_silence(self) -> None:
        """An answer to no question would be taken for the answer to the next one."""
        try:
            self._connection.recv(timeout=0)
        except TimeoutError:
            return
        except (OSError, WebSocketException) as error:
            raise self._lost(error, None) from error
        raise RemotePolicyError("said something that nobody asked for", field=_FIELD, mend="Look at its log.")

    def _lost(self, error: Exception, deadline: Deadline | None) -> RemotePolicyError:
        if deadline is not None and deadline.left_s() == 0.0:
            return deadline.missed()
        if isinstance(error, ConnectionClosed) and error.sent is not None and error.sent.code == 1009:
            what = f"sent a message of more than {MOST_ANSWER_BYTES} bytes"
        elif isinstance(error, ConnectionClosed) and error.rcvd is not None and error.rcvd.reason:
            what = f"closed the connection ({error.rcvd.reason})"
        else:
            what = "closed the connection"
        return RemotePolicyError(what, field=_FIELD, mend="Look at its log.")


def _refused(status: int) -> RemotePolicyError:
    if status in (401, 403):
        return RemotePolicyError(
            "refuses the token",
            field=_FIELD,
            value=f"HTTP {status}",
            mend="Name the right one: policy.options.token_file, or the variable that token_env names.",
        )
    return RemotePolicyError(
        "refuses the connection", field=_FIELD, value=f"HTTP {status}", mend="Look at its log."
    )
