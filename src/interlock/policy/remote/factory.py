"""Policies elsewhere by the protocol they speak; a package that is missing is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from interlock.errors import BadInputError
from interlock.policy.policy import PolicyContext

if TYPE_CHECKING:
    from interlock.policy.remote.remote_policy import RemotePolicy

__all__ = ["groot_policy", "openpi_policy", "starvla_policy"]


def openpi_policy(context: PolicyContext) -> RemotePolicy:
    """A policy behind openpi's websocket."""
    return _made(_openpi, context)


def starvla_policy(context: PolicyContext) -> RemotePolicy:
    """A policy behind starVLA's websocket."""
    return _made(_starvla, context)


def groot_policy(context: PolicyContext) -> RemotePolicy:
    """A policy behind Isaac-GR00T's ZeroMQ socket."""
    return _made(_groot, context)


def _made(make: Callable[[PolicyContext], RemotePolicy], context: PolicyContext) -> RemotePolicy:
    try:
        return make(context)
    except ImportError as error:
        raise BadInputError(
            f"a package is missing ({error})",
            field="policy.name",
            mend="Run: pip install 'interlock[remote]'",
        ) from error


def _openpi(context: PolicyContext) -> RemotePolicy:
    from interlock.policy.remote.openpi import OpenpiDialect
    from interlock.policy.remote.remote_policy import RemotePolicy
    from interlock.policy.remote.websocket_wire import WebsocketWire

    return RemotePolicy(context, OpenpiDialect(), WebsocketWire)


def _starvla(context: PolicyContext) -> RemotePolicy:
    from interlock.policy.remote.remote_policy import RemotePolicy
    from interlock.policy.remote.starvla import StarvlaDialect
    from interlock.policy.remote.websocket_wire import WebsocketWire

    return RemotePolicy(context, StarvlaDialect(), WebsocketWire)


def _groot(context: PolicyContext) -> RemotePolicy:
    from interlock.policy.remote.groot import GrootDialect
    from interlock.policy.remote.options import RemoteOptions
    from interlock.policy.remote.remote_policy import RemotePolicy
    from interlock.policy.remote.zmq_wire import ZmqWire

    newer = RemoteOptions.read(context.options).dialect == "n1.6"
    return RemotePolicy(
        context,
        GrootDialect(newer=newer),
        lambda host, port, token, deadline: ZmqWire(host, port, token, newer, deadline),
    )
