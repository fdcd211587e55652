"""Python with onnxruntime: the platform that every model runs on."""

from afield.platforms.python.platform import PythonOptions, PythonPlatform

platform = PythonPlatform()

__all__ = ["PythonOptions", "PythonPlatform", "platform"]
