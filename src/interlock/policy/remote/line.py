"""A connection that is kept up by a thread of its own, so that whoever asks never waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from interlock.errors import RemotePolicyError
from interlock.policy.remote.deadline import Deadline
from interlock.policy.remote.handshake import digest
from interlock.policy.remote.wire import OpenWire, Wire

__all__ = ["Line"]

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_FIELD = "policy server"
_MORE_TIME = "Look at the server, or give it more time: policy.options.connect_s."


class State(Enum):
    """What can be asked of a line."""

    CONNECTING = auto()
    READY = auto()
    REFUSED = auto()  # for good: the server is not the one that was agreed on
    CLOSED = auto()


class Line:
    """Opens a wire, asks over it, and opens it anew when it is lost, with longer and longer pauses.

    Args:
        open_wire: connects; called on the line's thread alone.
        check: judges what the server says of itself; raises what is wrong.
        deadline_s: no answer is waited for longer, [s].
        connect_s: nor is a connection, [s].
    """

    def __init__(
        self, open_wire: OpenWire, check: Callable[[Any], None], *, deadline_s: float, connect_s: float
    ) -> None:
        self._open_wire = open_wire
        self._check = check
        self._deadline_s = deadline_s
        self._connect_s = connect_s
        self._changed = threading.Condition()
        self._state = State.CONNECTING
        self._why = RemotePolicyError("is not connected yet", field=_FIELD, mend=_MORE_TIME)
        self._wire: Wire | None = None
        self._agreed = ""
        self._question: tuple[int, Any, Deadline] | None = None
        self._answer: tuple[int, Any] | None = None
        self._ticket = 0
        self._used = False
        self._failures = 0
        self.metadata: Any = None
        self._thread = threading.Thread(target=self._run, name="policy line", daemon=True)

    def start(self) -> None:
        """Connect for the first time; what fails then is not tried again.

        Raises:
            RemotePolicyError: if that fails, or the server is refused; the line is closed then.
        """
        self._thread.start()
        try:
            self._await_ready(at_once=True)
        except RemotePolicyError:
            self.close()
            raise

    def ask(self, request: Any) -> Any:
        """The answer to a request, waited for no longer than the deadline.

        Raises:
            RemotePolicyError: if there is no connection, or no answer in time, or one that cannot be read.
        """
        deadline = Deadline(self._deadline_s)
        with self._changed:
            if not self._ready():
                raise _afresh(self._why)
            self._used = True
            self._ticket += 1
            ticket = self._ticket
            self._question, self._answer = (ticket, request, deadline), None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answered(ticket), deadline.left_s())
            if not self._answered(ticket):
                self._state, self._why, self._question = State.CONNECTING, deadline.missed(), None
                if self._wire is not None:
                    self._wire.abort()
                raise _afresh(self._why)
            answer = self._taken()
        if isinstance(answer, RemotePolicyError):
            raise _afresh(answer)
        return answer

    def renew(self) -> None:
        """Begin a new episode: a new connection, unless the one there is has not been used yet.

        Raises:
            RemotePolicyError: if it cannot be made.
        """
        with self._changed:
            if self._state is State.READY and self._used:
                self._state = State.CONNECTING
                self._why = RemotePolicyError("is being connected anew", field=_FIELD, mend=_MORE_TIME)
                self._changed.notify_all()
        self._await_ready()

    def close(self) -> None:
        """Let go of the connection and end the thread."""
        with self._changed:
            self._state = State.CLOSED
            self._why = RemotePolicyError("is no longer asked", field=_FIELD, mend="Start the run again.")
            if self._wire is not None:
                self._wire.abort()
            self._changed.notify_all()
        self._thread.join(timeout=self._connect_s)

    def _ready(self) -> bool:
        return self._state is State.READY

    def _taken(self) -> Any:
        return self._why if self._answer is None else self._answer[1]

    def _answered(self, ticket: int) -> bool:
        return (self._answer is not None and self._answer[0] == ticket) or self._state is State.CLOSED

    def _await_ready(self, *, at_once: bool = False) -> None:
        deadline = Deadline(self._connect_s)
        with self._changed:
            self._changed.wait_for(
                lambda: self._ready() or self._over() or (at_once and self._failures > 0), deadline.left_s()
            )
            if not self._ready():
                raise _afresh(self._why)

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._over():
            try:
                wire = self._open_wire(Deadline(self._connect_s))
            except Exception as error:
                self._failed(error)
                with self._changed:
                    self._changed.wait_for(self._over, pause_s)
                pause_s = min(2.0 * pause_s, _LONGEST_PAUSE_S)
                continue
            try:
                if self._admit(wire):
                    pause_s = _FIRST_PAUSE_S
                    self._serve(wire)
            finally:
                with self._changed:
                    self._wire = None
                wire.close()

    def _over(self) -> bool:
        return self._state in (State.REFUSED, State.CLOSED)

    def _failed(self, error: Exception) -> None:
        with self._changed:
            self._failures += 1
            if not self._over():
                self._state, self._why = State.CONNECTING, _told(error)
            self._changed.notify_all()

    def _admit(self, wire: Wire) -> bool:
        """Whether the server is the one that was agreed on; if not, it is refused until a restart."""
        try:
            said = digest(wire.metadata)
            if self._agreed and said != self._agreed:
                raise RemotePolicyError(
                    "says something else of itself than when the run began",
                    field="policy server's metadata",
                    mend="Start the run again to use what it is now.",
                )
            self._check(wire.metadata)
        except Exception as error:
            with self._changed:
                if self._state is not State.CLOSED:
                    self._state, self._why = State.REFUSED, _told(error)
                self._changed.notify_all()
            return False
        with self._changed:
            if self._state is State.CLOSED:
                return False
            self._agreed, self.metadata = said, wire.metadata
            # An answer stays: whoever asked over the last wire may not have come round to reading it. A
            # question that the last wire was not asked any more will be the first that this one is asked.
            self._used = self._question is not None
            self._wire, self._state = wire, State.READY
            self._changed.notify_all()
        return True

    def _serve(self, wire: Wire) -> None:
        """Answer questions until the wire or the need for it ends."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._question is not None or not self._ready())
                if self._question is None or not self._ready():
                    return
                ticket, request, deadline = self._question
                self._question = None
            try:
                answer = wire.call(request, deadline)
            except Exception as error:
                answer = _told(error)
            with self._changed:
                self._answer = (ticket, answer)
                self._changed.notify_all()
                if not self._ready():
                    return
                if isinstance(answer, RemotePolicyError):
                    self._state, self._why = State.CONNECTING, answer
                    return


def _told(error: Exception) -> RemotePolicyError:
    if isinstance(error, RemotePolicyError):
        return error
    return RemotePolicyError(
        f"failed ({type(error).__name__}: {error})", field=_FIELD, mend="Look at its log."
    )


def _afresh(error: RemotePolicyError) -> RemotePolicyError:
    """The same to raise again: one that is raised for ever would keep every frame it passed."""
    return RemotePolicyError(error.what, field=error.field, value=error.value, mend=error.mend)
