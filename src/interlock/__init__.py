"""Interlock: a learned policy moves the robot only while it has been shown that the robot can still stop.

Six rooms, one per step of the way from a goal in words to a moving robot: `planners`, `policy`, `guards`,
`hal`, `traces`, and `orchestrator`, which joins them. Importing this package imports none of them, so that
one room, most often `interlock.guards`, can sit inside another project without the others.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
