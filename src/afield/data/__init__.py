"""From a source to a typed table: read, infer kinds, split, measure answers."""
