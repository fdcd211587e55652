"""A small neural network beside trees: fitted by torch, lowered to plain ONNX."""
