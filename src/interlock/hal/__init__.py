"""From a guarded command to the robot and back: drivers, cameras, stops, and the data the rooms meet over.

Owns the types that others exchange (embodiment, chunk, command, state, scene) and the driver protocol.
May import: `interlock.errors`. The only room that may import PyBullet; never tracing, never CVXPY.
Importing this room imports nothing else; take what you need from its modules.
"""
