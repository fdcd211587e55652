"""Canonical forms, by kind of operator. Every module here is imported and registers what it knows."""
