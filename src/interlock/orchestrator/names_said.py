"""Names that a policy says of itself: what it was taught, what it looks through."""

from __future__ import annotations

from interlock.errors import BadInputError

__all__ = ["names_said"]


def names_said(policy: object, attribute: str, *, of: str, example: str) -> frozenset[str]:
    """The names in one attribute of a policy; none if it does not have it.

    Args:
        policy: any policy.
        attribute: of the policy, for example "skills".
        of: what the names are of, for the error.
        example: what the attribute may be, as Python, for the error.

    Raises:
        BadInputError: if the attribute is no set of names.
    """
    names: object = getattr(policy, attribute, frozenset())
    if not isinstance(names, set | frozenset) or not all(isinstance(name, str) for name in names):
        raise BadInputError(
            f"a policy's {attribute} are a set of names of {of}",
            field=f"policy.{attribute}",
            value=names,
            mend=f"Give {example} or leave it out.",
        )
    return frozenset(names)
