"""Looks at the data before anything is learned: one file for each finding code, run by ``registry.run_checks``."""
