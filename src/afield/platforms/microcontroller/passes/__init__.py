"""Rewrites of the graph, each a function from graph to graph that keeps what the network computes."""
