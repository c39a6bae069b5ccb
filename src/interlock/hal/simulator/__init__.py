"""The simulated robot: PyBullet behind the driver protocol, its scene, its cameras, and a referee.

Imports `interlock.errors`, the data types of `interlock.hal`, numpy and PyBullet (Linux, Python 3.11 only).
Import the modules by name: this package loads nothing by itself, so it can be named where PyBullet is
missing.
"""
