"""The ONNX profile: building graphs, allowed operators, trees, cost, checking."""
