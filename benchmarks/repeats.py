"""Do repeated folds pay: the same learners on 8 folds once, twice and three times, judged on rows kept apart.

    python benchmarks/repeats.py ../shared/data/tabular hepatitis penguins vehicle

LightGBM and CatBoost with early stopping, the mean of all fold models; four seeded splits of a quarter of the rows.
Prints the mean loss (log loss, or root mean squared error) and what two and three rounds of folds change.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from catboost import CatBoostClassifier, CatBoostRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from tables import Entry, entries

FOLDS, ROUNDS, SPLITS = 8, 3, 4


def load(entry: Entry) -> tuple[np.ndarray, np.ndarray, bool]:
    frame = pd.read_csv(entry.file).dropna(subset=[entry.target])
    target, regression = frame[entry.target], entry.task == "regression"
    features = frame.drop(columns=[entry.target, *entry.ignore])
    for name in features:
        if features[name].dtype.kind not in "if":
            features[name] = pd.factorize(features[name])[0].astype(float)
    return features.to_numpy(float), target.to_numpy(float) if regression else pd.factorize(target)[0], regression


def boosted(x, y, held, truth, classes: int, seed: int):
    objective = {0: {"objective": "l2"}, 2: {"objective": "binary"}}
    parameters = {
        "learning_rate": 0.05, "num_leaves": 15, "min_child_samples": 5, "feature_fraction": 0.7, "verbosity": -1,
        "num_threads": 1, "seed": seed, **objective.get(classes, {"objective": "multiclass", "num_class": classes}),
    }  # fmt: skip
    data = lightgbm.Dataset(x, y)
    valid = lightgbm.Dataset(held, truth, reference=data)
    stop = [lightgbm.early_stopping(30, verbose=False)]
    booster = lightgbm.train(parameters, data, 400, valid_sets=[valid], callbacks=stop)

    def answer(rows):
        raw = booster.predict(rows, num_threads=1)
        return np.c_[1 - raw, raw] if classes == 2 else raw

    return answer


def oblivious(x, y, held, truth, classes: int, seed: int):
    model = (CatBoostClassifier if classes else CatBoostRegressor)(
        iterations=500, learning_rate=0.1, depth=5, rsm=0.4 if x.shape[1] > 4 else 1, thread_count=1, random_seed=seed,
        verbose=0, allow_writing_files=False, early_stopping_rounds=30,
    )  # fmt: skip
    model.fit(x, y, eval_set=(held, truth))
    return model.predict_proba if classes else model.predict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("tables", nargs="+")
    asked = parser.parse_args()
    for entry in (e for e in entries(asked.folder) if e.name in asked.tables):
        x, y, regression = load(entry)
        classes = 0 if regression else len(np.unique(y))
        losses = []
        for seed in range(SPLITS):
            parts = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=None if regression else y)
            rounds = [answers(*parts, classes, seed, r) for r in range(ROUNDS)]
            blends = [np.mean(rounds[: r + 1], axis=0) for r in range(ROUNDS)]
            losses.append([loss(parts[3], blend, classes) for blend in blends])
        mean = np.mean(losses, axis=0)
        change = 100 * (np.mean(np.array(losses)[:, 1:] / np.array(losses)[:, :1], axis=0) - 1)
        print(f"{entry.name}: {mean[0]:.5g}; twice {change[0]:+.2f} %, three times {change[1]:+.2f} %", flush=True)


def answers(x, test, y, _, classes: int, seed: int, number: int) -> np.ndarray:
    kind = StratifiedKFold if classes else KFold
    folds = kind(FOLDS, shuffle=True, random_state=100 * seed + number)
    fits = (boosted, oblivious)
    return np.mean(
        [f(x[a], y[a], x[v], y[v], classes, number)(test) for a, v in folds.split(x, y) for f in fits], axis=0
    )


def loss(truth, found, classes: int) -> float:
    if not classes:
        return float(np.sqrt(np.mean((found - truth) ** 2)))
    return float(log_loss(truth, np.clip(found, 1e-6, 1), labels=list(range(classes))))


if __name__ == "__main__":
    main()
