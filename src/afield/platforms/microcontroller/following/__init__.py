"""Follows each element of a value back to the column that it depends on, through whatever happens to it on the way.

``steps`` computes what operators do to one element, ``cells`` follows elements, ``columns`` finds the texts that count.
"""
