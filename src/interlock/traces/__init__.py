"""What happened, provably: the recorder and its MCAP file, telemetry spans, and the offline report.

Reads the types of every room below it, and no room below imports it: a full disk or a dead collector never
delays a stop.
May import: `interlock.errors`, `hal`, `guards`, `policy`, `planners`.
Importing this room imports nothing else; take what you need from its modules.
"""
