"""A policy that runs elsewhere, as one of ours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from interlock.errors import BadInputError
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.provenance import CODE
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.remote.action_map import ActionMap
from interlock.policy.remote.deadline import Deadline
from interlock.policy.remote.dialect import Dialect
from interlock.policy.remote.handshake import Handshake, digest
from interlock.policy.remote.line import Line
from interlock.policy.remote.native import OPENPI_KEYS, SECTION, NativeMap
from interlock.policy.remote.observation_map import ObservationMap
from interlock.policy.remote.options import RemoteOptions
from interlock.policy.remote.token import Token
from interlock.policy.remote.told import Told
from interlock.policy.remote.wire import Wire

__all__ = ["RemotePolicy"]

_VERSION = "1"


class RemotePolicy:
    """Asks a server for each chunk, with a hard deadline, and believes nothing it says.

    A question that is not answered in time, or not as agreed, raises; the next one finds the line being
    connected anew, on a thread of its own, and raises at once until it is. A server that says something else
    of itself than at the start is refused for the rest of the run.

    Args:
        context: what it is built from; the options are those of docs/remote.md.
        dialect: the server's messages.
        open_wire: connects to (host, port) with a token by a deadline.

    Attributes:
        cameras: names of the cell's cameras that the map names, or that the other Interlock's policy looks
            through.
        skills: what the other Interlock's policy was taught; of another server nobody knows.

    Raises:
        BadInputError: for options that cannot be used, or maps that do not fit the body or the cameras.
        RemotePolicyError: if the server cannot be reached, or says of itself what does not fit.
    """

    def __init__(
        self,
        context: PolicyContext,
        dialect: Dialect,
        open_wire: Callable[[str, int, Token | None, Deadline], Wire],
    ) -> None:
        options = RemoteOptions.read(context.options)
        self.name = dialect.name
        self._dialect = dialect
        self._embodiment = context.embodiment
        told, native = _maps(context, options, dialect)
        self._tell: Callable[[Observation], Told] = native.tell if told is None else told.tell
        section = options.actions or native.actions(context.embodiment)
        self._actions = ActionMap(context.robot, context.embodiment, section)
        handshake = Handshake(context.embodiment, context.cameras, options.metadata, told, self._actions)
        token = Token.chosen(options.token_file, options.token_env)
        port = dialect.port if options.port is None else options.port
        modalities = dialect.name == "groot"
        self._line = Line(
            lambda deadline: open_wire(options.host, port, token, deadline),
            lambda metadata: handshake.check(metadata, modalities=modalities),
            deadline_s=options.deadline_s,
            connect_s=options.connect_s,
        )
        self._line.start()
        said: Mapping[str, Any] = self._line.metadata.get(SECTION, {})
        self.cameras = frozenset(said["cameras"]) if told is None else told.cameras
        self.skills = frozenset(said.get("skills", ()))
        settings = json.dumps(dict(context.options), sort_keys=True, default=str) + digest(
            self._line.metadata
        )
        self._provenance = Provenance(
            policy=self.name,
            version=f"{_VERSION} over {dialect.name} from {options.host}:{port}",
            config_sha256=hashlib.sha256(settings.encode()).hexdigest(),
            seed=context.seed,
            code=CODE,
            transport=dialect.name,
        )
        self._may_wait = told is None
        self._seq = 0

    def reset(self) -> None:
        """Begin a new episode, over a new connection.

        Raises:
            RemotePolicyError: if that cannot be made.
        """
        self._line.renew()
        self._seq = 0

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The server's chunk for this observation, or None if another Interlock says to wait.

        Raises:
            RemotePolicyError: if there is none by the deadline, or one that may not be used.
        """
        told = self._tell(observation)
        request = self._dialect.request(told)
        arrays = self._dialect.arrays(self._line.ask(request))
        if self._may_wait and all(_is_empty(arrays.get(key)) for key in self._actions.widths):
            return None
        chunk = ActionChunk(
            seq=self._seq,
            embodiment=self._embodiment.fingerprint,
            samples=self._actions.read(arrays, observation.state),
            t_obs_ns=observation.stamp_ns,
            t_ready_ns=observation.stamp_ns,
            t0_ns=observation.stamp_ns,
            dt_s=1.0 / self._embodiment.rate_hz,
            provenance=replace(self._provenance, prompt_sha256=told.prompt_sha256),
            anchor=self._actions.anchor(observation.state),
        )
        self._seq += 1
        return chunk

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()


def _maps(
    context: PolicyContext, options: RemoteOptions, dialect: Dialect
) -> tuple[ObservationMap | None, NativeMap]:
    """The cell's own map of what goes in, or None, and Interlock's, which is used then."""
    keys = dialect.native
    if options.observation is not None:
        told = ObservationMap(context.robot, options.observation, options.extra)
        told.check_sizes(context.cameras)
        return told, NativeMap(keys or OPENPI_KEYS)
    if keys is None:
        raise BadInputError(
            f"{dialect.name} needs a map of what goes in and what comes back",
            field="policy.options",
            mend="Give observation and actions; docs/remote.md has an example.",
        )
    return None, NativeMap(keys)


def _is_empty(value: Any) -> bool:
    return isinstance(value, np.ndarray) and len(value) == 0 and value.ndim == 2
