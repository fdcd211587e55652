"""Propose, evaluate, stop, combine. Sees parts and engines through protocols and the registry only."""
