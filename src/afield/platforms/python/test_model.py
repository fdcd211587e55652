"""Run the samples inside model.onnx and compare with the answers inside it: python -m unittest, or pytest."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import onnxruntime

HERE = Path(__file__).parent
SESSION = onnxruntime.InferenceSession(HERE / "model.onnx")
STORED = json.loads(SESSION.get_modelmeta().custom_metadata_map["afield.selftest"])
KEYS = {"label": "labels"}  # an output's answers, where they are stored under another name
TYPES = {"tensor(double)": np.float64, "tensor(string)": object}
COLUMNS = {column.name: TYPES[column.type] for column in SESSION.get_inputs()}


class SelfTest(unittest.TestCase):
    """The file's own samples."""

    def test_answers(self) -> None:
        """Every answer is the one that is stored."""
        feed = {name: np.array(STORED["inputs"][name], dtype=kind) for name, kind in COLUMNS.items()}
        for name, found in zip([o.name for o in SESSION.get_outputs()], SESSION.run(None, feed), strict=True):
            wanted = np.array(STORED[KEYS.get(name, name)], dtype=found.dtype)
            if found.dtype == object:
                np.testing.assert_array_equal(found, wanted, err_msg=name)
            else:
                allowed = STORED["tolerance"] * max(1.0, STORED["scale"])
                np.testing.assert_allclose(found, wanted, rtol=STORED["tolerance"], atol=allowed, err_msg=name)

    def test_script(self) -> None:
        """The script answers a row."""
        row = json.dumps({name: STORED["inputs"][name][0] for name in COLUMNS})
        done = subprocess.run(  # noqa: S603 - the script beside this file
            [sys.executable, HERE / "predict.py", row], capture_output=True, text=True, check=True
        )
        self.assertEqual(set(json.loads(done.stdout)), {o.name for o in SESSION.get_outputs()})  # noqa: PT009


if __name__ == "__main__":
    unittest.main()
