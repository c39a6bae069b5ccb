"""From a goal in words to a checked plan: the skill library, the parser, the search and the plan validator.

Reachability is asked of a callable that the caller hands in, so this room knows no robot and no kinematics.
May import: `interlock.errors`, and no other room.
Importing this room imports nothing else; take what you need from its modules.
"""
