"""Public conformance kits: what every encoder, learner and engine must hold."""
