"""The folder that an export writes: header, source, self-test, README, and what build systems ask for.

``meaning`` names every field, value and label in C; the other modules write one kind of file each from it.
"""
