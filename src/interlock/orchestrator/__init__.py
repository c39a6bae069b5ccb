"""Joins the rooms: the cell file becomes objects, the tick runs, the operator sees an outcome.

Start reading at `loop.py`. `drive.py` is the main of the process that owns a robot and may import neither
`interlock.traces` nor torch, not even through another module.
May import: every other room.
Importing this room imports nothing else; take what you need from its modules.
"""
