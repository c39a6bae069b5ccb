"""Serves a policy of ours to robots elsewhere; no robot is moved, none is known here."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

import platformdirs

from interlock.errors import BadInputError
from interlock.orchestrator.asked_cameras import cameras_for
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.closing_policy import closing_policy
from interlock.orchestrator.taught import skills_of
from interlock.policy.policy import PolicyContext
from interlock.policy.registry import create
from interlock.policy.remote.observation_reader import ObservationReader
from interlock.policy.remote.options import is_this_machine
from interlock.policy.remote.served_policy import ServedPolicy
from interlock.policy.remote.token import Token

__all__ = ["PORTS", "ServeRequest", "Serving", "end_on_signals", "serve"]

PORTS = {"groot": 5555, "openpi": 8000}
"""The usual port of each protocol that can be served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeRequest:
    """What is asked for.

    Attributes:
        cell: whose robot the policy is for.
        policy: name of the policy.
        seed: the policy's seed, 0 or above.
        protocol: one of `PORTS`.
        host: address to listen on.
        port: port to listen on; 0 takes a free one, None the usual one.
        token_file: file that holds the token, or is to hold a new one; None for a place of its own.
    """

    cell: Cell
    policy: str
    seed: int
    protocol: str
    host: str = "127.0.0.1"
    port: int | None = None
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is served, once clients can come.

    Attributes:
        address: where, as a URL.
        port: the port.
        token: what clients must know.
        token_file: where it stands.
        fresh: whether the token is a new one.
        exposed: whether other machines can reach it.
    """

    address: str
    port: int
    token: Token
    token_file: Path
    fresh: bool
    exposed: bool


class Server(Protocol):
    """A server of one of the protocols."""

    @property
    def address(self) -> str:
        """Where it listens."""
        ...

    @property
    def port(self) -> int:
        """The port that it listens on."""
        ...

    def run(self) -> None:
        """Answer until `stop`."""
        ...

    def stop(self) -> None:
        """End `run`."""
        ...


def serve(request: ServeRequest, ready: Callable[[Serving], None], end: threading.Event) -> None:
    """Serve until `end` is set, or the server ends by itself.

    Args:
        request: what is asked for.
        ready: called once clients can come.
        end: set by whoever wants the end.

    Raises:
        BadInputError: if the policy, the token or the address cannot be used.
        StorageError: if the token's file cannot be read or written.
    """
    cell, given = request.cell, request.token_file
    fresh = given is None or _is_missing(given)
    token = Token.new() if given is None or fresh else Token.from_file(given, "token_file")
    context = PolicyContext(
        robot=cell.robot_spec(),
        embodiment=cell.embodiment(),
        seed=request.seed,
        options=cell.options_of(request.policy),
        cameras=cell.cameras(),
    )
    reader = ObservationReader(context.robot, cell.scene_objects(request.seed), context.cameras)
    policy = create(request.policy, context)
    with closing_policy(policy):
        cameras, skills = cameras_for(policy, context.cameras), skills_of(policy)
        served = ServedPolicy(policy, context.embodiment, reader, cameras, skills)
        server = _listen(request, served, token)
        thread = threading.Thread(target=_run, args=(server, end), name="policy server", daemon=True)
        thread.start()
        try:
            place = given or _default_place(request.protocol, server.port)
            if fresh:
                token.save(place, replace=given is None)
            ready(
                Serving(
                    address=server.address,
                    port=server.port,
                    token=token,
                    token_file=place,
                    fresh=fresh,
                    exposed=not is_this_machine(request.host),
                )
            )
            end.wait()
        finally:
            server.stop()
            thread.join()


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:  # why not, is said when it is read
        return False
    return False


def end_on_signals() -> threading.Event:
    """An event that Ctrl-C, SIGTERM and SIGHUP set from now on."""
    end = threading.Event()

    def caught(number: int, frame: FrameType | None) -> None:
        end.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, caught)
    return end


def _run(server: Server, end: threading.Event) -> None:
    try:
        server.run()
    finally:
        end.set()


def _listen(request: ServeRequest, served: ServedPolicy, token: Token) -> Server:
    port = PORTS[request.protocol] if request.port is None else request.port
    try:
        if request.protocol == "groot":
            from interlock.policy.remote.groot_server import GrootServer

            return GrootServer(served, token, request.host, port)
        from interlock.policy.remote.openpi_server import OpenpiServer

        return OpenpiServer(served, token, request.host, port)
    except ImportError as error:
        raise BadInputError(
            f"a package is missing ({error})", field="protocol", mend="Run: pip install 'interlock[remote]'"
        ) from error
    except OSError as error:
        raise BadInputError(
            f"nothing can listen there ({error.strerror or error})",
            field="host, port",
            value=f"{request.host}:{port}",
            mend="Choose another --port, or --port 0 for a free one.",
        ) from error


def _default_place(protocol: str, port: int) -> Path:
    folder = Path(platformdirs.user_state_dir("interlock-serve", appauthor=False))
    return folder / f"{protocol}-{port}.token"
