"""From the bytes of an ONNX file to the compiler's graph: parse, type, fold, and one form for ONNX's versions."""
