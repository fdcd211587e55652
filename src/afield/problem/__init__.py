"""What is asked and what the columns mean: frozen, serialisable, no arrays."""
