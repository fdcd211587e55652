"""Browsers: one page that works by double-click, an app that installs, or an ES module, on onnxruntime's wasm build."""
