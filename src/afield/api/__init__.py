"""One file per use case: a typed request in, a result and a stream of events out."""
