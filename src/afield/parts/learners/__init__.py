"""Learners: features to an answer, and the same answer as graph."""
