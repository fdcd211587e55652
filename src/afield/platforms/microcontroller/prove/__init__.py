"""Runs emitted C: on the host's own gcc, and on emulated boards."""
