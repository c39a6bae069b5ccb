"""The cameras that a policy asks for, by role or by name; nothing of a simulator is needed to say which."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.errors import BadInputError
from interlock.hal.camera_spec import CameraSpec
from interlock.orchestrator.names_said import names_said
from interlock.orchestrator.nearest import nearest

__all__ = ["STALE_NS", "cameras_for", "roles_of"]

STALE_NS = 500_000_000
"""A picture older than this counts as none."""
_SLOWEST_HZ = 4.0
"""Half of what is too old is left for the picture to be made and sent."""


def roles_of(policy: object) -> frozenset[str]:
    """The roles of the cameras that a policy asks for; a policy that says nothing asks for none.

    Raises:
        BadInputError: if `roles` is no set of names.
    """
    return names_said(policy, "roles", of="cameras", example='frozenset({"base"})')


def cameras_for(
    policy: object, cameras: Iterable[CameraSpec], *, real_time: bool = False
) -> tuple[CameraSpec, ...]:
    """The cameras that a policy asks for, by role or by name, in the order of the cell.

    Args:
        policy: any policy.
        cameras: those of the cell.
        real_time: whether pictures come at the cameras' own rates; in lockstep they come when they are asked.

    Raises:
        BadInputError: if the cell has no camera of a role or a name, the policy says of them what is no set
            of names, or in real time a camera takes pictures so seldom that they would be too old.
    """
    all_of_them = tuple(cameras)
    roles = roles_of(policy)
    names = names_said(policy, "cameras", of="cameras", example='frozenset({"above"})')
    _require(roles, {camera.role for camera in all_of_them if camera.role}, "role")
    _require(names, {camera.name for camera in all_of_them}, "name")
    wanted = tuple(camera for camera in all_of_them if camera.role in roles or camera.name in names)
    for camera in wanted:
        if real_time and camera.rate_hz < _SLOWEST_HZ:
            raise BadInputError(
                f"its pictures would be older than {1e-9 * STALE_NS} s before the next one comes",
                field=f"cameras.{camera.name}.rate_hz",
                value=camera.rate_hz,
                mend=f"A policy that looks in real time wants {_SLOWEST_HZ:g} or more.",
            )
    return wanted


def _require(asked: frozenset[str], known: set[str], what: str) -> None:
    missing = sorted(asked - known)
    if missing:
        raise BadInputError(
            f"the cell has no camera of this {what}",
            field="policy.roles" if what == "role" else "policy.cameras",
            value=missing[0],
            mend=f"Give a camera of the cell this {what}. {nearest(missing[0], known)}",
        )
