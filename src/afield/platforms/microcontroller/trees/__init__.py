"""Trees: read from every form that ONNX has, their questions turned into ranks of features, and laid out for C.

A feature's rank is the number of thresholds that lie below it, so a node compares two small integers. ``forest`` is the
common form, ``reading`` and ``oblivious`` make it of a graph, ``ranks`` ranks the features, ``packing`` lays nodes out.
"""
