"""The proof on arm64, the instruction set of phones."""
