"""Policies that run elsewhere, and our own served to others: openpi, Isaac-GR00T, starVLA.

Every byte that comes in is a stranger's: bounded, typed and finite before anything looks at it, and never a
pickle. A connection lives on a thread of its own; whoever asks waits no longer than the declared deadline.
May import: what `interlock.policy` may, and websockets, msgpack and pyzmq, each only where it is spoken.
"""
