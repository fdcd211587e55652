"""mljar-supervised in its Compete mode, without explanations, which take time from the search."""

from __future__ import annotations

import json
import shutil
from typing import ClassVar

from protocol import Runner, main

TASKS = {"binary": "binary_classification", "multiclass": "multiclass_classification", "regression": "regression"}
#: pictures, reports and out-of-fold predictions, which prediction does not read
NOT_NEEDED = ("*.png", "*.svg", "*.md", "*.html", "*.csv", "*.parquet", "*learning_curves*", "*.log")


class Mljar(Runner):
    libraries = ("mljar-supervised", "lightgbm", "xgboost-cpu", "catboost", "scikit-learn", "pandas", "numpy")
    metrics: ClassVar[dict[str, str]] = {"auc": "auc", "log_loss": "logloss", "rmse": "rmse"}

    def imports(self):
        from supervised.automl import AutoML

        self.kind = AutoML

    def fit(self, train):
        self.fitted = self.kind(
            results_path=str(self.model),
            mode="Compete",
            ml_task=TASKS[self.task],
            eval_metric=self.metric,
            total_time_limit=self.budget_s,
            explain_level=0,
            n_jobs=self.cores,
            random_state=self.seed,
            verbose=0,
        )
        self.fitted.fit(train.drop(columns=self.target), train[self.target])

    def save(self):
        """Fitting did it."""

    def facts(self):
        kept = json.loads((self.model / "params.json").read_text(encoding="utf-8"))
        return {"best": kept.get("best_model"), "models": kept.get("saved"), "used": kept.get("load_on_predict")}

    def ship(self):
        """Ship the models that the best one asks for, without reports; that it still answers proves it enough."""
        kept = json.loads((self.model / "params.json").read_text(encoding="utf-8"))
        self.imports()
        needed = self.kind(results_path=str(self.model)).models_needed_on_predict(kept["best_model"])
        needed = {*needed, *(kept.get("load_on_predict") or []), kept["best_model"]}
        self.shipped.mkdir()
        for path in self.model.iterdir():
            if path.is_file() and path.suffix == ".json":
                shutil.copy(path, self.shipped)
            elif path.name in needed:
                shutil.copytree(path, self.shipped / path.name, ignore=shutil.ignore_patterns(*NOT_NEEDED))
        whole = sum(path.stat().st_size for path in self.model.rglob("*") if path.is_file())
        return {"whole_bytes": whole}

    def load(self):
        self.fitted = self.kind(results_path=str(self.shipped))

    def answer(self, rows):
        return self.fitted.predict(rows) if self.task == "regression" else self.fitted.predict_proba(rows)


if __name__ == "__main__":
    main(Mljar)
