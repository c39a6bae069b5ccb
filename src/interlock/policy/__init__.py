"""From a task and an observation to an action chunk: the expert, recorded and hostile policies, learned ones.

A policy sees only what an observation holds, and whatever it says is a proposal.
May import: `interlock.errors` and the data types of `interlock.hal`. The only room that may import torch.
Importing this room imports nothing else; take what you need from its modules.
"""
