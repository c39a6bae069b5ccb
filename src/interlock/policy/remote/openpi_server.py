"""Serves one of our policies as an openpi server does."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.sync.server import serve

from interlock.errors import InterlockError
from interlock.policy.remote.message import MOST_BYTES, pack, unpack
from interlock.policy.remote.native import OPENPI_KEYS, SECTION
from interlock.policy.remote.served_policy import ServedPolicy
from interlock.policy.remote.tagged_array import ArrayTag
from interlock.policy.remote.token import Token

__all__ = ["OpenpiServer"]

_TOKEN = "Api-Key "
_PATIENCE_S = 0.5  # a client that comes again may be faster than the news that it has gone
_LOG = logging.getLogger("interlock.policy.remote")
_LOG.addHandler(logging.NullHandler())  # whoever knocks wrongly fills no terminal


class OpenpiServer:
    """Listens from when it is made; `run` answers until `stop`.

    A client without the token gets HTTP 401. A second one is told that the policy is taken. A fault ends the
    connection with one line of text, as these clients expect it.

    Args:
        served: the policy.
        token: what clients must know.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.

    Raises:
        OSError: if nothing can listen there.
    """

    def __init__(self, served: ServedPolicy, token: Token, host: str, port: int) -> None:
        self._served = served
        self._token = token
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server: Any = serve(
            self._client,
            sock=socket.create_server((host, port), family=family),
            process_request=self._admit,
            compression=None,
            max_size=MOST_BYTES,
            max_queue=2,
            close_timeout=1.0,
            logger=_LOG,
        )

    @property
    def address(self) -> str:
        """Where it listens."""
        host, port = self._server.socket.getsockname()[:2]
        return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.socket.getsockname()[1])

    def run(self) -> None:
        """Answer until `stop`."""
        self._server.serve_forever()

    def stop(self) -> None:
        """Close every connection and listen no more; any thread may say so."""
        self._server.shutdown()

    def _admit(self, connection: Any, request: Any) -> Any:
        """An answer in place of the handshake, or None to go on with it."""
        if request.path == "/healthz":
            return connection.respond(HTTPStatus.OK, "OK\n")
        given = request.headers.get_all("Authorization")
        if len(given) == 1 and given[0].startswith(_TOKEN) and self._token.matches(given[0][len(_TOKEN) :]):
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "Send the header Authorization: Api-Key TOKEN.\n")

    def _client(self, connection: Any) -> None:
        try:
            if not self._served.take(_PATIENCE_S):
                _end(connection, CloseCode.TRY_AGAIN_LATER, "the policy is taken by another client")
                return
        except Exception as error:  # the policy cannot be reset
            _end(connection, CloseCode.INTERNAL_ERROR, f"{type(error).__name__}: {error}")
            return
        why = ""
        try:
            connection.send(pack({SECTION: self._served.describe()}, ArrayTag.OPENPI))
            for message in connection:
                connection.send(pack(self._answer(unpack(message)), ArrayTag.OPENPI))
        except ConnectionClosed:
            pass
        except InterlockError as error:
            why = error.message
        finally:
            self._served.leave()  # first: whoever is told that it has ended may come again at once
        if why:
            _end(connection, CloseCode.UNSUPPORTED_DATA, why)

    def _answer(self, request: Any) -> dict[str, Any]:
        began_ns = time.monotonic_ns()
        states, pictures, rest = _sorted(request if isinstance(request, Mapping) else {"": request})
        prompt, more = rest.pop(OPENPI_KEYS.prompt, None), rest.pop(SECTION, None)
        states |= rest  # whatever else there is is refused by its name
        actions = self._served.answer(states, pictures, prompt, more)
        took_ms = (time.monotonic_ns() - began_ns) * 1e-6
        return {OPENPI_KEYS.arm: actions, "server_timing": {"infer_ms": took_ms}}


def _sorted(request: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Measured values and pictures by name, and the rest."""
    states, pictures, rest = {}, {}, {}
    for key, value in request.items():
        if key.startswith(OPENPI_KEYS.state):
            states[key.removeprefix(OPENPI_KEYS.state)] = value
        elif key.startswith(OPENPI_KEYS.picture):
            pictures[key.removeprefix(OPENPI_KEYS.picture)] = value
        else:
            rest[key] = value
    return states, pictures, rest


def _end(connection: Any, code: CloseCode, why: str) -> None:
    try:
        connection.send(why)
        connection.close(code, why[:80])
    except ConnectionClosed:
        return
