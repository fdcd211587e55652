"""The model file: its metadata, self-test, loading, predicting, verifying. Needs numpy and onnxruntime only."""
