"""Reusable pieces with typed inputs and outputs: encoders (columns to features) and learners (features to answer)."""
