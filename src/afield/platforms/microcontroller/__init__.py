"""Microcontrollers: a compiler from an ONNX file to dependency-free C99, and the proof that its code is right.

``reading`` makes a small typed graph (``ir``) of the file; ``passes`` rewrite it; ``operators`` and ``ops`` know what
each operator supports, costs and looks like in C; ``plan`` places every value in one arena; ``emission`` writes the
text; ``prove`` compiles and runs it on the host and on emulated boards. ``compiler`` is the way through all of them.
"""
