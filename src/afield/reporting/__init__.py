"""Card and report."""
