"""Demonstrations on disk: LeRobotDataset v3.0 with our own record beside it, written and read.

May import: `interlock.errors`, the data types of `interlock.hal`, numpy, pyarrow, pillow; no torch, no
simulator. Importing this room imports nothing else; take what you need from its modules.
"""
