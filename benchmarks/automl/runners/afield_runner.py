"""Afield: it reads the file itself, and the answer needs nothing but the file that it wrote."""

from __future__ import annotations

import os
from typing import ClassVar

from protocol import Runner, main, timed


class Afield(Runner):
    libraries = ("afield", "onnx", "onnxruntime", "lightgbm", "scikit-learn", "numpy", "pandas")
    metrics: ClassVar[dict[str, str]] = {"auc": "roc_auc", "log_loss": "log_loss", "rmse": "rmse"}

    def imports(self):
        import afield

        self.afield = afield
        os.environ["AFIELD_HOME"] = str(self.folder / "home")

    def read(self, part):
        import pandas as pd

        if part == "train":
            return None  # reading is part of its fit, and of its budget
        rows = pd.read_csv(self.job["files"][f"raw_{part}"], dtype=str, keep_default_na=False)
        return rows.drop(columns=self.job["files"]["raw_target"])

    def fit(self, train):
        files = self.job["files"]
        self.fitted = self.afield.fit(
            files["raw_train"],
            target=files["raw_target"],
            task=self.task,
            metric=self.metric,
            minutes=self.budget_s / 60,
            jobs=self.cores,
            seed=self.seed,
            out=self.model / "model.onnx",
            progress=False,
        )

    def save(self):
        """Fitting did it."""

    def facts(self):
        from afield.api.study import list_studies

        card = self.fitted.card.to_json()
        kept = {name: card[name] for name in ("score", "members", "parity", "notes")}
        return {**kept, "trials": list_studies()[-1].trials}

    def load(self):
        self.fitted = self.afield.load(self.shipped / "model.onnx")
        found = [str(c) for c in self.fitted.classes or ()]  # it gives classes the type that they had
        self.order = [found.index(c) for c in self.classes]

    def answer(self, rows):
        if self.task == "regression":
            return self.fitted.predict(rows)
        return self.fitted.predict_proba(rows)[:, self.order]

    def more_rows(self, test):
        """Time a dict of raw texts, the form that the README shows for one row, beside the frame of one row."""
        rows = [test.iloc[(turn * 7919) % len(test)].to_dict() for turn in range(500)]
        return timed(self.answer, rows, "dict_row_ms")


if __name__ == "__main__":
    main(Afield)
