"""Training of the learned policy: stages, batches, optimiser, resuming, curves.

Imports torch and the demonstrations on disk, and no simulator: it runs where there is neither robot nor
simulator, with `python -m interlock.policy.training`.
Importing this room imports nothing else; take what you need from its modules.
"""
