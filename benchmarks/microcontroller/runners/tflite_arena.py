"""Runs in tflite-micro's environment: prints what its allocator says of one model's arena."""

from __future__ import annotations

import sys

from tflite_micro.python.tflite_micro import runtime

runtime.Interpreter.from_file(sys.argv[1]).print_allocations()
