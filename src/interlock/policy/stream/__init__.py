"""Chunks in time: delay, what was really executed, real-time chunking, joining, running out.

Imports nothing by itself; `docs/policy-stream.md` shows how time works.
"""
