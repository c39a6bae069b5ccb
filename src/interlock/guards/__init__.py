"""From a proposal to a guarded command, or to a verdict that says why not.

The solver proposes a correction; a separate verifier without a solver decides, between samples and along the
stop that follows. `gate.py` alone mints commands.
May import: `interlock.errors` and the data types of `interlock.hal`. The only room that may import CVXPY;
never tracing, never a policy. Importing this room imports nothing else; take what you need from its modules.
"""
