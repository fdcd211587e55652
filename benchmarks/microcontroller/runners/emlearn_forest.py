"""Runs in emlearn's environment: a forest of 100 trees of 31 leaves as C, inline or as tables, and its answers.

emlearn_forest.py DATA.npz FOLDER: features int16 [N, F] and target in, ``forest.npz``, ``inline.h``, ``tables.h`` and
emlearn's own headers out.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import emlearn
import numpy as np
from sklearn.ensemble import RandomForestRegressor


def main(data: Path, folder: Path) -> None:
    with np.load(data) as given:
        x, y = given["x"], given["y"]
    forest = RandomForestRegressor(100, max_leaf_nodes=31, random_state=0).fit(x, y)
    trees = [one.tree_ for one in forest.estimators_]
    leaves = [t.value[t.children_left < 0, 0, 0] / len(trees) for t in trees]
    np.savez(
        folder / "forest.npz",
        counts=[t.node_count for t in trees],
        left=np.concatenate([t.children_left for t in trees]),
        right=np.concatenate([t.children_right for t in trees]),
        feature=np.concatenate([t.feature for t in trees]),
        threshold=np.concatenate([t.threshold for t in trees]),
        leaves=np.concatenate(leaves),
        answers=forest.predict(x[:100]),
    )
    for name, method in (("inline", "inline"), ("tables", "loadable")):
        emlearn.convert(forest, method=method, dtype="int16_t").save(name="peer", file=str(folder / f"{name}.h"))
    for header in Path(emlearn.includedir).glob("eml_*.h"):
        shutil.copy(header, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
