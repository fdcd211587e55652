"""Runs in m2cgen's environment: LightGBM's 100 trees of 31 leaves as C.

m2cgen_boosted.py DATA.npz FOLDER: features float32 [N, F] and target in, ``score.h``, ``booster.txt`` and
``answers.npy`` out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import lightgbm
import m2cgen
import numpy as np


def main(data: Path, folder: Path) -> None:
    with np.load(data) as given:
        x, y = given["x"], given["y"]
    model = lightgbm.LGBMRegressor(n_estimators=100, num_leaves=31, verbose=-1, n_jobs=1, random_state=0).fit(x, y)
    (folder / "score.h").write_text(m2cgen.export_to_c(model), encoding="utf-8")
    (folder / "booster.txt").write_text(model.booster_.model_to_string(), encoding="utf-8")
    np.save(folder / "answers.npy", model.booster_.predict(x[:100]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
