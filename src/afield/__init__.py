"""afield."""
