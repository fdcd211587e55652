"""Encoders: columns of one kind to features, as graph."""
