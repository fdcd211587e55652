"""Phones: the page as an app, what app developers build in, and the proof on arm64."""
