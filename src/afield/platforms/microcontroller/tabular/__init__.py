"""Rows of a table: columns become one array of numbers and one of codes, strings are gone, doubles become floats.

``gathering`` makes the two inputs, ``lowering`` rewrites the graph, ``precision`` settles what is computed in float32
and what is not, ``compile`` is the whole way from a file to C.
"""
