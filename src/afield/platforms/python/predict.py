"""Answer rows with onnxruntime alone: python predict.py '{"column": value, ...}', or a list of such rows on stdin."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

ARRAYS = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}  # pictures [height][width][3]; sounds [samples]
session = onnxruntime.InferenceSession(Path(__file__).with_name("model.onnx"))
given = json.loads(sys.argv[1] if len(sys.argv) > 1 else sys.stdin.read())
rows = given if isinstance(given, list) else [given]

feed = {}
for column in session.get_inputs():  # one input per column; None is a missing value
    if lacking := [number for number, row in enumerate(rows, start=1) if column.name not in row]:
        sys.exit(f"row {lacking[0]} lacks the column {column.name!r}")
    values = [row[column.name] for row in rows]
    if column.type == "tensor(double)":
        feed[column.name] = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    elif column.type in ARRAYS:
        feed[column.name] = np.array(values, dtype=ARRAYS[column.type])
    else:
        feed[column.name] = np.array(["" if v is None else str(v) for v in values], dtype=object)

names = [output.name for output in session.get_outputs()]
for answer in zip(*session.run(names, feed), strict=True):
    print(json.dumps({n: v.tolist() if hasattr(v, "tolist") else v for n, v in zip(names, answer, strict=True)}))
